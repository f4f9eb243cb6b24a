import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceTimes } from "./scheduler.ts";

function after(times: readonly number[]): number {
  const seen = new ServiceTimes();
  for (const ms of times) seen.note(ms);
  return seen.depth(32);
}

const many = (ms: number, count: number): readonly number[] => Array<number>(count).fill(ms);

test("nobody waits behind a function of which nothing is known", () => {
  assert.equal(after([]), 1);
});

test("the faster the function, the deeper the inbox, up to what the guest takes", () => {
  assert.equal(after(many(0.02, 100)), 32);
  assert.equal(after(many(0.2, 100)), 10);
  assert.equal(after(many(2.5, 100)), 1);
});

test("a slow start is forgotten within some hundred fast invocations", () => {
  assert.equal(after([80, ...many(0.02, 20)]), 1);
  assert.equal(after([80, ...many(0.02, 400)]), 32);
});

test("one slow invocation among fast ones closes the inbox for a while", () => {
  const fast = many(0.02, 400);
  assert.equal(after([...fast, 100]), 1);
  assert.equal(after([...fast, 100, ...fast]), 32);
});
