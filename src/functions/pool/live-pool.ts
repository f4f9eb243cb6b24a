import { assert } from "#base/assert.ts";
import type { Logger, TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Runtime } from "#functions/runtimes/runtimes.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import {
  type KnownArrivals,
  plan,
  type Plan,
  type Prewarm,
} from "#functions/scheduler/scheduler.ts";
import { StartsAhead, waitingOf } from "./ahead.ts";
import { Alarm } from "./alarm.ts";
import { BrokenRevisions } from "./broken-revisions.ts";
import type { ColdStartDeps, ColdStarted } from "./cold-start.ts";
import { CompileCaches } from "./compile-caches.ts";
import { Ends } from "./ends.ts";
import type { Environment } from "./environment.ts";
import { Freezer } from "./freezing.ts";
import { GenericSandboxes } from "./generic-sandboxes.ts";
import { freezeAfterMsDefault, genericMemoryMiB, startsMax } from "./limits.ts";
import { Provisioned } from "./provisioned.ts";
import { type EndReason, Roster } from "./roster.ts";
import { runtimeOf, runtimeOrRefusal } from "./runtime-of.ts";
import { type Starting, Starts } from "./starts.ts";
import { snapshotOf } from "./snapshot.ts";
import { Room } from "./room.ts";
import { WaitingLine } from "./waiting-line.ts";
import { WarmEnvironments } from "./warm-environments.ts";
import type {
  Acquired,
  EnvironmentPool,
  ExecutionEnvironment,
  MemoryShare,
  PoolSnapshot,
  ProvisionedState,
  ProvisionedWish,
  StartRecord,
} from "./pool.ts";

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
  /** Where several processes share the memory; all of it is this one's otherwise. */
  readonly memory?: MemoryShare;
}

export function createPool(deps: PoolDeps): EnvironmentPool {
  return new LivePool(deps);
}

