import { assert } from "#base/assert.ts";
import type { Logger, TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import { pickWarm, plan, type Plan } from "#functions/scheduler/scheduler.ts";
import { boot, type Booted } from "./booted.ts";
import { coldStart, type ColdStartDeps, type ColdStarted } from "./cold-start.ts";
import type { Environment } from "./environment.ts";
import { Freezer } from "./freezing.ts";
import { GenericSandboxes } from "./generic-sandboxes.ts";
import {
  credentialsMarginMs,
  freezeAfterMsDefault,
  genericMemoryMiB,
  startsMax,
  startsRemembered,
} from "./limits.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { Acquired, EnvironmentPool, PoolSnapshot, StartRecord } from "./pool.ts";

export interface PoolSettings {
  /** MiB that all sandboxes together may reserve. */
  readonly functionMemoryMiB: number;
  readonly idleTimeoutMs: number;
  /** Generic sandboxes kept ready per runtime kind in use. */
  readonly genericPerKind: number;
  /** Runtime identifiers to boot ahead of the first call. */
  readonly prebootRuntimes: readonly string[];
  /** Cold starts side by side; default in limits.ts. */
  readonly startsMax?: number;
  /** How long an idle environment runs on before it is frozen; default in limits.ts. */
  readonly freezeAfterMs?: number;
}

export interface PoolDeps extends ColdStartDeps {
  readonly driver: SandboxDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly log: Logger;
  readonly settings: PoolSettings;
}

export function createPool(deps: PoolDeps): EnvironmentPool {
  return new LivePool(deps);
}

interface Starting {
  readonly key: string;
  readonly revision: Revision;
  readonly sinceMs: number;
  retired: boolean;
}

/** Carries out what the scheduler decides; every change of state ends in `#converge`. */
class LivePool implements EnvironmentPool {
  readonly #deps: PoolDeps;
  readonly #generic: GenericSandboxes;
  readonly #freezer: Freezer<Environment>;
  readonly #line = new WaitingLine();
  readonly #starting = new Set<Starting>();
  readonly #environments = new Map<string, Environment>();
  readonly #idle = new Map<string, Set<Environment>>();
  readonly #starts: StartRecord[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #converging = false;
  #again: Disposable | undefined;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#generic = new GenericSandboxes(deps, this.#stop.signal, () => this.#converge());
    this.#freezer = new Freezer({
      clock: deps.clock,
      log: deps.log,
      graceMs: deps.settings.freezeAfterMs ?? freezeAfterMsDefault,
      canFreeze: async () => (await deps.driver.limits()).freeze,
    });
    for (const identifier of deps.settings.prebootRuntimes) {
      const runtime = deps.runtimes.get(identifier);
      if (runtime) this.#generic.prefer(runtime);
      else deps.log.event("pool.preboot-unknown", { level: "warn", runtime: identifier });
    }
    this.#converge();
  }

  async acquire(revision: Revision, trace: TraceContext, signal: AbortSignal): Promise<Acquired> {
    signal.throwIfAborted();
    if (this.#stop.signal.aborted)
      throw new PlatformError("server.stopping", "no function is started while the server stops");
    const warm = this.#takeWarm(revision);
    if (warm) return this.#lend(warm, trace);
    const runtime = this.#deps.runtimes.get(revision.runtime);
    if (!runtime)
      throw new PlatformError(
        "runtime.unavailable",
        `this installation has no runtime ${revision.runtime}; \`skerry doctor\` says why`,
      );
    const sinceMs = this.#deps.clock.monotonicMs();
    const waiting = this.#line.join(
      { key: keyOf(revision), revision, runtime, trace, sinceMs },
      signal,
    );
    this.#converge();
    return waiting;
  }

  retire(functionArn: string, keepRevisionId: string | undefined): void {
    const isRetired = (revision: Revision): boolean =>
      revision.functionArn === functionArn &&
      (keepRevisionId === undefined ||
        (revision.version === "$LATEST" && revision.revisionId !== keepRevisionId));
    for (const start of this.#starting) if (isRetired(start.revision)) start.retired = true;
    for (const environment of this.#environments.values()) {
      if (!isRetired(environment.parts.revision)) continue;
      environment.spoiled = true;
      if (environment.state === "idle") this.#end(environment);
    }
    this.#converge();
  }

  expect(identifier: string): void {
    const runtime = this.#deps.runtimes.get(identifier);
    if (!runtime || this.#stop.signal.aborted) return;
    this.#generic.use(runtime);
    this.#converge();
  }

  snapshot(): PoolSnapshot {
    const started = [...this.#environments.values()].map((environment) => ({
      id: environment.parts.id,
      functionArn: environment.parts.revision.functionArn,
      version: environment.parts.revision.version,
      state: environment.shownState(),
      sinceMs: environment.sinceMs,
    }));
    const starting = [...this.#starting].map((start) => ({
      id: "",
      functionArn: start.revision.functionArn,
      version: start.revision.version,
      state: "starting" as const,
      sinceMs: start.sinceMs,
    }));
    return { generic: this.#generic.counts(), environments: [...started, ...starting] };
  }

  recentStarts(): readonly StartRecord[] {
    return this.#starts.toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the server stops"));
    this.#again?.[Symbol.dispose]();
    this.#freezer[Symbol.dispose]();
    this.#line.refuseAll(this.#stop.signal.reason);
    await this.#generic[Symbol.asyncDispose]();
    while (this.#running.size > 0 || this.#environments.size > 0) {
      const ends = [...this.#environments.values()].map((environment) => environment.end());
      await Promise.allSettled([...this.#running, ...ends]);
      // `#end` removes them as they go; those ended directly go here.
      for (const [id, environment] of this.#environments)
        if (environment.state === "ending") this.#environments.delete(id);
    }
  }

  #takeWarm(revision: Revision): Environment | undefined {
    const idle = this.#idle.get(keyOf(revision));
    if (!idle) return undefined;
    for (let best = pickWarm(idle); best; best = pickWarm(idle)) {
      idle.delete(best);
      if (!best.spoiled && this.#credentialsLast(best)) return best;
      this.#end(best);
    }
    return undefined;
  }

  #credentialsLast(environment: Environment): boolean {
    const neededMs = environment.parts.revision.timeoutMs + credentialsMarginMs;
    return environment.credentialsExpireAtMs - neededMs > this.#deps.clock.nowMs();
  }

  #lend(environment: Environment, trace: TraceContext): Acquired {
    this.#freezer.taken(environment, { thaw: true });
    const loan = environment.lend(trace, () => this.#takeBack(environment));
    return { kind: "ready", environment: loan };
  }

  #takeBack(environment: Environment): void {
    environment.lastUsedMs = this.#deps.clock.monotonicMs();
    if (environment.spoiled || this.#stop.signal.aborted) return this.#end(environment);
    this.#offer(environment);
    this.#converge();
  }

  /** To whoever waits longest for it, else it becomes idle. */
  #offer(environment: Environment): void {
    const waiter = this.#line.next(environment.parts.key);
    if (waiter) return waiter.answer(this.#lend(environment, waiter.trace));
    environment.setState("idle");
    environment.trace = undefined;
    const idle = this.#idle.get(environment.parts.key) ?? new Set();
    this.#idle.set(environment.parts.key, idle.add(environment));
    this.#freezer.idle(environment);
  }

  /** Asks the scheduler once per turn, however many changes there were. */
  #converge(): void {
    if (this.#converging || this.#stop.signal.aborted) return;
    this.#converging = true;
    queueMicrotask(() => {
      this.#converging = false;
      if (!this.#stop.signal.aborted) this.#carryOut(this.#plan());
    });
  }

  #plan(): Plan {
    const { settings, clock } = this.#deps;
    const idle = [...this.#idle.values()].flatMap((set) => [...set]);
    const supply = {
      idle: idle.map((one) => ({
        id: one.parts.id,
        key: one.parts.key,
        memoryMiB: one.memoryMiB,
        lastUsedMs: one.lastUsedMs,
      })),
      starting: [...this.#starting].map((one) => ({
        key: one.key,
        functionArn: one.revision.functionArn,
      })),
      returning: [...this.#environments.values()]
        .filter((one) => one.state === "busy" && one.isReturning && !one.spoiled)
        .map((one) => one.parts.key),
      generic: this.#generic.supply(),
      reservedMiB: this.#reservedMiB(),
    };
    const limits = {
      memoryMiBMax: settings.functionMemoryMiB,
      startsMax: settings.startsMax ?? startsMax,
      genericMemoryMiB,
      genericPerKind: settings.genericPerKind,
      kindsInUse: this.#generic.kindsInUse(),
      idleTimeoutMs: settings.idleTimeoutMs,
    };
    return plan(this.#line.demand(), supply, limits, clock.monotonicMs());
  }

  #reservedMiB(): number {
    let sum = this.#generic.reservedMiB();
    for (const environment of this.#environments.values()) sum += environment.memoryMiB;
    for (const start of this.#starting) sum += start.revision.memoryMiB;
    return sum;
  }

  #carryOut(decided: Plan): void {
    const ending: Promise<void>[] = decided.endGeneric.map((kind) => this.#generic.endOne(kind));
    for (const id of decided.end) {
      const environment = this.#environments.get(id);
      assert(environment, "the scheduler ends only environments it was told of");
      this.#idle.get(environment.parts.key)?.delete(environment);
      this.#end(environment);
      ending.push(environment.end());
    }
    const roomMade = Promise.all(ending);
    ignore(roomMade, "a sandbox that cannot be ended is reported where it is ended");
    for (const { key, generic } of decided.start) this.#begin(key, generic, roomMade);
    for (const kind of decided.boot) this.#generic.bootOne(kind);
    this.#again?.[Symbol.dispose]();
    if (decided.againAtMs === undefined) return;
    const inMs = decided.againAtMs - this.#deps.clock.monotonicMs();
    this.#again = this.#deps.clock.timer(Math.max(1, inMs), () => this.#converge());
  }

  #begin(key: string, useGeneric: boolean, roomMade: Promise<unknown>): void {
    const underWay = [...this.#starting].filter((start) => start.key === key).length;
    const waiter = this.#line.peek(key, underWay);
    if (!waiter) return;
    const { revision, runtime, trace } = waiter;
    this.#generic.use(runtime);
    const reserved = useGeneric ? this.#generic.take(runtime.kind) : undefined;
    const start: Starting = { key, revision, sinceMs: this.#deps.clock.nowMs(), retired: false };
    this.#starting.add(start);
    const takeBooted = async (): Promise<Booted> => {
      const ready = await reserved?.();
      if (ready) return ready;
      await roomMade;
      const { memoryMiB, scratchMiB } = revision;
      return boot(this.#deps, runtime, { memoryMiB, scratchMiB, signal: this.#stop.signal });
    };
    const source = reserved ? "generic" : "dedicated";
    const running = this.#start(start, { trace, takeBooted, source }).finally(() => {
      this.#running.delete(running);
      this.#converge();
    });
    this.#running.add(running);
  }

  async #start(
    start: Starting,
    how: {
      readonly trace: TraceContext;
      readonly takeBooted: () => Promise<Booted>;
      readonly source: StartRecord["source"];
    },
  ): Promise<void> {
    const { clock, tracer } = this.#deps;
    const { revision, key } = start;
    const phases: Record<string, number> = {};
    const startedAtMs = clock.nowMs();
    const fromMs = clock.monotonicMs();
    using span = tracer.span(how.trace, "cold-start", {
      source: how.source,
      runtime: revision.runtime,
    });
    let outcome: StartRecord["outcome"] = "failed";
    try {
      const trace = span.context;
      const started = await coldStart(this.#deps, {
        key,
        revision,
        trace,
        takeBooted: how.takeBooted,
        phases,
      });
      outcome = started.kind === "ready" ? "ok" : "init-failed";
      if (started.kind !== "ready") span.fail(started.error.errorType);
      this.#starting.delete(start);
      this.#welcome(started, start.retired);
    } catch (error) {
      this.#starting.delete(start);
      span.fail("platform");
      this.#deps.log.event("environment.start-failed", {
        level: "warn",
        function: revision.name,
        error,
      });
      this.#line.next(key)?.refuse(error);
    } finally {
      const totalMs = clock.monotonicMs() - fromMs;
      const { functionArn, version } = revision;
      this.#starts.push({
        functionArn,
        version,
        startedAtMs,
        totalMs,
        source: how.source,
        phases,
        outcome,
      });
      if (this.#starts.length > startsRemembered) this.#starts.shift();
    }
  }

  #welcome(started: ColdStarted, retired: boolean): void {
    const { environment } = started;
    this.#environments.set(environment.parts.id, environment);
    if (started.kind === "init-failed") {
      this.#end(environment);
      const { environment: _, ...failure } = started;
      this.#line.next(environment.parts.key)?.answer(failure);
      return;
    }
    void environment.parts.sandbox.exited.then(() => this.#lost(environment));
    if (this.#stop.signal.aborted) return this.#end(environment);
    this.#offer(environment);
    // Whoever still waited for the old code has it now; nobody else shall.
    if (retired) environment.spoiled = true;
    if (retired && environment.state === "idle") this.#end(environment);
  }

  /** The sandbox ended by itself: at once if nobody uses it, else when the invocation lets go. */
  #lost(environment: Environment): void {
    if (environment.state === "idle") this.#end(environment);
  }

  #end(environment: Environment): void {
    this.#idle.get(environment.parts.key)?.delete(environment);
    if (this.#idle.get(environment.parts.key)?.size === 0) this.#idle.delete(environment.parts.key);
    this.#freezer.taken(environment, { thaw: false });
    const ending = environment
      .end()
      .catch((error: unknown) =>
        this.#deps.log.event("environment.end-failed", { level: "error", error }),
      )
      .finally(() => {
        this.#running.delete(ending);
        this.#environments.delete(environment.parts.id);
        this.#converge();
      });
    this.#running.add(ending);
  }
}

/** One deployable state; a change of the network setting needs an environment of its own too. */
function keyOf(revision: Revision): string {
  const { functionArn, version, revisionId, egress } = revision;
  return `${functionArn}:${version}:${revisionId}:${egress}`;
}
