import type { Logger, TraceContext } from "#base/context.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";
import type { Plan, Prewarm } from "#functions/scheduler/scheduler.ts";
import type { Making, StartsAhead } from "./ahead.ts";
import { boot, type Booted } from "./booted.ts";
import { coldStart, type ColdStarted, type ColdStartParts } from "./cold-start.ts";
import type { GenericSandboxes } from "./generic-sandboxes.ts";
import { startsRemembered } from "./limits.ts";
import type { ColdReason, ProvisionedState, StartRecord } from "./pool.ts";
import type { Provisioned } from "./provisioned.ts";
import type { Roster } from "./roster.ts";
import type { WaitingLine } from "./waiting-line.ts";
import type { WarmEnvironments } from "./warm-environments.ts";

/** A cold start under way. */
export interface Starting extends Making {
  readonly sinceMs: number;
  /** The same moment on the monotonic clock. */
  readonly beganMs: number;
  readonly purpose: StartRecord["purpose"];
  readonly reason: ColdReason;
  readonly source: StartRecord["source"];
  readonly prewarm: Prewarm | undefined;
  readonly trace: TraceContext;
  /** The revision changed meanwhile: only who waited already may still use it. */
  retired: boolean;
}

export interface StartsDeps extends ColdStartParts {
  readonly driver: SandboxDriver;
  readonly log: Logger;
  readonly line: WaitingLine;
  readonly generic: GenericSandboxes;
  readonly roster: Roster;
  readonly provisioned: Provisioned;
  readonly ahead: StartsAhead;
  readonly warm: WarmEnvironments;
  /** The pool stops. */
  readonly signal: AbortSignal;
  /** Takes over what has come up, or what did not, in the same moment in which the start is over. */
  readonly welcome: (started: ColdStarted, start: Starting) => void;
}

type Decided = Plan["start"][number];

/** The starts of environments: carries them out, and remembers the last ones and where their time went. */
export class Starts {
  readonly #deps: StartsDeps;
  readonly #underWay = new Set<Starting>();
  readonly #records: StartRecord[] = [];

  constructor(deps: StartsDeps) {
    this.#deps = deps;
  }

  underWay(): Iterable<Starting> {
    return this.#underWay;
  }

  /** The newest first. */
  recent(): readonly StartRecord[] {
    return this.#records.toReversed();
  }

  /**
   * Counts as under way from now on. Undefined when nobody wants it any more. Never rejects: when the
   * platform fails, whoever has waited longest is told.
   */
  begin(decided: Decided, roomMade: Promise<unknown>): Promise<void> | undefined {
    const { roster, generic, provisioned, clock, driver, signal } = this.#deps;
    const { key, purpose } = decided;
    const wanted = this.#wanted(decided);
    if (!wanted) return undefined;
    const { revision, runtime } = wanted;
    generic.use(runtime);
    const reserved = decided.generic ? generic.take(runtime.kind) : undefined;
    const start: Starting = {
      ...wanted,
      purpose,
      sinceMs: clock.nowMs(),
      beganMs: clock.monotonicMs(),
      reason: this.#reasonFor(decided, revision),
      source: reserved ? "generic" : "dedicated",
      retired: false,
    };
    this.#underWay.add(start);
    roster.begin(start);
    if (purpose === "provisioned") provisioned.begun(key);
    const takeBooted = async (): Promise<Booted> => {
      const ready = await reserved?.();
      if (ready) return ready;
      await roomMade;
      const { memoryMiB, scratchMiB } = revision;
      return boot({ driver, clock }, runtime, { memoryMiB, scratchMiB, signal });
    };
    return this.#run(start, takeBooted);
  }

  /** For a call: whoever has waited longest for this key with no start under way for it yet. */
  #wanted({ key, purpose }: Decided): (Making & Pick<Starting, "trace" | "prewarm">) | undefined {
    const { line, roster, ahead, tracer } = this.#deps;
    if (purpose !== "call") {
      const making = ahead.find(purpose, key);
      return making && { ...making, trace: tracer.newTrace() };
    }
    const waiter = line.peek(key, roster.fleet.startsOf(key));
    if (!waiter) return undefined;
    const { revision, runtime, trace } = waiter;
    return { key, revision, runtime, trace, prewarm: undefined };
  }

  #reasonFor({ key, purpose }: Decided, revision: Revision): ColdReason {
    if (purpose === "prewarm") return "foreseen";
    if (purpose === "provisioned") return "provisioned";
    return this.#deps.roster.whyCold(key, revision.functionArn);
  }

  async #run(start: Starting, takeBooted: () => Promise<Booted>): Promise<void> {
    const { clock, tracer, log, line, welcome } = this.#deps;
    const { key, revision, source, reason, purpose } = start;
    const phases: Record<string, number> = {};
    const startedAtMs = clock.nowMs();
    const fromMs = clock.monotonicMs();
    const { runtime } = revision;
    using span = tracer.span(start.trace, "cold-start", { source, runtime, reason, purpose });
    const over = (outcome: StartRecord["outcome"], failure: ProvisionedState["failure"]): void => {
      if (failure) span.fail(failure.by === "init" ? failure.text : "platform");
      const totalMs = clock.monotonicMs() - fromMs;
      this.#finish(start, { startedAtMs, totalMs, phases, outcome }, failure);
    };
    try {
      const initializationType =
        purpose === "provisioned" ? "provisioned-concurrency" : "on-demand";
      const times = this.#deps.warm.timesOf(key);
      const how = { key, revision, trace: span.context, takeBooted, times, phases } as const;
      const started = await coldStart(this.#deps, { ...how, initializationType });
      if (started.kind === "ready") over("ok", undefined);
      else over("init-failed", { by: "init", text: started.error.errorType });
      welcome(started, start);
    } catch (error) {
      over("failed", { by: "platform", text: error instanceof Error ? error.message : "" });
      log.event("environment.start-failed", { level: "warn", function: revision.name, error });
      if (purpose === "call") line.next(key)?.refuse(error);
    }
  }

  #finish(
    start: Starting,
    measured: Pick<StartRecord, "startedAtMs" | "totalMs" | "phases" | "outcome">,
    failure: ProvisionedState["failure"],
  ): void {
    const { roster, provisioned, clock } = this.#deps;
    const { key, revision, source, purpose, reason } = start;
    const { functionArn, version } = revision;
    this.#underWay.delete(start);
    roster.finish(start, measured.totalMs);
    if (purpose === "provisioned") provisioned.ended(key, failure, clock.monotonicMs());
    this.#records.push({ functionArn, version, ...measured, source, purpose, reason });
    if (this.#records.length > startsRemembered) this.#records.shift();
  }
}
