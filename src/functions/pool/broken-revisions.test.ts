import assert from "node:assert/strict";
import { test } from "node:test";
import { startPlatform } from "../invoker/testing/platform.ts";
import { initFailurePolicy, startsMax } from "./limits.ts";

const hello = `export const handler = async () => "hello";`;

test(
  "a hundred calls of code that fails in its init cost a few starts, and each is told why",
  { timeout: 60_000 },
  async () => {
    await using platform = await startPlatform();
    const healthy = await platform.deploy(hello);
    const broken = await platform.deploy(`throw new RangeError("no tide today");`);
    const starts = (): number =>
      platform.pool.recentStarts().filter((start) => start.functionArn === broken.functionArn)
        .length;
    const calls = Array.from({ length: 100 }, () => platform.call(broken, {}, { tailLog: true }));
    assert.equal((await platform.call(healthy)).json, "hello");
    for (const { json, outcome, tail, context } of await Promise.all(calls)) {
      assert.equal(outcome.kind, "function-error");
      assert.equal((json as { errorType: string }).errorType, "RangeError");
      for (const word of ["START", "END", "REPORT"])
        assert.match(tail, new RegExp(`^${word} RequestId: ${context.requestId}`, "m"));
    }
    assert.ok(starts() <= initFailurePolicy.freeCount + startsMax, `${starts()} starts`);
  },
);

test("repaired code starts at once: it is another revision", { timeout: 60_000 }, async () => {
  await using platform = await startPlatform();
  const broken = await platform.deploy(`process.exit(1);`);
  for (let call = 0; call < 8; call++)
    assert.equal((await platform.call(broken)).outcome.kind, "crash");
  assert.equal((await platform.call(await platform.deploy(hello))).json, "hello");
});
