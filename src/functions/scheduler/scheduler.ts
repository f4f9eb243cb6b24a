/**
 * Decides, never acts: which waiting invocation gets a start, what is started ahead of callers, which
 * sandboxes are booted ahead, which idle environments end. The pool carries the plan out and asks again
 * when anything changed.
 */
export { recallAfterMs, ServiceTimes } from "./inbox.ts";
export { afterFailure, type InitFailures } from "./init-failures.ts";
export { plan } from "./scale.ts";
export { pickWarm } from "./warm.ts";
export { Fleet, type StartUnderWay } from "./fleet.ts";
export { Forecast, type KnownArrivals, type Prewarm } from "./forecast.ts";
export { retryDelayMs } from "./retry.ts";

/** What all environments of one revision have in common. */
interface Wanted {
  /** Revision the environments must have; environments are never shared between keys. */
  readonly key: string;
  /** Who starts are shared out between: all keys of one function count together. */
  readonly functionArn: string;
  /** Functions of one account count together too, before they are told apart. */
  readonly accountId: string;
  /** Runtime kind; generic sandboxes of this kind can be used when `dedicated` is false. */
  readonly kind: string;
  readonly memoryMiB: number;
  readonly dedicated: boolean;
}

/** Invocations that wait for an environment of one revision. */
export interface Waiting extends Wanted {
  readonly count: number;
  /** When the waiter at this place came, 0 is the oldest; monotonic milliseconds. */
  sinceMs(place: number): number;
  /** Invocations that one environment of this key runs side by side. */
  readonly concurrency: number;
  /** Environments of this key that are running something. */
  readonly busyCount: number;
  /** A cautious estimate of how long one call takes; undefined when none has ended yet. */
  readonly callMs: number | undefined;
  /** How long a start takes. */
  readonly startMs: number;
}

/** Environments that somebody wants before anybody calls. */
export interface Ahead extends Wanted {
  readonly purpose: "provisioned" | "prewarm";
  readonly count: number;
}

/** What is asked for, by callers and ahead of them. */
export interface Demand {
  readonly waiting: Iterable<Waiting>;
  readonly ahead: Iterable<Ahead>;
}

export interface IdleEnvironment {
  readonly id: string;
  readonly key: string;
  readonly functionArn: string;
  readonly memoryMiB: number;
  readonly keepUntilMs: number;
}

/** What there is, as questions; each is answered without looking at everything. */
export interface Supply {
  /** Environments that could serve this key now. */
  idleOf(key: string): number;
  /** Cold starts under way. */
  startsOf(key: string): number;
  startsByFunction(functionArn: string): number;
  startsByAccount(accountId: string): number;
  readonly startCount: number;
  /** Environments whose function has answered and which are about to be given back. */
  returningOf(key: string): number;
  /** Idle environments in the order in which they are to be ended for age, as far as this moment. */
  byExpiry(): Iterable<IdleEnvironment>;
  /** Idle environments that may be ended for room, the one worth least first. */
  evictable(): Iterable<IdleEnvironment>;
  readonly evictableMiB: number;
  /** Generic sandboxes, ready or booting, per kind. */
  readonly generic: readonly {
    readonly kind: string;
    readonly ready: number;
    readonly booting: number;
  }[];
  /** MiB that everything alive or being started has been promised, generic sandboxes included. */
  readonly reservedMiB: number;
}

export interface Limits {
  readonly memoryMiBMax: number;
  /** The budget may have become smaller than what is reserved: idle environments are ended for it. */
  readonly mustFit?: boolean;
  /** Boots and cold starts side by side. */
  readonly startsMax: number;
  readonly genericMemoryMiB: number;
  /** Generic sandboxes to keep per kind that is in use. */
  readonly genericPerKind: number;
  /** Kinds in use or named by the operator. */
  readonly kindsInUse: readonly string[];
}

export interface Plan {
  /** Cold starts to begin, in order; `generic` says that one is taken from the pool of its kind. */
  readonly start: readonly {
    readonly key: string;
    readonly generic: boolean;
    readonly purpose: "call" | Ahead["purpose"];
  }[];
  /** Idle environments to end. */
  readonly end: readonly { readonly id: string; readonly why: "expired" | "evicted" }[];
  /** Generic sandboxes to end, to make room; kind by kind. */
  readonly endGeneric: readonly string[];
  /** Kinds to boot a generic sandbox of. */
  readonly boot: readonly string[];
  /** Ask again at the latest then (monotonic); undefined when only a change can matter. */
  readonly againAtMs: number | undefined;
  /** MiB beyond the budget without which somebody waits; 0 when all who wait fit. */
  readonly missingMiB: number;
}
