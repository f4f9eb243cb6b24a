import {
  type Ahead,
  Fleet,
  Forecast,
  type Limits,
  pickWarm,
  plan,
  type Prewarm,
  type Waiting,
} from "../scheduler.ts";
import { Heap } from "../heap.ts";
import type { Trace, TracedFunction } from "./trace.ts";

/**
 * What decides how long an idle environment stays: the platform's own forecast, or one fixed time with
 * eviction of the least recently used.
 */
export type Policy =
  | { readonly kind: "fixed"; readonly keepMs: number }
  | { readonly kind: "forecast"; readonly fallbackMs: number; readonly knowsTimers: boolean };

export interface SimulationResult {
  readonly calls: number;
  /** Calls that waited for a start. */
  readonly coldStarts: number;
  /** Started ahead of a call, and how many of them nobody used. */
  readonly prewarms: number;
  /** Exact: from the end of a call to the next one, or to the environment's end. */
  readonly idleMinutes: number;
  readonly idleGiBMinutes: number;
  /**
   * The measure of the published tables: whole minutes in which a function was alive and not called, and
   * minutes in which it was called and nothing of it was alive.
   */
  readonly unusedMinutes: number;
  readonly unusedGiBMinutes: number;
  readonly coldMinutes: number;
  readonly evictions: number;
  readonly memoryMiBPeak: number;
  readonly startsPeak: number;
  /** Longest wait for an environment, and how many still waited at the end. */
  readonly waitMsMax: number;
  readonly waitingCount: number;
  readonly aliveCount: number;
  readonly plans: number;
}

interface Environment {
  readonly id: string;
  readonly of: Running;
  lastUsedMs: number;
  readonly isProvisioned: false;
  keepUntilMs: number;
}

interface Running {
  readonly traced: TracedFunction;
  readonly key: string;
  readonly idle: Set<Environment>;
  readonly waiting: number[];
  readonly calledMinutes: ReadonlySet<number>;
  alive: number;
  lastCountedMinute: number;
  lastColdMinute: number;
}

/** Starts side by side; many, so that the figures speak of the policy and not of the machine. */
export const simulatedStartsMax = 64;

const minuteMs = 60_000;
const minuteOf = (ms: number): number => Math.floor(ms / minuteMs);

/** How long a start takes here: the order of a cold start from a generic sandbox. */
const startMs = 200;

/**
 * Plays a trace against the platform's own plan, fleet and forecast; only sandboxes and time are made up.
 * Deterministic.
 */
export function simulate(trace: Trace, policy: Policy, memoryMiBMax = 1e9): SimulationResult {
  return new Simulation(trace, policy, memoryMiBMax).run();
}

