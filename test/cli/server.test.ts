import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { deploy, text } from "../support/functions.ts";
import { begin, descendants, isRunning, skerry, up } from "./program.ts";

const folder = await mkdtemp(join(tmpdir(), "skerry-cli-"));
after(() => rm(folder, { recursive: true, force: true }));

/** Says when it begins, so that a test can act while it runs. */
const slowSource = `export const handler = async ({ ms }) => {
  console.log("begun");
  await new Promise((resolve) => setTimeout(resolve, ms));
  return "finished";
};`;

test("up says where it listens, for whom, where data goes and what isolation holds", async () => {
  const data = join(folder, "said");
  await using server = begin(["up", "--port", "0", "--data", data, "--region", "eu-west-3"]);
  await server.stdout.until(/list-functions\n/);
  const said = server.stdout.text;
  const [, url = ""] = /^Skerry is listening on (http:\/\/localhost:\d+)$/m.exec(said) ?? [];
  assert.match(said, /^ {2}account +000000000000$/m);
  assert.match(said, /^ {2}region +eu-west-3$/m);
  assert.ok(said.includes(`data        ${data}\n`));
  assert.match(said, /^ {2}isolation +bubblewrap: /m);
  assert.ok(said.includes(`export AWS_ENDPOINT_URL=${url}\n`));
  assert.equal(server.stderr.text, "");
});

test("settings come from the environment and from skerry.config.json beside it", async () => {
  const here = await mkdtemp(join(folder, "configured-"));
  await writeFile(
    join(here, "skerry.config.json"),
    JSON.stringify({ account: "123456789012", region: "ap-south-1", storage: "memory" }),
  );
  await using server = begin(["up", "--json"], {
    workingDirectory: here,
    environment: { SKERRY_PORT: "0", SKERRY_REGION: "sa-east-1" },
  });
  const [line] = await server.stdout.until(/^\{.*\}$/m);
  const { url, port, isolation, ...rest } = JSON.parse(line) as Record<string, unknown>;
  assert.equal(url, `http://localhost:${String(port)}`);
  assert.match(String(isolation), /^bubblewrap/);
  assert.deepEqual(
    { ...rest, notices: [] },
    { account: "123456789012", region: "sa-east-1", data: "memory", notices: [] },
  );
});

test("health answers under our name and under the one other tools wait for", async () => {
  await using server = await up(["--storage=memory"]);
  for (const path of ["/_skerry/health", "/_localstack/health"]) {
    const answer = await fetch(server.url + path);
    assert.equal(answer.status, 200);
    const health = (await answer.json()) as { status: string; services: Record<string, string> };
    assert.equal(health.status, "running");
    assert.equal(health.services["lambda"], "available");
  }
});

test("SIGTERM lets a running call finish, refuses new ones, and leaves nothing behind", async () => {
  await using server = await up();
  await deploy(server.lambda, "slow", { "index.mjs": slowSource });
  await using log = begin(["logs", "-f", "slow", `--endpoint=${server.url}`]);
  const answer = server.lambda.send(
    new InvokeCommand({ FunctionName: "slow", Payload: JSON.stringify({ ms: 1_500 }) }),
  );
  await log.stdout.until(/begun/);
  const processes = descendants(server.child.pid ?? 0);
  assert.ok(processes.length > 3, "the platform, its launcher and a sandbox are running");
  server.child.kill("SIGTERM");
  assert.equal(text((await answer).Payload), '"finished"');
  assert.equal(await server.exited, 0);
  const alive = processes.filter(isRunning);
  assert.deepEqual(alive, []);
  assert.equal(await connectError(server.port), "ECONNREFUSED");
});

