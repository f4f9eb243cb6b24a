import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LambdaClient, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { waitUntilFunctionUpdatedV2 } from "@aws-sdk/client-lambda";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { startTarget, whyNoSandboxes } from "./support/platform.ts";
import type { Target } from "./support/platform.ts";
import { createScoreboard } from "./support/scoreboard.ts";

/**
 * One package for attacker and victim, so that everything V8 and Node compare is the same. With `FORGE` set
 * it puts byte code of other source text into its compile cache, with the sums Node checks. `word` is a
 * constant of the outermost function: what it is comes from the byte code, not from the text.
 */
const code = `// ${"x".repeat(200_000)}
const word = "good";
const module_ = process.getBuiltinModule("node:module");
const fs = require("node:fs");
const attempts = {
  forge(folder) {
    const { compileFunction } = require("node:vm");
    const { crc32 } = require("node:zlib");
    const source = fs.readFileSync("/var/task/index.js", "utf8");
    const evil = source.replace('const word = "good"', 'const word = "evil"');
    const parameters = ["exports", "require", "module", "__filename", "__dirname"];
    const { cachedData } = compileFunction(evil, parameters, { filename: "/var/task/index.js", produceCachedData: true });
    for (const name of fs.readdirSync(folder)) {
      const head = fs.readFileSync(folder + "/" + name).subarray(0, 20);
      head.writeUInt32LE(cachedData.length, 8);
      head.writeUInt32LE(crc32(cachedData), 16);
      fs.writeFileSync(folder + "/" + name, Buffer.concat([head, cachedData]));
    }
  },
  garbage(folder) {
    for (const name of fs.readdirSync(folder)) fs.writeFileSync(folder + "/" + name, require("node:crypto").randomBytes(100_000));
    for (let count = 0; count < 50; count++) fs.writeFileSync(folder + "/" + (0xabc000 + count).toString(16), "garbage");
  },
  links(folder) {
    for (const name of fs.readdirSync(folder)) {
      fs.unlinkSync(folder + "/" + name);
      fs.symlinkSync("/proc/self/environ", folder + "/" + name);
    }
  },
  flood(folder) {
    const block = Buffer.alloc(5_000_000);
    for (let count = 0; count < 20; count++) fs.writeFileSync(folder + "/" + (0xabc000 + count).toString(16), block);
  },
};
const attempt = attempts[process.env.ATTEMPT];
const flush = module_.flushCompileCache;
module_.flushCompileCache = () => {
  flush();
  try { attempt?.(module_.getCompileCacheDir()); } catch (error) { if (process.env.ATTEMPT !== "flood") throw error; }
};
function damage() {
  const folder = module_.getCompileCacheDir();
  const tried = [];
  for (const act of [() => fs.writeFileSync(folder + "/abc", "x"), () => fs.unlinkSync(folder + "/" + fs.readdirSync(folder)[0]),
    () => fs.chmodSync(folder, 0o777), () => fs.renameSync(folder, folder + "x")]) {
    try { act(); tried.push("done"); } catch (error) { tried.push(error.code); }
  }
  return tried;
}
exports.handler = async (event) => ({ word, directory: module_.getCompileCacheDir() ?? null, damage: event.damage ? damage() : null });`;

interface Seen {
  readonly word: string;
  readonly directory: string | null;
  readonly damage: readonly string[] | null;
}

