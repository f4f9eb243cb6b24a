import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { find, root, run } from "../support/commands.ts";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { type Platform, startPlatform } from "./platform.ts";

const compiler = find("cc");
const skip = compiler === undefined && "there is no C compiler (cc) on this machine";

/** What docs/guide/functions.md promises of examples/any-language. */
describe("a function in C, built as its first lines say", { skip }, () => {
  let platform: Platform;
  let lambda: LambdaClient;
  before(async () => {
    platform = await startPlatform();
    lambda = new LambdaClient(platform.client);
    const bootstrap = await compile();
    await deploy(lambda, "in-c", { bootstrap }, { Runtime: "provided.al2023", MemorySize: 512 });
  });
  after(async () => {
    lambda.destroy();
    await platform.stop();
  });

  async function compile(): Promise<Buffer> {
    const folder = await mkdtemp(join(tmpdir(), "skerry-c-"));
    try {
      const source = join(root, "examples/any-language/bootstrap.c");
      const program = join(folder, "bootstrap");
      await run(compiler ?? "", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
      return await readFile(program);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  test("answers, reports an error, and answers again in the same process", async () => {
    const event = { text: "three more words" };
    const expected = { bytes: JSON.stringify(event).length, words: 4, function: "in-c" };
    const first = await invoke(lambda, "in-c", event);
    assert.deepEqual([first.payload, first.error], [expected, undefined]);
    assert.match(first.log, /counted 27 bytes for [0-9a-f-]{36}\n/);
    const failed = await invoke(lambda, "in-c", null);
    assert.equal(failed.error, "Unhandled");
    assert.deepEqual(failed.payload, {
      errorType: "Example.Empty",
      errorMessage: "there is nothing to count",
    });
    const again = await invoke(lambda, "in-c", event);
    assert.deepEqual(again.payload, expected);
    assert.doesNotMatch(again.log, /Init Duration/);
  });

  test("takes an event of six megabytes", async () => {
    const { payload } = await invoke(lambda, "in-c", "x".repeat(6_000_000));
    assert.deepEqual(payload, { bytes: 6_000_002, words: 1, function: "in-c" });
  });
});
