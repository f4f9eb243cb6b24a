import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startPlatform, type Platform } from "../invoker/testing/platform.ts";

/** Looks again after each turn of the loop; bounded by the test's own timeout. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
const generic = (platform: Platform): number => platform.pool.snapshot().generic["nodejs24.x"] ?? 0;
const hello = `export const handler = async () => "hello";`;

test(
  "a booted sandbox waits for the first call, becomes the function's, and is replaced",
  { timeout: 30_000 },
  async () => {
    await using platform = await startPlatform({
      pool: { genericPerKind: 1, prebootRuntimes: ["nodejs24.x", "cobol85"] },
    });
    await until(() => generic(platform) === 1);
    const [one, two] = [await platform.deploy(hello), await platform.deploy(hello)];
    await platform.call(one);
    const [start] = platform.pool.recentStarts();
    assert.equal(start?.source, "generic");
    console.log("from a generic sandbox:", JSON.stringify(start));
    await until(() => generic(platform) === 1);
    await platform.call(two);
    const ids = platform.pool.snapshot().environments.map((environment) => environment.id);
    assert.equal(new Set(ids).size, 2, "never one sandbox for two functions");
    assert(platform.events.some((event) => event.startsWith("pool.preboot-unknown")));
  },
);

test("idle environments end after the idle time", { timeout: 30_000 }, async () => {
  await using platform = await startPlatform({ pool: { idleTimeoutMs: 200 } });
  const revision = await platform.deploy(hello);
  await platform.call(revision);
  assert.equal(platform.pool.snapshot().environments.length, 1);
  await until(() => platform.pool.snapshot().environments.length === 0);
  assert.equal((await platform.call(revision)).json, "hello");
});

test(
  "memory is never promised twice: an idle function makes room, a busy one is waited for",
  { timeout: 60_000 },
  async () => {
    await using platform = await startPlatform({ pool: { functionMemoryMiB: 512 } });
    const slow = `export const handler = async (event) => { await new Promise((go) => setTimeout(go, event.ms ?? 0)); return "done"; };`;
    const one = await platform.deploy(slow, { memoryMiB: 512, timeoutMs: 20_000 });
    const two = await platform.deploy(slow, { memoryMiB: 512, timeoutMs: 20_000 });
    await platform.call(one);
    await platform.call(two);
    const alive = platform.pool
      .snapshot()
      .environments.map((environment) => environment.functionArn);
    assert.deepEqual(alive, [two.functionArn]);
    const order: string[] = [];
    await Promise.all([
      platform.call(two, { ms: 1_000 }).then(() => order.push("two")),
      platform.call(one).then(() => order.push("one")),
    ]);
    assert.deepEqual(order, ["two", "one"]);
  },
);

test(
  "a caller that gives up while waiting leaves nothing behind",
  { timeout: 30_000 },
  async () => {
    await using platform = await startPlatform();
    const revision = await platform.deploy(hello);
    const stop = new AbortController();
    const calling = platform.call(revision, {}, { context: { signal: stop.signal } });
    stop.abort(new Error("gone"));
    await assert.rejects(calling, /gone/);
    assert.equal(platform.invoker.runningCount, 0);
    assert.equal(
      (await platform.call(revision)).json,
      "hello",
      "the start it caused serves the next one",
    );
  },
);

/** Of the newest start. */
const reasonOf = (platform: Platform): string | undefined =>
  platform.pool.recentStarts()[0]?.reason;

test("every cold start says why it was one", { timeout: 120_000 }, async () => {
  await using platform = await startPlatform({ pool: { functionMemoryMiB: 768 } });
  const code = `export const handler = async (event) => {
      if (event.exit) process.exit(3);
      await new Promise((go) => setTimeout(go, event.ms ?? 0));
      return "done";
    };`;
  const one = await platform.deploy(code, { timeoutMs: 1_000 });
  await platform.call(one);
  assert.equal(reasonOf(platform), "first-call");
  await Promise.all([platform.call(one, { ms: 900 }), platform.call(one, { ms: 900 })]);
  assert.equal(reasonOf(platform), "all-busy");
  const two = await platform.deploy(code, { memoryMiB: 768 });
  await platform.call(two);
  await platform.call(one);
  assert.equal(reasonOf(platform), "evicted");
  await platform.call(one, { exit: true });
  await platform.call(one);
  assert.equal(reasonOf(platform), "crashed");
  await platform.call(one, { ms: 60_000 });
  await platform.call(one);
  assert.equal(reasonOf(platform), "timed-out");
  const changed = { ...one, revisionId: "another" };
  platform.pool.retire(one.functionArn, changed.revisionId);
  const { context } = await platform.call(changed);
  assert.equal(reasonOf(platform), "changed");
  const spans = platform.tracer.find(context.trace.traceId);
  const attributes = spans.find((span) => span.name === "cold-start")?.attributes;
  assert.equal(attributes?.["reason"], "changed");
  const broken = await platform.deploy("throw new Error('no')");
  await platform.call(broken);
  await platform.call(broken);
  assert.equal(reasonOf(platform), "init-failed");
});

