import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";

/** Something whose processes can be stopped and made to go on; an execution environment. */
export interface Freezable {
  /** Whether it has been told to stand still; kept by the `Freezer` alone. */
  isFrozen: boolean;
  /** Monotonic; since when nobody has held it, undefined while somebody does. Kept by the `Freezer` alone. */
  idleSinceMs: number | undefined;
  setFrozen(frozen: boolean): Promise<void>;
  /** It did not obey: what it does now is unknown, so it must not be used and must end. */
  disobeyed(error: unknown): void;
}

/**
 * Which of the environments in line are to be frozen now, which wait on, and when to look again. "Lambda freezes the
 * execution environment when the runtime and each extension have completed and there are no pending
 * events" (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html); here only after
 * `graceMs`, so that one used again at once pays nothing. Whoever is in use by now leaves the line.
 */
export function dueToFreeze<T extends Pick<Freezable, "idleSinceMs">>(
  line: readonly T[],
  graceMs: number,
  nowMs: number,
): {
  readonly due: readonly T[];
  readonly waiting: readonly T[];
  readonly againAtMs: number | undefined;
} {
  const due: T[] = [];
  const waiting: T[] = [];
  let againAtMs: number | undefined;
  for (const environment of line) {
    const { idleSinceMs } = environment;
    if (idleSinceMs === undefined) continue;
    const dueAtMs = idleSinceMs + graceMs;
    if (dueAtMs <= nowMs) due.push(environment);
    else {
      waiting.push(environment);
      againAtMs = Math.min(againAtMs ?? dueAtMs, dueAtMs);
    }
  }
  return { due, waiting, againAtMs };
}

/**
 * Freezes idle environments after a grace and thaws them when they are lent. One timer for all: what is
 * lent again within the grace costs two notes of the time. Orders for one sandbox are carried out in the
 * order given, so a thaw needs no answer to the freeze before it, and nobody waits for either.
 */
export class Freezer<T extends Freezable> implements Disposable {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #graceMs: number;
  readonly #canFreeze: () => Promise<boolean>;
  /** Became idle since the last look and is not frozen; some are in use again. */
  #line = new Set<T>();
  #next: Disposable | undefined;
  #isPossible: boolean | undefined;

  constructor(deps: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly graceMs: number;
    /** Whether this host can; asked once, when the first environment is due. */
    readonly canFreeze: () => Promise<boolean>;
  }) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#graceMs = deps.graceMs;
    this.#canFreeze = deps.canFreeze;
  }

  /** Nobody holds it any more. */
  idle(environment: T): void {
    if (this.#isPossible === false) return;
    environment.idleSinceMs = this.#clock.monotonicMs();
    this.#line.add(environment);
    this.#next ??= this.#clock.timer(this.#graceMs, () => this.#look());
  }

  /** It is lent, or it ends (`thaw: false`: what is killed need not go on first). */
  taken(environment: T, { thaw }: { readonly thaw: boolean }): void {
    environment.idleSinceMs = undefined;
    if (!environment.isFrozen || !thaw) return;
    environment.isFrozen = false;
    this.#order(environment, false);
  }

  [Symbol.dispose](): void {
    this.#next?.[Symbol.dispose]();
    this.#line.clear();
  }

  #look(): void {
    this.#next = undefined;
    if (this.#isPossible !== true) return ignore(this.#ask(), "a driver always knows its limits");
    const nowMs = this.#clock.monotonicMs();
    const { due, waiting, againAtMs } = dueToFreeze([...this.#line], this.#graceMs, nowMs);
    this.#line = new Set(waiting);
    for (const environment of due) {
      environment.isFrozen = true;
      this.#order(environment, true);
    }
    if (againAtMs !== undefined)
      this.#next = this.#clock.timer(againAtMs - nowMs, () => this.#look());
  }

  async #ask(): Promise<void> {
    this.#isPossible = await this.#canFreeze();
    if (this.#isPossible) this.#look();
    else this.#line.clear();
  }

  #order(environment: T, frozen: boolean): void {
    environment.setFrozen(frozen).catch((error: unknown) => {
      this.#log.event("environment.freeze-failed", { level: "warn", frozen, error });
      environment.disobeyed(error);
    });
  }
}
