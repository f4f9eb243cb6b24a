import assert from "node:assert/strict";
import { test } from "node:test";
import { createUidPool } from "./uids.ts";

test("hands out each uid once, in a circle, and none when all are taken", () => {
  const pool = createUidPool({ first: 100, count: 3, start: 2 });
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take(), pool.take()],
    [102, 100, 101, undefined],
  );
  pool.give(100);
  assert.equal(pool.takenCount, 2);
  assert.equal(pool.take(), 100);
});

test("a freed uid rests while others are free", () => {
  const pool = createUidPool({ first: 0, count: 3, start: 0 });
  assert.equal(pool.take(), 0);
  pool.give(0);
  assert.equal(pool.take(), 1);
});
