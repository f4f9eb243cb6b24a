import assert from "node:assert/strict";
import { test } from "node:test";
import { afterFailure } from "./init-failures.ts";
import type { InitFailures } from "./init-failures.ts";

const policy = { freeCount: 3, baseMs: 100, capMs: 1_000 };

test("the first failures hold nothing back, the next ones longer and longer up to a cap", () => {
  let state: InitFailures | undefined;
  const holds: number[] = [];
  let nowMs = 0;
  for (let failure = 0; failure < 9; failure++) {
    nowMs = Math.max(nowMs + 1, state?.heldUntilMs ?? 0); // as soon as it may
    state = afterFailure(state, { beganMs: nowMs, endedMs: nowMs + 5 }, policy);
    holds.push(state.heldUntilMs - (nowMs + 5));
    nowMs += 5;
  }
  assert.deepEqual(holds, [-Infinity, -Infinity, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test("starts under way together are one hold", () => {
  let state: InitFailures | undefined;
  for (let start = 0; start < 8; start++)
    state = afterFailure(state, { beganMs: start, endedMs: 50 + start }, policy);
  assert.deepEqual(state, { count: 8, holds: 1, heldUntilMs: 52 + 100 });
});
