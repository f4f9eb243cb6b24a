import { createSeededRandom, type Random } from "#base/random.ts";

/** One function of a trace: when it is called (milliseconds, ascending), and what a call takes. */
export interface TracedFunction {
  readonly functionArn: string;
  readonly accountId: string;
  readonly memoryMiB: number;
  readonly callMs: number;
  readonly arrivalsMs: Float64Array;
  /** Set for timers: a schedule of our own would know these times. */
  readonly periodMs: number | undefined;
  readonly phaseMs: number;
}

export interface Trace {
  readonly functions: readonly TracedFunction[];
  readonly lengthMs: number;
}

const minuteMs = 60_000;
const sampleSize = 500;

/**
 * A made trace with the published shape of a sample of Azure Functions 2019: 500 functions over 480
 * minutes (vhive-serverless/invitro, data/traces/500, from AzurePublicDataset, CC-BY). From the sample:
 * triggers (247 timers of 500), 58,121 active function-minutes, 75 functions active in one minute only,
 * 167 with at most ten calls, and the cold starts and idle minutes of fixed keep-alive times. Durations
 * are log-normal as in "Serverless in the Wild" (USENIX ATC 2020, section 3.4: mean of the logarithm
 * −0.38, deviation 2.36, seconds), memory has the sample's median (58 MB) and mean (82 MB). Calls per
 * minute stop at `callsPerMinuteMax`, where the sample goes up to 4,000: such a function is never cold
 * under any policy, and only costs the simulation time.
 */
export function makeTrace(settings: {
  readonly seed: number;
  readonly functionCount: number;
  readonly minutes: number;
  readonly callsPerMinuteMax: number;
}): Trace {
  const random = createSeededRandom(settings.seed);
  for (let n = 0; n < 20; n++) random.fraction(); // small seeds begin alike
  const lengthMs = settings.minutes * minuteMs;
  const functions = Array.from({ length: settings.functionCount }, (_, index) => {
    const place = ((index + 0.5) / settings.functionCount) * sampleSize;
    const made = { random, lengthMs, callsPerMinuteMax: settings.callsPerMinuteMax };
    const calls = place < 247 ? timer(made, place) : caller(made, place - 247);
    return {
      functionArn: `f${index}`,
      accountId: `a${index % 5}`,
      memoryMiB: Math.round(clamp(58 * Math.exp(0.83 * normal(random)), 16, 1_024)),
      callMs: clamp(1_000 * Math.exp(-0.38 + 2.36 * normal(random)), 1, 30_000),
      ...calls,
    };
  });
  return { functions, lengthMs };
}

interface Making {
  readonly random: Random;
  readonly lengthMs: number;
  readonly callsPerMinuteMax: number;
}

type Calls = Pick<TracedFunction, "arrivalsMs" | "periodMs" | "phaseMs">;

/** Minutes between two calls of a timer, and how many of 247 have it. */
const periods: readonly (readonly [number, number])[] = [
  [1, 70],
  [5, 65],
  [10, 28],
  [15, 20],
  [30, 17],
  [60, 21],
  [480, 26],
];

function timer({ random, lengthMs }: Making, place: number): Calls {
  let left = place;
  const row = periods.find(([, count]) => (left -= count) < 0) ?? [480, 1];
  const periodMs = row[0] * minuteMs;
  const phaseMs = random.fraction() * Math.min(periodMs, lengthMs);
  const arrivals: number[] = [];
  // A timer fires within a second or two of its time.
  for (let atMs = phaseMs; atMs < lengthMs; atMs += periodMs)
    arrivals.push(atMs + random.fraction() * 2_000);
  return { arrivalsMs: Float64Array.from(arrivals), periodMs, phaseMs };
}

/** Everything that is not a timer: 253 of 500. */
function caller(made: Making, place: number): Calls {
  const { random, lengthMs } = made;
  if (place < 49)
    return whole(burst(made, random.fraction() * lengthMs, 1 + random.fraction() * 3));
  if (place < 120) return whole(rare(made));
  if (place < 182) return whole(regular(made, [3, 4, 5, 5, 5]));
  if (place < 200) return whole(regular(made, [12, 15, 15, 20, 30]));
  if (place < 220) return whole(sessions(made));
  return whole(steady(made));
}

/** A few calls in eight hours, now and then two together. */
function rare(made: Making): number[] {
  const { random, lengthMs } = made;
  const count = 2 + Math.floor(random.fraction() * 5);
  return Array.from({ length: count }, () => burst(made, random.fraction() * lengthMs, 1.3)).flat();
}

/** Somebody else's timer: regular, with jitter, and often several calls at a time. */
function regular(made: Making, periodMinutes: readonly number[]): number[] {
  const { random, lengthMs } = made;
  const periodMs = pick(random, periodMinutes) * minuteMs;
  const together = random.fraction() < 0.7 ? 1 : 1 + random.fraction() * 4;
  const times: number[] = [];
  for (let atMs = random.fraction() * periodMs; atMs < lengthMs; atMs += periodMs)
    times.push(...burst(made, atMs + random.fraction() * 20_000, together));
  return times;
}

/** Busy for a while, then silent for an hour or two: people at work, queues being emptied. */
function sessions(made: Making): number[] {
  const { random, lengthMs } = made;
  const times: number[] = [];
  const perMinute = 0.3 + random.fraction() * 2;
  let atMs = random.fraction() * 60 * minuteMs;
  while (atMs < lengthMs) {
    const endMs = atMs + exponential(random, 25 * minuteMs);
    times.push(...poisson(made, { fromMs: atMs, toMs: Math.min(endMs, lengthMs), perMinute }));
    atMs = endMs + exponential(random, 90 * minuteMs);
  }
  return times;
}

/** Independent callers; rates differ by orders of magnitude. */
function steady(made: Making): number[] {
  const perMinute = 0.5 * Math.exp(1.2 * normal(made.random));
  const rate = Math.min(perMinute, made.callsPerMinuteMax);
  return poisson(made, { fromMs: 0, toMs: made.lengthMs, perMinute: rate });
}

function poisson(
  { random }: Making,
  span: { readonly fromMs: number; readonly toMs: number; readonly perMinute: number },
): number[] {
  const times: number[] = [];
  const meanMs = minuteMs / span.perMinute;
  for (let atMs = span.fromMs; ;) {
    atMs += exponential(random, meanMs);
    if (atMs >= span.toMs) return times;
    times.push(atMs);
  }
}

function burst({ random, lengthMs }: Making, atMs: number, mean: number): number[] {
  const count = Math.max(1, Math.round(mean * (0.6 + 0.8 * random.fraction())));
  const times = Array.from({ length: count }, () => atMs + random.fraction() * 50_000);
  return times.filter((time) => time < lengthMs);
}

function whole(times: number[]): Calls {
  return { arrivalsMs: Float64Array.from(times).toSorted(), periodMs: undefined, phaseMs: 0 };
}

function exponential(random: Random, meanMs: number): number {
  return -Math.log(1 - random.fraction()) * meanMs;
}

/** Box and Muller. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.fraction()));
  return radius * Math.cos(2 * Math.PI * random.fraction());
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function pick(random: Random, values: readonly number[]): number {
  return values[Math.floor(random.fraction() * values.length)] ?? 1;
}