/** Carries out what the scheduler decides; every change of state ends in `#converge`. */
class LivePool implements EnvironmentPool {
  readonly #deps: PoolDeps;
  readonly #generic: GenericSandboxes;
  readonly #freezer: Freezer<Environment>;
  readonly #line = new WaitingLine();
  readonly #broken = new BrokenRevisions();
  readonly #starts: Starts;
  readonly #roster: Roster;
  readonly #provisioned: Provisioned;
  readonly #ahead: StartsAhead;
  readonly #warm = new WarmEnvironments();
  readonly #room: Room;
  readonly #ends: Ends;
  readonly #compileCaches: CompileCaches;
  readonly #lender = { takeBack: (environment: Environment) => this.#takeBack(environment) };
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #converging = false;
  readonly #alarm: Alarm;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#alarm = new Alarm(deps.clock, () => this.#converge());
    this.#room = new Room(deps.memory, deps.settings.functionMemoryMiB);
    deps.memory?.bind(() => this.#converge());
    this.#generic = new GenericSandboxes(deps, this.#stop.signal, () => this.#converge());
    this.#freezer = new Freezer({
      clock: deps.clock,
      log: deps.log,
      graceMs: deps.settings.freezeAfterMs ?? freezeAfterMsDefault,
      canFreeze: async () => (await deps.driver.limits()).freeze,
    });
    this.#roster = new Roster({
      clock: deps.clock,
      idleTimeoutMs: deps.settings.idleTimeoutMs,
      generic: () => ({
        rows: this.#generic.supply(),
        memoryMiB: this.#generic.reservedMiB() + this.#compileCaches.reservedMiB,
      }),
    });
    this.#compileCaches = new CompileCaches({
      ...deps,
      signal: this.#stop.signal,
      freeMiB: () => this.#room.limits().memoryMiBMax - this.#roster.fleet.reservedMiB,
      changed: () => this.#converge(),
    });
    this.#ends = new Ends({
      ...deps,
      warm: this.#warm,
      freezer: this.#freezer,
      roster: this.#roster,
      signal: this.#stop.signal,
      changed: () => this.#converge(),
    });
    this.#provisioned = new Provisioned(this.#roster);
    this.#ahead = new StartsAhead(this.#roster, this.#provisioned);
    this.#starts = new Starts({
      ...deps,
      line: this.#line,
      generic: this.#generic,
      roster: this.#roster,
      provisioned: this.#provisioned,
      ahead: this.#ahead,
      warm: this.#warm,
      compileCaches: this.#compileCaches,
      signal: this.#stop.signal,
      welcome: (started, start) => this.#welcome(started, start),
    });
    this.#generic.preferAll(deps.runtimes, deps.settings.prebootRuntimes);
    this.#converge();
  }

  acquireNow(
    revision: Revision,
    trace: TraceContext,
    isExclusive: boolean,
  ): ExecutionEnvironment | undefined {
    if (this.#stop.signal.aborted) return undefined;
    const key = this.#warm.keyOf(revision);
    for (;;) {
      const best = this.#warm.find(key, isExclusive);
      if (!best) return undefined;
      if (!best.spoiled && best.hasCredentials()) return this.#lend(best, trace, isExclusive);
      if (best.loanCount > 0 && !best.together) return undefined;
      if (!best.spoiled) best.endReason = "credentials-expired";
      if (best.loanCount > 0) best.spoiled = true;
      else this.#ends.end(best);
    }
  }

  async acquire(
    revision: Revision,
    trace: TraceContext,
    { signal, isExclusive }: { readonly signal: AbortSignal; readonly isExclusive: boolean },
  ): Promise<Acquired> {
    signal.throwIfAborted();
    if (this.#stop.signal.aborted)
      throw new PlatformError("server.stopping", "no function is started while the server stops");
    const environment = this.acquireNow(revision, trace, isExclusive);
    if (environment) return { kind: "ready", environment };
    const runtime = runtimeOf(this.#deps, revision);
    const key = this.#warm.keyOf(revision);
    const sinceMs = this.#deps.clock.monotonicMs();
    const verdict = this.#broken.verdict(key, sinceMs);
    if (verdict) return verdict;
    const wanted = { key, revision, runtime, trace, sinceMs, isExclusive };
    const waiting = this.#line.join(wanted, signal);
    this.#converge();
    return waiting;
  }

  retire(functionArn: string, keepRevisionId: string | undefined): void {
    const isRetired = (revision: Revision): boolean =>
      revision.functionArn === functionArn &&
      (keepRevisionId === undefined ||
        (revision.version === "$LATEST" && revision.revisionId !== keepRevisionId));
    this.#ahead.forget(functionArn, isRetired);
    for (const start of this.#starts.underWay())
      if (isRetired(start.revision)) start.retired = true;
    for (const environment of this.#roster.all())
      if (isRetired(environment.parts.revision)) this.#dismiss(environment, "changed");
    this.#converge();
  }

  /** At once if nobody uses it, else when the invocation lets go. */
  #dismiss(environment: Environment, why: EndReason): void {
    environment.spoiled = true;
    environment.endReason ??= why;
    if (environment.state === "idle") this.#ends.end(environment);
  }

  provision(functionArn: string, wanted: readonly ProvisionedWish[]): void {
    const wishes = wanted.map(({ revision, count }) => ({
      key: this.#warm.keyOf(revision),
      revision,
      runtime: runtimeOrRefusal(this.#deps, revision),
      count,
    }));
    const surplus = this.#provisioned.set(functionArn, wishes);
    for (const environment of surplus) this.#dismiss(environment, "changed");
    this.#converge();
  }

  provisioned(revision: Revision): ProvisionedState {
    return this.#provisioned.state(this.#warm.keyOf(revision));
  }

  announce(revision: Revision, known: KnownArrivals | undefined): void {
    if (known)
      this.#ahead.remember({
        key: this.#warm.keyOf(revision),
        revision,
        runtime: runtimeOf(this.#deps, revision),
      });
    this.#roster.announce(revision.functionArn, known);
    this.#converge();
  }

  expect(identifier: string): void {
    const runtime = this.#deps.runtimes.get(identifier);
    if (!runtime || this.#stop.signal.aborted) return;
    this.#generic.use(runtime);
    this.#converge();
  }

  compile(revision: Revision): void {
    this.#compileCaches.begin(revision);
  }

  snapshot(): PoolSnapshot {
    const environments = snapshotOf(this.#roster.all(), this.#starts.underWay());
    return { generic: this.#generic.counts(), environments };
  }

  recentStarts(): readonly StartRecord[] {
    return this.#starts.recent();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the server stops"));
    this.#alarm[Symbol.dispose]();
    this.#freezer[Symbol.dispose]();
    this.#line.refuseAll(this.#stop.signal.reason);
    await this.#generic[Symbol.asyncDispose]();
    await this.#compileCaches.settled();
    while (this.#running.size > 0 || this.#roster.size > 0) {
      const ends = Array.from(this.#roster.all(), (environment) => environment.end());
      await Promise.allSettled([...this.#running, ...ends, this.#ends.settled()]);
      // `#end` removes them as they go; those ended directly go here.
      for (const environment of this.#roster.all())
        if (environment.state === "ending") this.#roster.remove(environment);
    }
  }

  #lend(environment: Environment, trace: TraceContext, isExclusive: boolean): ExecutionEnvironment {
    if (environment.loanCount === 0) {
      this.#freezer.taken(environment, { thaw: true });
      this.#warm.setBusy(environment);
    }
    this.#roster.lent(environment);
    return environment.lend(trace, isExclusive, this.#lender);
  }

  #takeBack(environment: Environment): void {
    const nowMs = this.#deps.clock.monotonicMs();
    environment.lastUsedMs = nowMs;
    this.#roster.returned(environment, nowMs);
    const isLast = environment.takeBack();
    if (environment.spoiled || this.#stop.signal.aborted) {
      if (isLast) this.#ends.end(environment);
      return;
    }
    this.#offer(environment);
    if (!this.#line.isEmpty) this.#converge();
  }

  /** To those who wait longest for it, as many as it may hold; else it becomes idle. */
  #offer(environment: Environment, prewarm?: Prewarm): void {
    const { key } = environment.parts;
    while (environment.loanCount === 0 || this.#warm.hasRoom(environment)) {
      const isBeside = environment.loanCount > 0;
      const isSharing = isBeside && environment.together;
      const waiter = isSharing ? this.#line.peekSharing(key) : this.#line.peek(key, 0);
      if (!waiter || (waiter.isExclusive && isBeside)) break;
      this.#line.take(waiter);
      const lent = this.#lend(environment, waiter.trace, waiter.isExclusive);
      waiter.answer({ kind: "ready", environment: lent });
    }
    if (environment.loanCount > 0) return;
    environment.setState("idle");
    environment.trace = undefined;
    this.#warm.setIdle(environment);
    this.#freezer.idle(environment);
    const keepUntilMs = this.#roster.rested(environment, prewarm);
    if (keepUntilMs < this.#alarm.atMs) this.#converge();
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
    const nowMs = clock.monotonicMs();
    const { ahead, againAtMs } = this.#ahead.demand(nowMs);
    const waiting = Array.from(this.#line.lines(), (line) => waitingOf(line, this.#roster));
    const limits = {
      ...this.#room.limits(),
      startsMax: settings.startsMax ?? startsMax,
      genericMemoryMiB,
      genericPerKind: settings.genericPerKind,
      kindsInUse: this.#generic.kindsInUse(),
    };
    const demand = { waiting: waiting.filter((line) => line !== undefined), ahead };
    this.#roster.fleet.look(nowMs);
    const decided = plan(demand, this.#roster.fleet, limits, nowMs);
    const againAt = Math.min(decided.againAtMs ?? Infinity, againAtMs ?? Infinity);
    return { ...decided, againAtMs: againAt === Infinity ? undefined : againAt };
  }

  #carryOut(decided: Plan): void {
    const ending: Promise<void>[] = decided.endGeneric.map((kind) => this.#generic.endOne(kind));
    let endingMiB = ending.length * genericMemoryMiB;
    // Those get ready-made sandboxes and wait for nobody's end.
    const isUnhurried = decided.start.length > 0 && decided.start.every((start) => start.generic);
    for (const { id, why } of decided.end) {
      const environment = this.#roster.get(id);
      assert(environment, "the scheduler ends only environments it was told of");
      endingMiB += environment.memoryMiB;
      environment.endReason ??= why;
      this.#ends.end(environment, { isUnhurried });
      ending.push(this.#ends.gone(environment));
    }
    const roomMade = Promise.all(ending);
    ignore(roomMade, "a sandbox that cannot be ended is reported where it is ended");
    this.#room.making(endingMiB, roomMade, () => this.#converge());
    for (const start of decided.start) this.#begin(start, roomMade);
    for (const kind of decided.boot) this.#generic.bootOne(kind);
    this.#alarm.set(decided.againAtMs ?? Infinity);
    this.#room.tell(this.#roster.fleet.reservedMiB, decided.missingMiB);
  }

  #begin(decided: Plan["start"][number], roomMade: Promise<unknown>): void {
    const start = this.#starts.begin(decided, roomMade);
    if (!start) return;
    const running = start.finally(() => {
      this.#running.delete(running);
      this.#converge();
    });
    this.#running.add(running);
  }

  #welcome(started: ColdStarted, start: Starting): void {
    const { environment } = started;
    this.#roster.add(environment);
    if (started.kind === "init-failed") {
      environment.endReason = "init-failed";
      this.#ends.end(environment);
      const { environment: _, ...failure } = started;
      // Nobody's call failed when nobody had called.
      if (start.purpose === "call") this.#line.next(start.key)?.answer(failure);
      const endedMs = this.#deps.clock.monotonicMs();
      const { log } = environment.parts;
      this.#broken.failed(start.key, { ...start, endedMs, failure, log });
      this.#broken.tellAll(this.#line, start.key, endedMs);
      return;
    }
    this.#broken.succeeded(start.key);
    this.#compileCaches.begin(start.revision);
    // One that ended by itself goes at once if nobody uses it, else when the invocation lets go.
    void environment.parts.sandbox.exited.then(
      () => environment.state === "idle" && this.#ends.end(environment),
    );
    if (this.#stop.signal.aborted) return this.#ends.end(environment);
    this.#ahead.remember(start);
    this.#offer(environment, start.prewarm);
    // Whoever still waited for the old code has it now; nobody else shall.
    if (start.retired) this.#dismiss(environment, "changed");
  }
}
