import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startPlatform } from "./testing/platform.ts";

const platform = await startPlatform();
after(() => platform[Symbol.asyncDispose]());

/** Calls until the function is known to be fast. */
async function warmUp(call: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < 300; count++) await call();
}

test("a fast function's burst goes through one environment, and each call's lines stay together", async () => {
  const revision = await platform.deploy(
    `const id = Math.random();
     let running = 0;
     export const handler = async (event) => {
       if (running++ > 0) throw new Error("two at a time");
       process.stdout.write("first " + event.n + "\\n");
       await null;
       process.stderr.write("second " + event.n + "\\n");
       running--;
       return id;
     };`,
  );
  await warmUp(() => platform.call(revision, { n: "warm" }));
  platform.logs.clear();
  const numbers = Array.from({ length: 120 }, (_, index) => index);
  const called = await Promise.all(numbers.map((n) => platform.call(revision, { n })));
  const ids = new Set(called.map((one) => one.text));
  assert.ok(ids.size < 30, `${ids.size} environments for 120 calls`);
  const perStream = [...platform.logs.values()].map((lines) => lines.join(""));
  const block =
    /START RequestId: (\S+) Version: \$LATEST\n(?:first|second) (\w+)\n(?:first|second) (\w+)\nEND RequestId: (\S+)\nREPORT RequestId: (\S+)\t/g;
  const seen = new Set<string>();
  for (const text of perStream) {
    for (const [, start, one, two, end, report] of text.matchAll(block)) {
      assert.deepEqual([one, end, report], [two, start, start], text.slice(0, 2_000));
      if (start !== undefined) seen.add(start);
    }
  }
  for (const { context } of called) {
    const { requestId } = context;
    const text = perStream.find((one) => one.includes(requestId)) ?? "nowhere";
    const at = text.indexOf(requestId);
    assert.ok(seen.has(requestId), `${requestId}\n${text.slice(Math.max(0, at - 400), at + 800)}`);
  }
});

test("who waits behind a slow call of a fast function is taken elsewhere", async () => {
  const revision = await platform.deploy(
    `export const handler = (event) => event.wait
       ? new Promise((resolve) => setTimeout(resolve, event.wait, "slow"))
       : "fast";`,
    { timeoutMs: 60_000 },
  );
  await warmUp(() => platform.call(revision));
  let isSlowOver = false;
  const slow = platform.call(revision, { wait: 60_000 }).finally(() => (isSlowOver = true));
  slow.catch(() => undefined); // the platform stops before it answers
  const fast = await Promise.all(Array.from({ length: 5 }, () => platform.call(revision)));
  for (const called of fast) assert.equal(called.text, '"fast"');
  assert.equal(isSlowOver, false);
});

test("those behind a call that takes its environment with it are answered all the same", async () => {
  const revision = await platform.deploy(
    `export const handler = (event) => event.die ? process.exit(1) : "alive";`,
  );
  await warmUp(() => platform.call(revision));
  const dying = platform.call(revision, { die: true });
  const behind = await Promise.all(Array.from({ length: 5 }, () => platform.call(revision)));
  assert.equal((await dying).outcome.kind, "crash");
  for (const called of behind) assert.equal(called.text, '"alive"');
});

test("a timeout counts from where the function begins, and spares those behind it", async () => {
  const revision = await platform.deploy(
    `export const handler = (event) => event.hang ? new Promise((resolve) => setTimeout(resolve, 60_000)) : "done";`,
    { timeoutMs: 1_000 },
  );
  await warmUp(() => platform.call(revision));
  const hanging = platform.call(revision, { hang: true });
  const behind = await Promise.all(Array.from({ length: 3 }, () => platform.call(revision)));
  assert.equal((await hanging).outcome.kind, "timeout");
  for (const called of behind) assert.equal(called.text, '"done"');
});
