import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock, systemClock } from "./clock.ts";
import { createMovableClock } from "./movable-clock.ts";

const day = 24 * 3_600_000;

/** Real time stands still but for what a test passes; sleeping underneath is what moves are given to settle. */
function open(startMs = 1_000_000) {
  const under = createVirtualClock(startMs);
  const real = { ...under, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  return { under, clock: createMovableClock(real) };
}

test("it runs with the real one, and moves by what it is told", async () => {
  const { under, clock } = open();
  assert.equal(clock.nowMs(), 1_000_000);
  await under.advance(500);
  assert.equal(clock.nowMs(), 1_000_500);
  await clock.move({ kind: "advance", ms: 40 * day });
  assert.equal(clock.nowMs(), 1_000_500 + 40 * day);
  assert.equal(clock.offsetMs, 40 * day);
  await under.advance(1_000);
  assert.equal(clock.nowMs(), 1_001_500 + 40 * day);
  assert.equal(clock.monotonicMs(), 1_500 + 40 * day);
});

test("timers fire when real time passes, and on the way when the clock is moved", async () => {
  const { under, clock } = open(0);
  const fired: [string, number][] = [];
  clock.timer(2_000, () => fired.push(["later", clock.nowMs()]));
  clock.timer(1_000, () => fired.push(["sooner", clock.nowMs()]));
  const cancelled = clock.timer(1_500, () => fired.push(["cancelled", clock.nowMs()]));
  cancelled[Symbol.dispose]();
  await under.advance(400);
  await clock.move({ kind: "advance", ms: 700 });
  assert.deepEqual(fired, [["sooner", 1_000]]);
  await under.advance(900);
  assert.deepEqual(fired.at(-1), ["later", 2_000]);
});

test("what comes again each day comes each day of a move", async () => {
  const { clock } = open(0);
  const days: number[] = [];
  const again = (): void =>
    void clock.timer(day, () => {
      days.push(clock.nowMs() / day);
      again();
    });
  again();
  await clock.move({ kind: "advance", ms: 3.5 * day });
  assert.deepEqual(days, [1, 2, 3]);
  assert.equal(clock.nowMs(), 3.5 * day);
});

test("frozen, no time passes and nothing fires until it is moved or goes on", async () => {
  const { under, clock } = open(0);
  let count = 0;
  clock.timer(100, () => count++);
  await clock.move({ kind: "freeze" });
  await under.advance(10_000);
  assert.deepEqual([clock.nowMs(), clock.isFrozen, count], [0, true, 0]);
  clock.timer(50, () => count++);
  await clock.move({ kind: "advance", ms: 60 });
  assert.deepEqual([clock.nowMs(), clock.isFrozen, count], [60, true, 1]);
  await clock.move({ kind: "unfreeze" });
  await under.advance(39);
  assert.equal(count, 1);
  await under.advance(1);
  assert.deepEqual([clock.nowMs(), count], [100, 2]);
});

test("set goes to a moment; back, the wall clock goes alone and timers keep their delays", async () => {
  const { under, clock } = open(10_000);
  let count = 0;
  clock.timer(1_000, () => count++);
  await clock.move({ kind: "set", toMs: 3_000 });
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), count], [3_000, 0, 0]);
  await under.advance(1_000);
  assert.deepEqual([clock.nowMs(), count], [4_000, 1]);
  await clock.move({ kind: "set", toMs: Date.UTC(2027, 0, 1) });
  assert.equal(new Date(clock.nowMs()).toISOString(), "2027-01-01T00:00:00.000Z");
});

test("a date from outside is read as what this clock showed at that moment", async () => {
  const { under, clock } = open(0);
  await under.advance(1_000);
  await clock.move({ kind: "advance", ms: day });
  await under.advance(1_000);
  await clock.move({ kind: "freeze" });
  await under.advance(1_000);
  assert.equal(clock.shownAt(500), 500);
  assert.equal(clock.shownAt(1_500), day + 1_500);
  assert.equal(clock.shownAt(2_700), day + 2_000, "it stood still then");
  assert.equal(clock.shownAt(-1), -1);
});

test("wall time is a whole number of milliseconds, and no step of a fraction is lost", async () => {
  const { clock } = open(0);
  for (let step = 0; step < 10; step++) await clock.move({ kind: "advance", ms: 0.25 });
  assert.equal(clock.nowMs(), 2);
  assert.equal(clock.monotonicMs(), 2.5);
});

test("over the system's clock: a sleep ends when the clock is moved past it", async () => {
  const clock = createMovableClock(systemClock);
  const slept = clock.sleep(day, new AbortController().signal);
  await clock.move({ kind: "advance", ms: day });
  await slept;
});
