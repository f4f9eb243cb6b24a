import assert from "node:assert/strict";
import { test } from "node:test";
import { Latch } from "./latch.ts";

test("whoever races with what has not happened gets its own result and is forgotten", async () => {
  const latch = new Latch<string>();
  for (let n = 0; n < 1_000; n++) assert.equal(await latch.race(Promise.resolve(n)), n);
  await assert.rejects(latch.race(Promise.reject(new Error("mine"))), /mine/);
  assert.equal(latch.waitingCount, 0);
});

test("all who race when it happens get its first value, and so do all who come later", async () => {
  const latch = new Latch<string>();
  const pending = Promise.withResolvers<never>();
  const races = [latch.race(pending.promise), latch.race(pending.promise)];
  assert.equal(latch.waitingCount, 2);
  latch.set("first");
  latch.set("second");
  assert.deepEqual(await Promise.all(races), ["first", "first"]);
  assert.equal(await latch.race(Promise.reject(new Error("too late"))), "first");
  assert.equal(latch.waitingCount, 0);
});