test(
  "provisioned environments are there before the first call, come back, and spill over",
  { timeout: 120_000 },
  async () => {
    await using platform = await startPlatform({ pool: { idleTimeoutMs: 1 } });
    const code = `export const handler = async (event) => {
      if (event.exit) process.exit(3);
      await new Promise((go) => setTimeout(go, event.ms ?? 0));
      return process.env.AWS_LAMBDA_INITIALIZATION_TYPE;
    };`;
    const revision = await platform.deploy(code);
    platform.pool.provision(revision.functionArn, [{ revision, count: 1 }]);
    await until(() => platform.pool.provisioned(revision).allocated === 1);
    assert.equal(reasonOf(platform), "provisioned");
    assert.equal((await platform.call(revision)).json, "provisioned-concurrency");
    assert.equal(platform.pool.recentStarts().length, 1);
    const both = await Promise.all([
      platform.call(revision, { ms: 500 }),
      platform.call(revision, { ms: 500 }),
    ]);
    assert.deepEqual(both.map((call) => String(call.json)).toSorted(), [
      "on-demand",
      "provisioned-concurrency",
    ]);
    assert.equal(reasonOf(platform), "provisioned-spill-over");
    await until(() => platform.pool.snapshot().environments.length === 1);
    assert.equal(platform.pool.provisioned(revision).available, 1, "idle time does not end it");
    await platform.call(revision, { exit: true });
    await until(() => platform.pool.provisioned(revision).allocated === 1);
    platform.pool.provision(revision.functionArn, []);
    await until(() => platform.pool.snapshot().environments.length === 0);
    const broken = await platform.deploy("throw new Error('no')");
    platform.pool.provision(broken.functionArn, [{ revision: broken, count: 2 }]);
    await until(() => platform.pool.provisioned(broken).failure !== undefined);
    assert.equal(platform.pool.provisioned(broken).failure?.by, "init");
    const huge = await platform.deploy(code, { memoryMiB: 10_240 });
    platform.pool.provision(huge.functionArn, [{ revision: huge, count: 1 }]);
    assert.match(platform.pool.provisioned(huge).failure?.text ?? "", /raise --function-memory/);
    await assert.rejects(platform.call(huge), { code: "memory.too-small" });
  },
);

test(
  "an environment is ready for a call that a schedule has announced",
  { timeout: 30_000 },
  async () => {
    await using platform = await startPlatform();
    const revision = await platform.deploy(hello);
    const atMs = Date.now() + 15_000; // closer than the time an environment is begun ahead
    platform.pool.announce(revision, {
      nextMs: (afterMs) => (afterMs < atMs ? atMs : undefined),
    });
    await until(() => platform.pool.snapshot().environments[0]?.state === "idle");
    assert.equal((await platform.call(revision)).json, "hello");
    const [start, ...others] = platform.pool.recentStarts();
    assert.deepEqual([start?.purpose, start?.reason, others], ["prewarm", "foreseen", []]);
  },
);

test("stopping while functions start and run ends everything", { timeout: 60_000 }, async () => {
  const platform = await startPlatform({
    pool: { genericPerKind: 1, prebootRuntimes: ["nodejs24.x"] },
  });
  const revision = await platform.deploy(hello);
  await platform.call(revision);
  const late = platform.pool.acquire(await platform.deploy(hello), platform.tracer.newTrace(), {
    signal: new AbortController().signal,
    isExclusive: false,
  });
  late.catch(() => undefined);
  await platform[Symbol.asyncDispose]();
  await assert.rejects(late, { code: "server.stopping" });
  const { environments } = platform.pool.snapshot();
  assert.deepEqual(environments, []);
});

test(
  "an environment whose process dies between two calls is replaced",
  { timeout: 30_000 },
  async () => {
    await using platform = await startPlatform();
    const revision = await platform.deploy(
      `export const handler = async () => { setTimeout(() => process.exit(1), 50); return process.pid + ":" + Math.random(); };`,
    );
    const first = await platform.call(revision);
    await until(() => platform.pool.snapshot().environments.length === 0);
    const second = await platform.call(revision);
    assert.equal(second.outcome.kind, "ok");
    assert.notEqual(first.text, second.text);
  },
);

test(
  "the way to the internet exists only for functions that were given it, and not to this host",
  { timeout: 30_000 },
  async () => {
    const origin = createServer((_request, response) => response.end("the world"));
    origin.listen(0, "127.0.0.1");
    await once(origin, "listening");
    const { port } = origin.address() as AddressInfo;
    const code = `import { request } from "node:http";
    export const handler = async (event) => new Promise((resolve) => {
      const proxied = request({ host: "127.0.0.1", port: 3128, method: "GET", path: event.url }, (response) => {
        let text = ""; response.on("data", (chunk) => (text += chunk)); response.on("end", () => resolve([response.statusCode, text, process.env.HTTP_PROXY]));
      });
      proxied.on("error", (error) => resolve([0, String(error), process.env.HTTP_PROXY])); proxied.end();
    });`;
    await using platform = await startPlatform({ allow: (_address, to) => to === port });
    const open = await platform.deploy(code, { egress: "internet" });
    const closed = await platform.deploy(code);
    const world = `http://127.0.0.1:${port}/`;
    assert.deepEqual((await platform.call(open, { url: world })).json, [
      200,
      "the world",
      "http://127.0.0.1:3128",
    ]);
    const [refused] = (await platform.call(open, { url: "http://127.0.0.1:1/" })).json as unknown[];
    assert.equal(refused, 403);
    const [status, , proxy] = (await platform.call(closed, { url: world })).json as unknown[];
    assert.equal(status, 403);
    assert.equal(proxy ?? undefined, undefined);
    origin.close();
  },
);
