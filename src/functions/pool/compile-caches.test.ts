import assert from "node:assert/strict";
import { test } from "node:test";
import { startPlatform, type Platform } from "../invoker/testing/platform.ts";
import { whyNot } from "../runtimes/testing/bench.ts";
import type { Revision } from "../registry/registry.ts";

const skip = await whyNot("bubblewrap");
const options = { skip, timeout: 60_000 };

/** So long that a cache of it is worth its while. */
const filler = `// ${"x".repeat(120)}\n`.repeat(2_000);
const tell = `const { getCompileCacheDir } = require("node:module");
  exports.handler = async () => ({ directory: getCompileCacheDir() ?? null });`;
const bundle = filler + tell;

/** Looks again after each turn of the loop; bounded by the test's own timeout. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const told = (platform: Platform, name: string): number =>
  platform.events.filter((event) => event.startsWith(name)).length;

async function compiled(platform: Platform, revision: Revision): Promise<void> {
  const before = told(platform, "compile-cache.made");
  platform.pool.compile(revision);
  await until(() => told(platform, "compile-cache.made") > before);
}

/** Whether the first call of a new environment found a cache. */
async function hasCache(platform: Platform, revision: Revision): Promise<boolean> {
  platform.pool.retire(revision.functionArn, undefined);
  const { directory } = (await platform.call(revision)).json as { directory: string | null }; // as above
  return directory !== null;
}

test("a deployed function's later starts find what its code was compiled to", options, async () => {
  await using platform = await startPlatform();
  const revision = await platform.deploy({ "index.js": bundle });
  assert.equal(await hasCache(platform, revision), false);
  await compiled(platform, revision);
  assert.equal(await hasCache(platform, revision), true);
});

test("a first start has one made too, where a deployment could not", options, async () => {
  await using platform = await startPlatform();
  const revision = await platform.deploy({ "index.js": bundle });
  await platform.call(revision);
  await until(() => told(platform, "compile-cache.made") === 1);
  assert.equal(await hasCache(platform, revision), true);
});

test(
  "it is nobody else's: not another account's, function's, or other settings'",
  options,
  async () => {
    await using platform = await startPlatform();
    const revision = await platform.deploy({ "index.js": bundle });
    await compiled(platform, revision);
    const others: readonly Partial<Revision>[] = [
      { accountId: "999999999999" },
      { functionArn: "arn:aws:lambda:eu-central-1:123456789012:function:other", name: "other" },
      { environment: { A: "1" } },
      { memoryMiB: revision.memoryMiB + 1 },
      { runtime: "nodejs22.x" },
    ];
    for (const other of others) {
      const different = { ...revision, ...other };
      assert.equal(await hasCache(platform, different), false, JSON.stringify(other));
    }
    assert.equal(await hasCache(platform, { ...revision, version: "1" }), true);
  },
);

test("what is small, or cannot be loaded, or has no room makes none", options, async () => {
  await using platform = await startPlatform({ pool: { functionMemoryMiB: 1_024 } });
  const small = await platform.deploy({ "index.js": tell });
  const dying = await platform.deploy({ "index.js": `${filler}process.exit(1);` });
  const large = await platform.deploy({ "index.js": bundle }, { memoryMiB: 2_048 });
  const good = await platform.deploy({ "index.js": bundle });
  const unwilling = { ...good, environment: { NODE_DISABLE_COMPILE_CACHE: "1" } };
  for (const revision of [small, dying, large, unwilling]) platform.pool.compile(revision);
  await compiled(platform, good);
  assert.equal(told(platform, "compile-cache.made"), 1);
  assert.equal(told(platform, "compile-cache.failed"), 1);
  assert.equal(await hasCache(platform, small), false);
  assert.equal(await hasCache(platform, unwilling), false);
});

test("a cache under which a start ended is given to no other", options, async () => {
  await using platform = await startPlatform();
  const code = `${bundle}\nif (getCompileCacheDir()?.startsWith("/var/slot/")) process.exit(7);`;
  const revision = await platform.deploy({ "index.js": code });
  await compiled(platform, revision);
  const { outcome } = await platform.call(revision);
  assert.notEqual(outcome.kind, "ok");
  assert.equal(await hasCache(platform, revision), false);
});

test(
  "a platform that stops does not wait for a function that loads for ever",
  options,
  async () => {
    const platform = await startPlatform();
    const revision = await platform.deploy({ "index.js": `${filler}for (;;);` });
    const before = platform.driver.liveCount;
    platform.pool.compile(revision);
    await until(() => platform.driver.liveCount > before);
    await platform[Symbol.asyncDispose]();
  },
);
