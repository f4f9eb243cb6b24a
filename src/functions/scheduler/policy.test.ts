import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { Arrivals } from "./arrivals.ts";
import { Forecast } from "./forecast.ts";
import { Heap } from "./heap.ts";
import { IdleHistogram } from "./idle-histogram.ts";
import { functionsRemembered } from "./limits.ts";
import { retryDelayMs } from "./scheduler.ts";
import { simulate, simulatedStartsMax, type Policy } from "./testing/simulate.ts";
import { makeTrace } from "./testing/trace.ts";

const minuteMs = 60_000;
const fallbackMs = 10 * minuteMs;

/** One call at each of these minutes, each taking a second. */
function called(forecast: Forecast, minutes: readonly number[]): number {
  let endMs = 0;
  for (const minute of minutes) {
    forecast.arrived("f", minute * minuteMs);
    endMs = minute * minuteMs + 1_000;
    forecast.arrivals.left("f", endMs, 1_000);
  }
  return endMs;
}
const everyMinutes = (period: number, count: number) =>
  Array.from({ length: count }, (_, n) => n * period);

test("a function nobody knows stays for the fixed time, a regular one is ended and ready again in time", () => {
  const fresh = new Forecast({ fallbackMs });
  const once = called(fresh, [0]);
  assert.deepEqual(fresh.rested("f", once), { keepUntilMs: once + fallbackMs, prewarm: undefined });
  const regular = new Forecast({ fallbackMs });
  const endMs = called(regular, everyMinutes(30, 8));
  const { keepUntilMs, prewarm } = regular.rested("f", endMs);
  assert.equal(keepUntilMs, endMs, "nothing is kept for half an hour in vain");
  assert(
    prewarm && prewarm.atMs < endMs + 29 * minuteMs && prewarm.untilMs > endMs + 30 * minuteMs,
  );
  assert.equal(regular.nextDueMs(endMs), prewarm.atMs);
  assert.deepEqual(regular.due(prewarm.atMs - 1), []);
  assert.equal(regular.due(prewarm.atMs)[0]?.functionArn, "f");
  regular.arrived("f", endMs + 10 * minuteMs);
  assert.equal(regular.nextDueMs(0), undefined, "a call takes the place of what was foreseen");
});

test("calls in pairs: alive for the second, ended for the long pause, ready for the next pair", () => {
  const forecast = new Forecast({ fallbackMs });
  const endMs = called(
    forecast,
    everyMinutes(40, 20).flatMap((minute) => [minute, minute + 1]),
  );
  const { keepUntilMs, prewarm } = forecast.rested("f", endMs);
  assert(keepUntilMs > endMs + minuteMs && keepUntilMs < endMs + 20 * minuteMs);
  assert(prewarm && prewarm.atMs > endMs + 30 * minuteMs && prewarm.atMs < endMs + 39 * minuteMs);
});

test("idle times without shape are not believed", () => {
  const histogram = new IdleHistogram();
  histogram.add(minuteMs);
  assert.deepEqual(histogram.stretches, []);
  for (let minute = 0; minute < 200; minute++) histogram.add(minute * minuteMs);
  assert.deepEqual(histogram.stretches, [], "anything from nothing to three hours");
  const beyond = new IdleHistogram();
  for (let n = 0; n < 20; n++) beyond.add((n < 5 ? 10 : 500) * minuteMs);
  assert.deepEqual(beyond.stretches, [], "mostly longer than four hours");
});

test("a function that changes its habits is followed", () => {
  const histogram = new IdleHistogram();
  for (let n = 0; n < 2_000; n++) histogram.add(5 * minuteMs);
  for (let n = 0; n < 2_000; n++) histogram.add(20 * minuteMs);
  const [first] = histogram.stretches;
  assert(first && first.fromMs > 15 * minuteMs, JSON.stringify(histogram.stretches));
  assert(histogram.total <= 512);
});

test("a known schedule has an environment ready for each call and none in between", () => {
  const forecast = new Forecast({ fallbackMs });
  const hourMs = 60 * minuteMs;
  forecast.announce("f", { nextMs: (after) => Math.ceil(after / hourMs) * hourMs }, 1);
  const [first] = forecast.due(hourMs);
  assert(
    first && first.atMs < hourMs && first.atMs > hourMs - minuteMs,
    "before the first call too",
  );
  forecast.arrived("f", hourMs + 500);
  forecast.arrivals.left("f", hourMs + 900, 400);
  const { keepUntilMs, prewarm } = forecast.rested("f", hourMs + 900);
  assert.equal(keepUntilMs, hourMs + 900);
  assert(prewarm && prewarm.atMs < 2 * hourMs && prewarm.untilMs > 2 * hourMs);
  assert.equal(forecast.arrivals.of("f")?.announcedCount, 1);
  forecast.announce("f", undefined, hourMs + 1_000);
  assert.equal(forecast.nextDueMs(0), undefined);
});

