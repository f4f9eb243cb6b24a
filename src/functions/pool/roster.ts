import type { Clock } from "#base/clock.ts";
import type { Revision } from "#functions/registry/registry.ts";
import {
  Fleet,
  Forecast,
  type KnownArrivals,
  type Prewarm,
  type StartUnderWay,
  type Supply,
} from "#functions/scheduler/scheduler.ts";
import type { Making } from "./ahead.ts";
import type { Environment } from "./environment.ts";
import { credentialsMarginMs, functionsKnownMax } from "./limits.ts";
import type { ColdReason } from "./pool.ts";

/** How an environment came to its end, as far as the next cold start is concerned. */
export type EndReason = Extract<
  ColdReason,
  | "expired"
  | "evicted"
  | "changed"
  | "credentials-expired"
  | "crashed"
  | "timed-out"
  | "init-failed"
>;

/**
 * Who is alive, and what the scheduler is told of it. Every change of an environment passes through
 * here once, so that nothing has to be counted when a decision is made.
 */
export class Roster {
  readonly fleet: Fleet;
  readonly forecast: Forecast;
  readonly #clock: Clock;
  readonly #byId = new Map<string, Environment>();
  readonly #byKey = new Map<string, Set<Environment>>();
  /** By function: how its last environment ended, and what it ran. The oldest is forgotten first. */
  readonly #endings = new Map<string, { readonly key: string; readonly why: EndReason }>();
  #memoryMiB = 0;

  constructor(deps: {
    readonly clock: Clock;
    readonly idleTimeoutMs: number;
    readonly generic: () => { readonly rows: Supply["generic"]; readonly memoryMiB: number };
  }) {
    const { clock, generic } = deps;
    this.#clock = clock;
    this.forecast = new Forecast({ fallbackMs: deps.idleTimeoutMs });
    const memoryMiB = (): number => this.#memoryMiB;
    this.fleet = new Fleet({
      get generic() {
        return generic().rows;
      },
      get reservedMiB() {
        return memoryMiB() + generic().memoryMiB;
      },
      returningOf: (key) =>
        this.#count(key, (one) => one.state === "busy" && one.isReturning && !one.spoiled),
      idleOf: (key) => this.#count(key, (one) => one.state === "idle"),
      worthOf: ({ functionArn, memoryMiB }, nowMs) => {
        const calls = this.forecast.arrivals.of(functionArn);
        return calls ? (calls.frequency(nowMs) * calls.startCostMs) / memoryMiB : 0;
      },
    });
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): Iterable<Environment> {
    return this.#byId.values();
  }

  get(id: string): Environment | undefined {
    return this.#byId.get(id);
  }

  of(key: string): ReadonlySet<Environment> {
    return this.#byKey.get(key) ?? none;
  }

  /** A start is under way and has been promised its memory. */
  begin({ key, revision }: Making): void {
    this.fleet.begin(startOf(key, revision));
    this.#memoryMiB += revision.memoryMiB;
  }

  finish({ key, revision }: Making, tookMs: number): void {
    this.fleet.finish(startOf(key, revision));
    this.#memoryMiB -= revision.memoryMiB;
    this.forecast.arrivals.started(revision.functionArn, tookMs);
  }

  add(environment: Environment): void {
    const { id, key } = environment.parts;
    this.#byId.set(id, environment);
    const others = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, others.add(environment));
    this.#memoryMiB += environment.memoryMiB;
  }

  /** Its last process is gone. */
  remove(environment: Environment): void {
    const { id, key } = environment.parts;
    if (!this.#byId.delete(id)) return;
    const others = this.#byKey.get(key);
    others?.delete(environment);
    if (others?.size === 0) this.#byKey.delete(key);
    this.#memoryMiB -= environment.memoryMiB;
  }

  /** It runs an invocation from now on. */
  lent(environment: Environment): void {
    const nowMs = this.#clock.monotonicMs();
    this.fleet.wake(environment.parts.id);
    this.forecast.arrived(environment.parts.revision.functionArn, nowMs);
  }

  /** `nowMs` is monotonic. */
  returned(environment: Environment, nowMs: number): void {
    const { functionArn } = environment.parts.revision;
    this.forecast.arrivals.left(functionArn, nowMs, environment.sinceBegunMs(nowMs));
  }

  /** It is idle; gives until when it stays so. `prewarm`: it was begun for a call that is foreseen. */
  rested(environment: Environment, prewarm: Prewarm | undefined): number {
    const nowMs = this.#clock.monotonicMs();
    const { revision, id, key } = environment.parts;
    const { functionArn } = revision;
    const outlook = prewarm
      ? this.forecast.done(prewarm)
      : this.forecast.rested(functionArn, nowMs);
    const usableMs = environment.credentialsExpireAtMs - revision.timeoutMs - credentialsMarginMs;
    const expiresMs = usableMs - this.#clock.nowMs() + nowMs;
    const { isProvisioned, memoryMiB } = environment;
    const keepUntilMs = Math.min(isProvisioned ? Infinity : outlook.keepUntilMs, expiresMs);
    this.fleet.rest({ id, key, functionArn, memoryMiB, keepUntilMs }, isProvisioned);
    return keepUntilMs;
  }

  /** It will not be used again; the reason is remembered for the start that follows. */
  ending(environment: Environment): void {
    const { id, key, revision, log } = environment.parts;
    const crashed = log.exitText === undefined ? "timed-out" : "crashed";
    const why = environment.endReason ?? crashed;
    this.fleet.leave(id, why === "evicted" ? why : "other");
    this.#endings.delete(revision.functionArn);
    this.#endings.set(revision.functionArn, { key, why });
    if (this.#endings.size <= functionsKnownMax) return;
    for (const oldest of this.#endings.keys()) return void this.#endings.delete(oldest);
  }

  /** Why a call of this revision has to wait for a start. */
  whyCold(key: string, functionArn: string): ColdReason {
    const alive = this.of(key);
    for (const one of alive) if (one.isProvisioned) return "provisioned-spill-over";
    const ending = this.#endings.get(functionArn);
    if (this.#count(key, (one) => one.state !== "ending") > 0) return "all-busy";
    if (ending) return ending.key === key ? ending.why : "changed";
    return this.fleet.startsOf(key) > 0 ? "all-busy" : "first-call";
  }

  /** Calls that something knows of in advance, on the wall clock. */
  announce(functionArn: string, known: KnownArrivals | undefined): void {
    const monotonicMs = this.#clock.monotonicMs();
    const offsetMs = this.#clock.nowMs() - monotonicMs;
    const nextMs = (afterMs: number): number | undefined => {
      const atMs = known?.nextMs(afterMs + offsetMs);
      return atMs === undefined ? undefined : atMs - offsetMs;
    };
    this.forecast.announce(functionArn, known && { nextMs }, monotonicMs);
  }

  #count(key: string, isWanted: (environment: Environment) => boolean): number {
    let count = 0;
    for (const one of this.of(key)) if (isWanted(one)) count++;
    return count;
  }
}

const none: ReadonlySet<Environment> = new Set();

function startOf(key: string, revision: Revision): StartUnderWay {
  return { key, functionArn: revision.functionArn, accountId: revision.accountId };
}
