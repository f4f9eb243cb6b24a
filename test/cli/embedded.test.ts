import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { start } from "#main.ts";
import { root } from "../support/commands.ts";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { begin, descendants, isRunning } from "./program.ts";

// Temporary folders of this file's servers lie in one of its own, so that others' do not count.
const folder = await mkdtemp(join(tmpdir(), "skerry-embedded-"));
process.env["TMPDIR"] = folder;
after(() => rm(folder, { recursive: true, force: true }));

function clientOf(server: { readonly url: string }): LambdaClient {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return new LambdaClient({ endpoint: server.url, region: "us-east-1", credentials });
}

async function functionNames(client: LambdaClient): Promise<readonly (string | undefined)[]> {
  const { Functions = [] } = await client.send(new ListFunctionsCommand({}));
  return Functions.map((each) => each.FunctionName);
}

test("two servers at once have ports, functions and logs of their own", async () => {
  await using one = await start({ logLevel: "error" });
  await using two = await start({ logLevel: "error" });
  assert.ok(one.port > 0 && two.port > 0);
  assert.notEqual(one.port, two.port);
  assert.equal(one.url, `http://localhost:${one.port}`);
  const lambdas = [clientOf(one), clientOf(two)] as const;
  await Promise.all(
    lambdas.map((lambda, index) =>
      deploy(lambda, `only-in-${index}`, {
        "index.mjs": `export const handler = async () => ${index};`,
      }),
    ),
  );
  for (const [index, lambda] of lambdas.entries()) {
    assert.deepEqual(await functionNames(lambda), [`only-in-${index}`]);
    assert.equal((await invoke(lambda, `only-in-${index}`)).payload, index);
  }
});

test("without settings nothing is stored on disk but code, and the end removes everything", async () => {
  const server = await start({ logLevel: "error" });
  await deploy(clientOf(server), "echo", {
    "index.mjs": "export const handler = async (event) => event;",
  });
  assert.deepEqual((await invoke(clientOf(server), "echo", { a: 1 })).payload, { a: 1 });
  const [data = "", ...others] = await readdir(folder);
  assert.deepEqual(others, []);
  assert.equal(existsSync(join(folder, data, "store")), false, "state lives in memory");
  const processes = descendants(process.pid).filter(isRunning);
  assert.ok(processes.length > 1, "the launcher and at least one sandbox are running");

  await server[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(folder), []);
  assert.deepEqual(processes.filter(isRunning), []);
  assert.deepEqual(descendants(process.pid).filter(isRunning), []);
  assert.equal(await connectError(server.port), "ECONNREFUSED");
});

test("a folder that is given is kept, and what was deployed is there again", async () => {
  const dataDir = join(folder, "kept");
  {
    await using server = await start({ dataDir, logLevel: "error" });
    await deploy(clientOf(server), "kept", {
      "index.mjs": "export const handler = async () => 'still here';",
    });
  }
  await using server = await start({ dataDir, logLevel: "error" });
  assert.deepEqual(await functionNames(clientOf(server)), ["kept"]);
  assert.equal((await invoke(clientOf(server), "kept")).payload, "still here");
});

test("settings are checked as on the command line, and a refused start leaves nothing", async () => {
  const before = await readdir(folder);
  await assert.rejects(start({ accountConcurrency: 0 }), { code: "config.invalid" });
  assert.deepEqual(await readdir(folder), before);
});

test("a program that embeds a server ends by itself once it is disposed", async () => {
  const script = `
    import { start } from "#main.ts";
    { await using cloud = await start(); console.log((await fetch(cloud.url + "/_skerry/health")).status); }
    console.log("disposed");`;
  const program = [process.execPath, "--conditions=source", "--input-type=module"];
  const embedding = begin(["--eval", script], { program, workingDirectory: root });
  assert.equal(await embedding.exited, 0, embedding.stderr.text);
  assert.equal(embedding.stdout.text, "200\ndisposed\n");
});

/** How connecting to this port fails; undefined when it does not. */
async function connectError(port: number): Promise<string | undefined> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}