test("after SIGTERM new connections are refused while the old call is still running", async () => {
  await using server = begin(["up", "--port=0", `--data=${join(folder, "refusing")}`]);
  const [, port = ""] = await server.stdout.until(/localhost:(\d+)\n[^]*list-functions/);
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  const lambda = new LambdaClient({
    endpoint: `http://localhost:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await deploy(lambda, "slow", { "index.mjs": slowSource });
  await using log = begin(["logs", "-f", "slow", `--endpoint=http://localhost:${port}`]);
  const answer = lambda.send(
    new InvokeCommand({ FunctionName: "slow", Payload: JSON.stringify({ ms: 9_000 }) }),
  );
  const failed = assert.rejects(answer);
  await log.stdout.until(/begun/);
  server.child.kill("SIGINT");
  await server.stderr.until(/stopping: running requests get up to 10 s/);
  while ((await connectError(Number(port))) !== "ECONNREFUSED");
  // A second Ctrl-C; the first moments belong to the copies a terminal and parents make of one.
  const impatience = setInterval(() => server.child.kill("SIGINT"), 50);
  assert.equal(await server.exited, 130);
  clearInterval(impatience);
  await failed;
});

test("a server whose parent was killed stops too", async () => {
  const running = begin(["up", "--port=0", `--data=${join(folder, "orphaned")}`]);
  await running.stdout.until(/list-functions/);
  const processes = descendants(running.child.pid ?? 0);
  assert.ok(processes.length > 0);
  running.child.kill("SIGKILL");
  await running.exited; // once nobody holds its output any more
  // The launcher holds none of it and ends a moment later; the test's own limit bounds the wait.
  while (processes.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
});

test("a port in use is one sentence with a way out", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo; // a TCP server
  const { code, out, err } = await skerry(["up", `--port=${port}`, `--data=${join(folder, "x")}`]);
  taken.close();
  assert.deepEqual([code, out], [1, ""]);
  assert.equal(
    err,
    `skerry: port ${port} of 127.0.0.1 is taken by another program; stop that, or choose a port: --port 0 takes a free one\n`,
  );
});

test("a folder that cannot hold data is one sentence too", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const { code, err } = await skerry(["up", "--port=0", `--data=${file}`]);
  assert.equal(code, 1);
  assert.match(err, /^skerry: cannot keep data in .*file \((EEXIST|ENOTDIR)\); .*--data\n$/);
});

test("--sandbox=process starts, and warns that it isolates nothing", async () => {
  await using server = begin(["up", "--port=0", "--storage=memory", "--sandbox=process"], {
    workingDirectory: folder,
  });
  await server.stdout.until(/list-functions/);
  assert.match(server.stdout.text, /isolation +NONE \(--sandbox=process\)/);
  assert.match(server.stdout.text, /! functions run as plain processes with your rights/);
});

test("serve shows a root key once and refuses what is not signed", async () => {
  const data = join(folder, "served");
  const listed = "/2015-03-31/functions/";
  const keys: (readonly string[])[] = [];
  for (const round of ["first", "second"]) {
    await using server = begin(["serve", "--json", "--port=0", `--data=${data}`]);
    const [line] = await server.stdout.until(/^\{.*\}$/m);
    const { url, notices } = JSON.parse(line) as { url: string; notices: string[] };
    const key = notices.find((notice) => notice.includes("root key"));
    assert.equal(key !== undefined, round === "first");
    if (key !== undefined) keys.push(key.split(" ").slice(-2));
    const unsigned = await fetch(url + listed);
    assert.equal(unsigned.status, 403);
    assert.match(unsigned.headers.get("x-amzn-errortype") ?? "", /MissingAuthenticationToken/);
    const reset = await skerry(["reset", "--yes", `--endpoint=${url}`]);
    assert.equal(reset.code, 1, "a strict server cannot be emptied by whoever reaches it");
    const [AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = ""] = keys[0] ?? [];
    const environment = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
    const signed = await skerry(["functions", `--endpoint=${url}`], { environment });
    // The platform's own pages are for this machine; the list itself is the signed call.
    assert.deepEqual([signed.code, signed.out, signed.err], [0, "no functions\n", ""]);
  }
});

/** Why a connection to the port fails; undefined when it does not. */
function connectError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code));
  });
}
