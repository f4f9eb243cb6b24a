/**
 * Decides, never acts: which waiting invocation gets a start, which sandboxes are booted ahead, which
 * idle environments end. The pool carries the plan out and asks again when anything changed.
 */
export { plan } from "./scale.ts";
export { pickWarm } from "./warm.ts";

/** Invocations that wait for an environment of one revision. */
export interface Demand {
  /** Revision the environments must have; environments are never shared between keys. */
  readonly key: string;
  /** Who the starts are shared out between: all keys of one function count together. */
  readonly functionArn: string;
  /** Runtime kind; generic sandboxes of this kind can be used when `dedicated` is false. */
  readonly kind: string;
  readonly memoryMiB: number;
  readonly dedicated: boolean;
  /** When each waiter came, oldest first; monotonic milliseconds. */
  readonly waitingSinceMs: readonly number[];
}

export interface Supply {
  /** Environments that could serve their key now. */
  readonly idle: readonly {
    readonly id: string;
    readonly key: string;
    readonly memoryMiB: number;
    readonly lastUsedMs: number;
  }[];
  /** Cold starts under way. */
  readonly starting: readonly { readonly key: string; readonly functionArn: string }[];
  /** Keys of environments whose function has answered and which are about to be given back. */
  readonly returning: readonly string[];
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
  /** Boots and cold starts side by side. */
  readonly startsMax: number;
  readonly genericMemoryMiB: number;
  /** Generic sandboxes to keep per kind that is in use. */
  readonly genericPerKind: number;
  /** Kinds in use or named by the operator. */
  readonly kindsInUse: readonly string[];
  readonly idleTimeoutMs: number;
}

export interface Plan {
  /** Cold starts to begin, in order; `generic` says that one is taken from the pool of its kind. */
  readonly start: readonly { readonly key: string; readonly generic: boolean }[];
  /** Idle environments to end: expired, or in the way of a start. */
  readonly end: readonly string[];
  /** Generic sandboxes to end, to make room; kind by kind. */
  readonly endGeneric: readonly string[];
  /** Kinds to boot a generic sandbox of. */
  readonly boot: readonly string[];
  /** Ask again at the latest then (monotonic); undefined when only a change can matter. */
  readonly againAtMs: number | undefined;
}
