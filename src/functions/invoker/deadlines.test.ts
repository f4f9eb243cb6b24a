import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";

function setUp() {
  const clock = createVirtualClock(0);
  const deadlines = new Deadlines(clock);
  const told: [name: string, atMs: number][] = [];
  const add = (name: string, limitMs: number): Deadline =>
    deadlines.add(
      { late: () => void told.push([name, clock.monotonicMs()]) },
      limitMs,
      clock.monotonicMs(),
    );
  return { clock, deadlines, told, add };
}

test("each is told at its own time, whoever else has the same limit", async () => {
  const { clock, told, add } = setUp();
  add("a", 100);
  await clock.advance(30);
  add("b", 100);
  add("c", 50);
  await clock.advance(1_000);
  assert.deepEqual(told, [
    ["c", 80],
    ["a", 100],
    ["b", 130],
  ]);
  assert.equal(clock.pendingCount, 0);
});

test("what is taken out is not told, wherever it stood", async () => {
  const names = ["first", "second", "third"];
  for (const out of names) {
    const { clock, deadlines, told, add } = setUp();
    for (const name of names) {
      const deadline = add(name, 100);
      if (name === out) queueMicrotask(() => deadlines.remove(deadline));
      await clock.advance(10);
    }
    await clock.advance(1_000);
    assert.deepEqual(
      told.map(([name]) => name),
      names.filter((name) => name !== out),
    );
  }
});

test("a timer that finds nobody is the last, and the next one to come has its whole time", async () => {
  const { clock, deadlines, told, add } = setUp();
  const first = add("first", 100);
  await clock.advance(50);
  deadlines.remove(first);
  deadlines.remove(first);
  await clock.advance(100);
  assert.equal(clock.pendingCount, 0);
  const second = add("second", 100);
  await clock.advance(100);
  assert.deepEqual(told, [["second", 250]]);
  deadlines.remove(second);
  await clock.advance(1_000);
  assert.equal(told.length, 1);
});

test("thousands that come and go leave one timer, and those that stay are told in order", async () => {
  const { clock, deadlines, told, add } = setUp();
  for (let at = 0; at < 5_000; at++) {
    const deadline = add(String(at), 3_000);
    if (at % 500 !== 0) deadlines.remove(deadline);
    assert.equal(clock.pendingCount, 1);
    if (at % 500 === 0) await clock.advance(1);
  }
  await clock.advance(10_000);
  assert.deepEqual(
    told.map(([name]) => Number(name)),
    Array.from({ length: 10 }, (_, index) => index * 500),
  );
  assert.equal(clock.pendingCount, 0);
});