test("statistics are bounded in functions, and forget those not called for long", () => {
  const arrivals = new Arrivals();
  const count = functionsRemembered + 500;
  for (let n = 0; n < count; n++) arrivals.arrived(`f${n}`, n);
  assert.equal(arrivals.size, functionsRemembered);
  assert.equal(arrivals.of("f0"), undefined);
  for (let n = count / 2; n < count; n++) assert.equal(arrivals.of(`f${n}`)?.running, 1);
  const last = `f${count - 1}`;
  arrivals.left(last, count + 100, 100);
  arrivals.arrived(last, count + 2_000);
  arrivals.left(last, count + 2_200, 200);
  assert.equal(arrivals.of(last)?.durationMs, 112.5);
  const frequency = arrivals.of(last)?.frequency(count + 2_000 + 10 * minuteMs) ?? 0;
  assert(frequency > 0.9 && frequency < 1.1, "two calls count one after ten minutes");
});

test("a heap gives its values in order, whatever was added, moved and removed", () => {
  const seed = Date.now() & 0xffff;
  const random = createSeededRandom(seed);
  const heap = new Heap<number>();
  const model = new Map<string, number>();
  for (let n = 0; n < 3_000; n++) {
    const id = `${Math.floor(random.fraction() * 200)}`;
    const rank = Math.floor(random.fraction() * 1_000);
    if (random.fraction() < 0.3) {
      heap.delete(id);
      model.delete(id);
    } else {
      heap.set(id, rank, rank);
      model.set(id, rank);
    }
  }
  const expected = [...model.values()].toSorted((a, b) => a - b);
  assert.deepEqual([...heap.ascending()], expected, `seed ${seed}`);
  assert.equal(heap.takeFirst()?.rank, expected[0], `seed ${seed}`);
  assert.equal(heap.size, expected.length - 1);
});

test("starts that fail by themselves are tried again ever more rarely", () => {
  const delays = [1, 2, 3, 4, 5, 6, 100].map(retryDelayMs);
  assert.deepEqual(
    delays.toSorted((a, b) => a - b),
    delays,
  );
  assert.equal(delays.at(-1), delays.at(-2));
});

const reference: Policy = { kind: "fixed", keepMs: fallbackMs + 5_000 };
const ours: Policy = { kind: "forecast", fallbackMs, knowsTimers: true };

test("simulation: at most 0.3 of the cold starts and 0.6 of the idle memory of ten fixed minutes", (t) => {
  const seed = 7;
  const trace = makeTrace({ seed, functionCount: 125, minutes: 480, callsPerMinuteMax: 10 });
  const fixed = simulate(trace, reference);
  const mine = simulate(trace, ours);
  const cold = mine.coldMinutes / fixed.coldMinutes;
  const memory = mine.unusedGiBMinutes / fixed.unusedGiBMinutes;
  const exactCold = mine.coldStarts / fixed.coldStarts;
  const exactMemory = mine.idleGiBMinutes / fixed.idleGiBMinutes;
  t.diagnostic(`seed ${seed}: ${cold.toFixed(2)} × cold, ${memory.toFixed(2)} × idle memory`);
  t.diagnostic(`with every start: ${exactCold.toFixed(2)} ×, exact: ${exactMemory.toFixed(2)} ×`);
  assert(cold <= 0.3 && memory <= 0.6);
  assert(exactCold < 0.6 && exactMemory < 0.8);
});

test("simulation: never over budget or over the starts, nobody starves, all scales to zero", () => {
  const seed = Date.now() & 0xffff;
  const memoryMiBMax = 2_048;
  const busy = makeTrace({ seed, functionCount: 100, minutes: 120, callsPerMinuteMax: 20 });
  // Long enough after the last call for everything to be ended again.
  const trace = { ...busy, lengthMs: busy.lengthMs + 600 * minuteMs };
  for (const policy of [reference, { ...ours, knowsTimers: false }]) {
    const result = simulate(trace, policy, memoryMiBMax);
    const context = `${policy.kind}, seed ${seed}: ${JSON.stringify(result)}`;
    assert(result.memoryMiBPeak <= memoryMiBMax, context);
    assert(result.startsPeak <= simulatedStartsMax, context);
    assert(result.evictions > 0, context);
    assert(result.waitMsMax < 10 * minuteMs, context);
    assert.deepEqual([result.waitingCount, result.aliveCount], [0, 0], context);
  }
});
