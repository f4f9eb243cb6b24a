import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { runCli } from "./cli.ts";
import type { Diagnosis, Terminal } from "./command.ts";
import { renderTree } from "./trace-tree.ts";

const healthy: Diagnosis = {
  version: "1.2.3",
  sandbox: { driver: "bubblewrap", usable: true, reason: "0.8.0" },
  properties: [{ name: "seccomp", holds: true, required: true, detail: "mode 2" }],
  runtimes: [{ identifier: "nodejs24.x", usable: true, reason: "24.1.0" }],
};

async function run(
  words: string[],
  change: Partial<Terminal> = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const terminal: Terminal = {
    environment: {},
    workingDirectory: "/",
    isInteractive: false,
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readFile: () => Promise.reject(Object.assign(new Error("no such file"), { code: "ENOENT" })),
    readStdin: async () => new Uint8Array(),
    stop: AbortSignal.abort(),
    startServer: () => assert.fail("no server is started here"),
    diagnose: async () => healthy,
    ...change,
  };
  const code = await runCli(words, terminal, "1.2.3");
  return { code, out, err };
}

test("help lists every command and each command explains its flags", async () => {
  const general = await run([]);
  assert.equal(general.code, 0);
  for (const name of [
    "up",
    "serve",
    "doctor",
    "invoke",
    "logs",
    "trace",
    "events",
    "functions",
    "reset",
    "completions",
  ]) {
    assert.match(general.out, new RegExp(`^  ${name} `, "m"));
    assert.match((await run(["help", name])).out, new RegExp(`^Usage: skerry ${name}`));
    assert.equal((await run([name, "--help"])).code, 0);
  }
  assert.match(
    (await run(["help", "up"])).out,
    /--port COUNT +port for every service.*SKERRY_PORT/,
  );
});

test("a mistyped command or flag gets a suggestion and exit code 2", async () => {
  const command = await run(["invok"]);
  assert.deepEqual(
    [command.code, command.err],
    [2, 'skerry: unknown command "invok". Did you mean "invoke"?\n'],
  );
  const flag = await run(["up", "--prot", "1"]);
  assert.equal(flag.code, 2);
  assert.match(flag.err, /Unknown option '--prot'.*Did you mean --port\?/);
});

test("settings that cannot be are refused before anything starts", async () => {
  const { code, err } = await run(["up", "--port", "99999"]);
  assert.deepEqual(
    [code, err],
    [2, 'skerry: --port must be a whole number 0 to 65535, not "99999"\n'],
  );
  const missing = await run(["up", "--config", "absent.json"]);
  assert.equal(missing.code, 2);
  assert.match(missing.err, /cannot read the configuration file/);
});

test("up says where it listens, for whom, and what isolation holds", async () => {
  let disposed = false;
  const startServer: Terminal["startServer"] = async () => ({
    url: "http://127.0.0.1:4566",
    port: 4566,
    isolation: "bubblewrap",
    notices: ["single tenant"],
    [Symbol.asyncDispose]: async () => void (disposed = true),
  });
  const text = await run(["up"], { startServer });
  assert.equal(text.code, 0);
  assert.match(text.out, /listening on http:\/\/127\.0\.0\.1:4566/);
  assert.match(text.out, /account +000000000000/);
  assert.match(text.out, /isolation +bubblewrap/);
  assert.match(text.out, /! single tenant/);
  assert.ok(disposed);
  const json = await run(["up", "--json", "--region", "eu-north-1"], { startServer });
  assert.deepEqual((JSON.parse(json.out) as { region: string }).region, "eu-north-1");
});

test("doctor fails when a required property does not hold", async () => {
  assert.equal((await run(["doctor"])).code, 0);
  const seccomp = { name: "seccomp", holds: false, required: true, detail: "mode 0" };
  const diagnose = async (): Promise<Diagnosis> => ({ ...healthy, properties: [seccomp] });
  const sick = await run(["doctor"], { diagnose });
  assert.equal(sick.code, 1);
  assert.match(sick.out, /FAILED +seccomp +mode 0/);
});

test("a client command without a server says how to start one", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo; // a TCP server
  closed.close();
  await once(closed, "close");
  const { code, err } = await run(["trace", "--endpoint", `http://127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.match(err, /no Skerry answers at http:\/\/127\.0\.0\.1:\d+ .*skerry up/);
});

test("reset wants a yes", async () => {
  const { code, err } = await run(["reset"]);
  assert.equal(code, 2);
  assert.match(err, /add --yes/);
});

test("completion scripts name commands and flags; an unknown shell is refused", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out } = await run(["completions", shell]);
    assert.match(out, /functions/);
    assert.match(out, /ready-sandboxes/);
  }
  assert.equal((await run(["completions", "tcsh"])).code, 2);
});

test("a trace is drawn as a tree on one time line", () => {
  const span = (
    spanId: string,
    parentId: string | undefined,
    name: string,
    startMs: number,
    endMs: number,
  ) => ({
    spanId,
    ...(parentId !== undefined && { parentId }),
    name,
    startMs,
    endMs,
    attributes: {},
  });
  const lines = renderTree([
    span("a", undefined, "request", 100, 110),
    span("b", "a", "cold start", 101, 106),
    span("c", "b", "boot", 101, 104),
    { ...span("d", "a", "handler", 106, 110), error: "Boom" },
  ]);
  assert.deepEqual(
    lines.map((line) => line.replace(/ +━+.*/, "").trimEnd()),
    [
      "request           +0.0     10.0 ms",
      "├ cold start      +1.0      5.0 ms",
      "│ └ boot          +1.0      3.0 ms",
      "└ handler         +6.0      4.0 ms",
    ],
  );
  assert.match(lines[3] ?? "", /ERROR Boom/);
});