class Simulation {
  readonly #trace: Trace;
  readonly #policy: Policy;
  readonly #limits: Limits;
  readonly #fleet: Fleet;
  readonly #forecast: Forecast;
  readonly #functions = new Map<string, Running>();
  readonly #environments = new Map<string, Environment>();
  readonly #events = new Heap<() => void>();
  /** Functions with waiters. */
  readonly #lines = new Set<Running>();
  readonly #prewarming = new Map<string, Prewarm>();
  readonly #missed: Prewarm[] = [];
  readonly #result = {
    calls: 0,
    coldStarts: 0,
    prewarms: 0,
    idleMinutes: 0,
    idleGiBMinutes: 0,
    unusedMinutes: 0,
    unusedGiBMinutes: 0,
    coldMinutes: 0,
    evictions: 0,
    memoryMiBPeak: 0,
    startsPeak: 0,
    waitMsMax: 0,
    waitingCount: 0,
    aliveCount: 0,
    plans: 0,
  };
  #nowMs = 0;
  #reservedMiB = 0;
  #count = 0;

  constructor(trace: Trace, policy: Policy, memoryMiBMax: number) {
    this.#trace = trace;
    this.#policy = policy;
    this.#limits = {
      memoryMiBMax,
      startsMax: simulatedStartsMax,
      genericMemoryMiB: 256,
      genericPerKind: 0,
      kindsInUse: [],
    };
    const reservedMiB = (): number => this.#reservedMiB;
    this.#fleet = new Fleet({
      generic: [],
      returningOf: () => 0,
      idleOf: (key) => this.#functions.get(key)?.idle.size ?? 0,
      worthOf: ({ key, memoryMiB }, nowMs) => this.#worthOf(key, memoryMiB, nowMs),
      get reservedMiB() {
        return reservedMiB();
      },
    });
    this.#forecast = new Forecast({
      fallbackMs: policy.kind === "fixed" ? policy.keepMs : policy.fallbackMs,
    });
  }

  run(): SimulationResult {
    for (const traced of this.#trace.functions) this.#add(traced);
    this.#plan();
    for (let next = this.#events.takeFirst(); next; next = this.#events.takeFirst()) {
      if (next.rank > this.#trace.lengthMs) break;
      this.#nowMs = next.rank;
      next.value();
    }
    this.#nowMs = this.#trace.lengthMs;
    for (const environment of this.#environments.values())
      if (environment.of.idle.has(environment)) this.#account(environment);
    this.#result.aliveCount = this.#environments.size;
    for (const { waiting } of this.#lines) this.#result.waitingCount += waiting.length;
    return this.#result;
  }

  #add(traced: TracedFunction): void {
    const { functionArn, periodMs, phaseMs } = traced;
    const calledMinutes = new Set(Array.from(traced.arrivalsMs, (atMs) => minuteOf(atMs)));
    const running: Running = {
      traced,
      key: functionArn,
      idle: new Set(),
      waiting: [],
      calledMinutes,
      alive: 0,
      lastCountedMinute: -1,
      lastColdMinute: -1,
    };
    this.#functions.set(functionArn, running);
    this.#nextArrival(running, 0);
    if (this.#policy.kind !== "forecast" || !this.#policy.knowsTimers || periodMs === undefined)
      return;
    const nextMs = (afterMs: number): number | undefined => {
      const atMs = phaseMs + Math.max(0, Math.ceil((afterMs - phaseMs) / periodMs)) * periodMs;
      return atMs < this.#trace.lengthMs ? atMs : undefined;
    };
    this.#forecast.announce(functionArn, { nextMs }, 0);
  }

  #nextArrival(running: Running, index: number): void {
    const atMs = running.traced.arrivalsMs[index];
    if (atMs === undefined) return;
    this.#events.set(`arrival ${running.key}`, atMs, () => {
      this.#nextArrival(running, index + 1);
      this.#arrive(running);
    });
  }

  #arrive(running: Running): void {
    this.#result.calls++;
    if (this.#policy.kind === "forecast") this.#forecast.arrived(running.key, this.#nowMs);
    const warm = pickWarm(running.idle);
    if (warm) {
      this.#account(warm);
      running.idle.delete(warm);
      this.#fleet.wake(warm.id);
      return this.#serve(warm);
    }
    running.waiting.push(this.#nowMs);
    this.#lines.add(running);
    this.#plan();
  }

  #serve(environment: Environment): void {
    const { callMs } = environment.of.traced;
    this.#at(callMs, () => {
      const { key } = environment.of;
      if (this.#policy.kind === "forecast") this.#forecast.arrivals.left(key, this.#nowMs, callMs);
      this.#offer(environment, undefined);
      this.#plan();
    });
  }

  #offer(environment: Environment, prewarm: Prewarm | undefined): void {
    const running = environment.of;
    environment.lastUsedMs = this.#nowMs;
    const sinceMs = running.waiting.shift();
    if (sinceMs !== undefined) {
      this.#result.waitMsMax = Math.max(this.#result.waitMsMax, this.#nowMs - sinceMs);
      if (running.waiting.length === 0) this.#lines.delete(running);
      return this.#serve(environment);
    }
    const { keepUntilMs } = prewarm
      ? this.#forecast.done(prewarm)
      : this.#forecast.rested(running.key, this.#nowMs);
    environment.keepUntilMs = keepUntilMs;
    running.idle.add(environment);
    const { id } = environment;
    const { memoryMiB } = running.traced;
    const { key } = running;
    this.#fleet.rest({ id, key, functionArn: key, memoryMiB, keepUntilMs }, false);
  }

  #worthOf(key: string, memoryMiB: number, nowMs: number): number {
    const frequency = this.#forecast.arrivals.of(key)?.frequency(nowMs) ?? 1;
    if (this.#policy.kind === "forecast") return (frequency * startMs) / memoryMiB;
    let lastUsedMs = 0;
    for (const idle of this.#functions.get(key)?.idle ?? [])
      lastUsedMs = Math.max(lastUsedMs, idle.lastUsedMs);
    return lastUsedMs;
  }

  #plan(): void {
    this.#result.plans++;
    const ahead = this.#ahead();
    const demand = { waiting: this.#waiting(), ahead };
    this.#fleet.look(this.#nowMs);
    const decided = plan(demand, this.#fleet, this.#limits, this.#nowMs);
    for (const { id, why } of decided.end) this.#end(id, why);
    for (const { key, purpose } of decided.start) this.#start(key, purpose === "prewarm");
    const dueMs = this.#forecast.nextDueMs(this.#nowMs) ?? Infinity;
    const againAtMs = Math.min(decided.againAtMs ?? Infinity, dueMs);
    if (againAtMs < Infinity) this.#events.set("plan", againAtMs, () => this.#plan());
  }

  *#waiting(): Generator<Waiting> {
    for (const running of this.#lines) {
      const statistics = this.#forecast.arrivals.of(running.key);
      yield {
        ...wanted(running.traced),
        count: running.waiting.length,
        sinceMs: (place) => running.waiting[place] ?? Infinity,
        concurrency: 1,
        busyCount: running.alive - running.idle.size - this.#fleet.startsOf(running.key),
        callMs: statistics?.durationMs,
        startMs,
      };
    }
  }

  #ahead(): Ahead[] {
    const ahead: Ahead[] = [];
    for (const prewarm of this.#forecast.due(this.#nowMs)) {
      const running = this.#functions.get(prewarm.functionArn);
      if (!running || this.#fleet.startsOf(running.key) > 0) continue;
      if (prewarm.untilMs <= this.#nowMs || running.alive > 0) this.#missed.push(prewarm);
      else {
        this.#prewarming.set(running.key, prewarm);
        ahead.push({ ...wanted(running.traced), purpose: "prewarm", count: 1 });
      }
    }
    for (const prewarm of this.#missed.splice(0)) this.#forecast.done(prewarm);
    return ahead;
  }

  #start(key: string, isPrewarm: boolean): void {
    const running = this.#functions.get(key);
    if (!running) return;
    const prewarm = isPrewarm ? this.#prewarming.get(key) : undefined;
    if (prewarm) this.#result.prewarms++;
    else this.#cold(running);
    running.alive++;
    this.#reserve(running.traced.memoryMiB);
    const start = wanted(running.traced);
    this.#fleet.begin(start);
    this.#result.startsPeak = Math.max(this.#result.startsPeak, this.#fleet.startCount);
    this.#at(startMs, () => {
      this.#fleet.finish(start);
      const id = `e${this.#count++}`;
      const environment = {
        id,
        of: running,
        lastUsedMs: 0,
        keepUntilMs: 0,
        isProvisioned: false as const,
      };
      this.#environments.set(id, environment);
      this.#offer(environment, prewarm);
      this.#plan();
    });
  }

  #end(id: string, why: "expired" | "evicted"): void {
    const environment = this.#environments.get(id);
    if (!environment) return;
    this.#account(environment);
    if (why === "evicted") {
      this.#result.evictions++;
      this.#fleet.leave(id, "evicted");
    } else this.#fleet.leave(id, "other");
    this.#environments.delete(id);
    environment.of.idle.delete(environment);
    environment.of.alive--;
    this.#reserve(-environment.of.traced.memoryMiB);
  }

  #cold(running: Running): void {
    this.#result.coldStarts++;
    if (running.alive > 0) return;
    const minute = minuteOf(this.#nowMs);
    if (running.lastColdMinute !== minute) this.#result.coldMinutes++;
    running.lastColdMinute = minute;
  }

  /** The idle time that ends now. */
  #account({ of: running, lastUsedMs }: Environment): void {
    const minutes = (this.#nowMs - lastUsedMs) / minuteMs;
    const gib = running.traced.memoryMiB / 1_024;
    this.#result.idleMinutes += minutes;
    this.#result.idleGiBMinutes += minutes * gib;
    const from = Math.max(running.lastCountedMinute, minuteOf(lastUsedMs)) + 1;
    for (let minute = from; (minute + 1) * minuteMs <= this.#nowMs; minute++) {
      running.lastCountedMinute = minute;
      if (running.calledMinutes.has(minute)) continue;
      this.#result.unusedMinutes++;
      this.#result.unusedGiBMinutes += gib;
    }
  }

  #reserve(memoryMiB: number): void {
    this.#reservedMiB += memoryMiB;
    this.#result.memoryMiBPeak = Math.max(this.#result.memoryMiBPeak, this.#reservedMiB);
  }

  #at(inMs: number, act: () => void): void {
    this.#events.set(`event ${this.#count++}`, this.#nowMs + inMs, act);
  }
}

function wanted(traced: TracedFunction): Omit<Ahead, "purpose" | "count"> {
  const { functionArn, accountId, memoryMiB } = traced;
  return { key: functionArn, functionArn, accountId, kind: "node", memoryMiB, dedicated: true };
}
