import { parseArgs } from "node:util";
import {
  type Policy,
  simulate,
  type SimulationResult,
} from "../src/functions/scheduler/testing/simulate.ts";
import { makeTrace, type Trace } from "../src/functions/scheduler/testing/trace.ts";

// Plays a made trace against the scheduler under several keep-alive policies, and prints cold starts and
// idle memory as shares of ten fixed minutes in the same run.
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "7" },
    functions: { type: "string", default: "500" },
    minutes: { type: "string", default: "480" },
    "calls-per-minute": { type: "string", default: "60" },
  },
});

const minuteMs = 60_000;
/** Whether a pause of exactly ten minutes is warm must not hang on a timer's jitter: it is. */
const fixed = (minutes: number): Policy => ({ kind: "fixed", keepMs: minutes * minuteMs + 5_000 });
const forecast = (minutes: number, knowsTimers: boolean): Policy => ({
  kind: "forecast",
  fallbackMs: minutes * minuteMs,
  knowsTimers,
});

const trace = makeTrace({
  seed: Number(values.seed),
  functionCount: Number(values.functions),
  minutes: Number(values.minutes),
  callsPerMinuteMax: Number(values["calls-per-minute"]),
});
describe(trace);

const reference = simulate(trace, fixed(10));
console.log("\nwithout a memory limit (published: the same rows on the sample itself)\n");
head();
row("fixed 5 minutes", simulate(trace, fixed(5)), "4,077 / 75,407");
row("fixed 10 minutes (reference)", reference, "2,488 / 92,741");
row("fixed 20 minutes", simulate(trace, fixed(20)), "1,388 / 109,248");
row("fixed 60 minutes", simulate(trace, fixed(60)), "637 / 139,662");
row("bound: never evict", simulate(trace, fixed(1e6)), "500 / 173,433");
row("ours, schedules unknown", simulate(trace, forecast(10, false)), "962 / 63,591");
row("ours", simulate(trace, forecast(10, true)), "557 / 48,010");
row("ours, fallback 20 minutes", simulate(trace, forecast(20, true)));
const unannounced = trace.functions.filter((one) => one.periodMs === undefined);
const firsts = unannounced.filter((one) => one.arrivalsMs.length > 0).length;
const share = (firsts / reference.coldMinutes).toFixed(2);
console.log(`bound: first calls that no schedule announces: ${firsts} = ${share} × the reference`);

console.log("\nwith a quarter of the memory the reference had at its peak\n");
const memoryMiB = Math.round(reference.memoryMiBPeak / 4);
head();
row("fixed 10 minutes, evict longest unused", simulate(trace, fixed(10), memoryMiB));
row("ours, evict worth least", simulate(trace, forecast(10, true), memoryMiB));

function describe({ functions }: Trace): void {
  const calls = functions.map((one) => one.arrivalsMs.length);
  const minutes = functions.map(
    (one) => new Set(Array.from(one.arrivalsMs, (atMs) => Math.floor(atMs / minuteMs))).size,
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const median = calls.toSorted((a, b) => a - b)[Math.floor(calls.length / 2)];
  console.log(
    `made trace, seed ${values.seed}: ${functions.length} functions, ${sum(calls)} calls in ` +
      `${values.minutes} minutes (in brackets the published sample of 500 functions)\n` +
      `active function-minutes ${sum(minutes)} (58,121), median calls ${median} (48), at most ten calls ` +
      `${calls.filter((count) => count <= 10).length} (167), one active minute ` +
      `${minutes.filter((count) => count === 1).length} (75)`,
  );
}

function head(): void {
  print([
    "policy",
    "cold",
    "unused min",
    "unused GiB·min",
    "× cold",
    "× memory",
    "every start",
    "idle GiB·min",
    "× every",
    "× exact",
    "ahead",
    "evicted",
    "published cold / unused",
  ]);
}

function row(name: string, result: SimulationResult, published = ""): void {
  const ratio = (a: number, b: number): string => (a / b).toFixed(2);
  print([
    name,
    String(result.coldMinutes),
    result.unusedMinutes.toFixed(0),
    result.unusedGiBMinutes.toFixed(0),
    ratio(result.coldMinutes, reference.coldMinutes),
    ratio(result.unusedGiBMinutes, reference.unusedGiBMinutes),
    String(result.coldStarts),
    result.idleGiBMinutes.toFixed(0),
    ratio(result.coldStarts, reference.coldStarts),
    ratio(result.idleGiBMinutes, reference.idleGiBMinutes),
    String(result.prewarms),
    String(result.evictions),
    published,
  ]);
}

function print(cells: readonly string[]): void {
  const [name = "", ...others] = cells;
  const texts = others.map((cell, index) => cell.padStart(index === others.length - 1 ? 24 : 15));
  console.log(name.padEnd(40) + texts.join(""));
}