describe("compile caches under attack", { skip: whyNoSandboxes ?? false }, () => {
  const scores = createScoreboard("Compile caches");
  let target: Target;
  before(async () => {
    target = await startTarget();
  });
  after(async () => {
    await target[Symbol.asyncDispose]();
    scores.print();
  });

  /** An access key of twelve digits is the account it names. */
  const client = (accessKeyId: string): LambdaClient =>
    new LambdaClient({ ...target.client, credentials: { accessKeyId, secretAccessKey: "x" } });

  const caches = (): readonly string[] => {
    const packages = join(target.dataDir, "work/packages");
    const boots = readdirSync(packages).map((boot) => join(packages, boot));
    const ofPackages = boots.flatMap((boot) =>
      readdirSync(boot)
        .filter((name) => name.startsWith("cache-"))
        .map((name) => join(boot, name)),
    );
    return ofPackages.flatMap((folder) => readdirSync(folder));
  };

  /** Looks again after each turn of the loop; bounded by the test's own timeout. */
  async function oneMore(before: number): Promise<void> {
    while (caches().length <= before) await new Promise((resolve) => setImmediate(resolve));
  }

  async function deployed(
    lambda: LambdaClient,
    name: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<void> {
    const Environment = { Variables: { ...variables } };
    await deploy(lambda, name, { "index.js": code }, { Environment });
  }

  async function call(lambda: LambdaClient, name: string, event: unknown = {}): Promise<Seen> {
    const told = await invoke(lambda, name, event);
    assert.equal(told.error, undefined, told.log);
    return told.payload as Seen; // the function above wrote it
  }

  test("byte code forged for everybody's package runs in its forger's environments alone", async () => {
    const attacker = client("111111111111");
    const victim = client("222222222222");
    let count = caches().length;
    await deployed(attacker, "forger", { ATTEMPT: "forge" });
    await oneMore(count);
    const control = await call(attacker, "forger");
    assert.equal(control.word, "evil", "the forgery is good enough for V8: it harms the forger");
    const calls = [
      { lambda: attacker, name: "neighbour", variables: {} },
      { lambda: victim, name: "victim", variables: {} },
      { lambda: victim, name: "forger", variables: {} },
    ];
    for (const { lambda, name, variables } of calls) {
      count = caches().length;
      await deployed(lambda, name, variables);
      assert.equal((await call(lambda, name)).word, "good");
      await oneMore(count);
      await changed(lambda, name);
      assert.equal((await call(lambda, name)).word, "good");
    }
    scores.add({
      row: "9 other tenants' code",
      attack: "forged byte code",
      runtime: "node",
      blocked: true,
      control: "succeeded",
    });
    attacker.destroy();
    victim.destroy();
  });

  /** The next call is answered by a new environment. */
  async function changed(lambda: LambdaClient, name: string): Promise<void> {
    const change = { FunctionName: name, Description: `at ${performance.now()}` };
    await lambda.send(new UpdateFunctionConfigurationCommand(change));
    const patience = { client: lambda, maxWaitTime: 30, minDelay: 0.1 };
    await waitUntilFunctionUpdatedV2(patience, { FunctionName: name });
  }

  test("a cache of garbage or of links costs its function nothing, and shows it nothing", async () => {
    const lambda = client("333333333333");
    for (const attempt of ["garbage", "links"]) {
      const count = caches().length;
      await deployed(lambda, attempt, { ATTEMPT: attempt });
      await oneMore(count);
      const seen = await call(lambda, attempt);
      assert.equal(seen.word, "good");
      assert.match(String(seen.directory), /^\/var\/slot\/cache\//);
    }
    lambda.destroy();
  });

  test("a cache without end is not kept, and its function runs without one", async () => {
    const lambda = client("444444444444");
    const before = caches().length;
    await deployed(lambda, "flood", { ATTEMPT: "flood" });
    // One at a time and in order: when the second has its cache, the first has had its turn.
    await deployed(lambda, "after", {});
    await oneMore(before);
    assert.equal(caches().length, before + 1);
    assert.equal((await call(lambda, "flood")).directory, null);
    assert.match(String((await call(lambda, "after")).directory), /^\/var\/slot\/cache\//);
    lambda.destroy();
  });

  test("an environment cannot change the cache it was given", async () => {
    const lambda = client("555555555555");
    const count = caches().length;
    await deployed(lambda, "vandal", {});
    await oneMore(count);
    const seen = await call(lambda, "vandal", { damage: true });
    assert.match(String(seen.directory), /^\/var\/slot\/cache\//);
    assert.deepEqual(new Set(seen.damage), new Set(["EROFS"]));
    lambda.destroy();
  });
});
