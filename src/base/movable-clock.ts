import { type Clock, sleepWith } from "./clock.ts";

/** What may be done to a movable clock: forward by so much, to a moment, standing still or going on. */
export type ClockMove =
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "set"; readonly toMs: number }
  | { readonly kind: "freeze" }
  | { readonly kind: "unfreeze" };

/**
 * A clock that runs with another one until somebody moves it. For development: what a schedule does in forty days
 * can be seen now. Timers belong to this clock: none of them fires while it stands still, and moving it
 * forward fires those that become due, each at its own moment.
 */
export interface MovableClock extends Clock {
  /**
   * Resolves when the clock is where it should be and every timer on the way has fired. What a timer began is given
   * a moment to arm the next one, so that what happens daily happens daily. Setting it back moves the wall clock
   * alone; timers keep their delays. One move at a time; later ones wait.
   */
  move(move: ClockMove): Promise<void>;
  /** What this clock showed when the real one showed `realMs`: a date somebody else wrote is compared by this. */
  shownAt(realMs: number): number;
  readonly isFrozen: boolean;
  /** Shown minus real wall time, milliseconds. */
  readonly offsetMs: number;
}

/** From `realMs` on, the clock showed `shownMs` and ran, or stood still. */
interface Stretch {
  readonly realMs: number;
  readonly shownMs: number;
  readonly isFrozen: boolean;
}

interface Armed {
  readonly dueMs: number;
  readonly fire: () => void;
  real: Disposable | undefined;
}

/** Moves that are remembered for `shownAt`; the oldest is forgotten first. */
const stretchesMax = 1_000;

/** Real milliseconds that work begun by a timer has before time goes on, for the first `settlesMax` moments of a move. */
const settleMs = 3;
const settlesMax = 1_000;

/** `real` keeps running underneath. */
export function createMovableClock(real: Clock): MovableClock {
  return new LiveMovableClock(real);
}

class LiveMovableClock implements MovableClock {
  readonly #real: Clock;
  readonly #armed = new Set<Armed>();
  #stretches: Stretch[];
  #stretch: Stretch;
  /** Monotonic time shown when the current stretch began, and the real one then. */
  #monotonicMs: number;
  #realMonotonicMs: number;
  #moving: Promise<void> = Promise.resolve();

  constructor(real: Clock) {
    this.#real = real;
    this.#stretch = { realMs: real.nowMs(), shownMs: real.nowMs(), isFrozen: false };
    this.#stretches = [this.#stretch];
    this.#monotonicMs = this.#realMonotonicMs = real.monotonicMs();
  }

  nowMs(): number {
    return showAt(this.#stretch, this.#real.nowMs());
  }

  monotonicMs(): number {
    if (this.#stretch.isFrozen) return this.#monotonicMs;
    return this.#monotonicMs + this.#real.monotonicMs() - this.#realMonotonicMs;
  }

  get isFrozen(): boolean {
    return this.#stretch.isFrozen;
  }

  get offsetMs(): number {
    return this.nowMs() - this.#real.nowMs();
  }

  shownAt(realMs: number): number {
    const stretch = this.#stretches.findLast((one) => one.realMs <= realMs);
    return showAt(stretch ?? this.#stretches[0] ?? this.#stretch, realMs);
  }

  timer(delayMs: number, fire: () => void): Disposable {
    const armed: Armed = {
      dueMs: this.monotonicMs() + Math.max(0, delayMs),
      fire,
      real: undefined,
    };
    this.#armed.add(armed);
    if (!this.#stretch.isFrozen) this.#arm(armed);
    return {
      [Symbol.dispose]: () => {
        armed.real?.[Symbol.dispose]();
        this.#armed.delete(armed);
      },
    };
  }

  sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return sleepWith((ms, fire) => this.timer(ms, fire), delayMs, signal);
  }

  move(move: ClockMove): Promise<void> {
    const moved = this.#moving.then(() => this.#move(move));
    this.#moving = moved;
    return moved;
  }

  async #move(move: ClockMove): Promise<void> {
    if (move.kind === "freeze") return this.#begin({ isFrozen: true });
    if (move.kind === "unfreeze") return this.#begin({ isFrozen: false });
    const byMs = move.kind === "advance" ? move.ms : move.toMs - this.nowMs();
    const wasFrozen = this.#stretch.isFrozen;
    if (byMs < 0) return this.#begin({ isFrozen: wasFrozen, wallByMs: byMs });
    // Standing still on the way: each timer fires at its own moment.
    this.#begin({ isFrozen: true });
    await this.#pass(this.#monotonicMs + byMs);
    this.#begin({ isFrozen: wasFrozen });
  }

  async #pass(untilMs: number): Promise<void> {
    for (let moments = 0; ; moments++) {
      const next = this.#earliest(untilMs);
      const atMs = Math.max(this.#monotonicMs, next?.dueMs ?? untilMs);
      this.#begin({ isFrozen: true, byMs: atMs - this.#monotonicMs });
      if (!next) return;
      this.#fire(next);
      if (moments < settlesMax) await this.#real.sleep(settleMs, never);
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** With the fraction that steps have left over, or many small ones would lose time. */
  #exactMs(): number {
    const { shownMs } = this.#stretch;
    return this.nowMs() + shownMs - Math.floor(shownMs);
  }

  #earliest(untilMs: number): Armed | undefined {
    let earliest: Armed | undefined;
    for (const armed of this.#armed) {
      if (armed.dueMs <= untilMs && (!earliest || armed.dueMs < earliest.dueMs)) earliest = armed;
    }
    return earliest;
  }

  /** A new stretch: the time shown so far, moved by so much, running or not. */
  #begin(change: {
    readonly isFrozen: boolean;
    readonly byMs?: number;
    readonly wallByMs?: number;
  }): void {
    const { isFrozen, byMs = 0, wallByMs = byMs } = change;
    const shownMs = this.#exactMs() + wallByMs;
    this.#monotonicMs = this.monotonicMs() + byMs;
    this.#realMonotonicMs = this.#real.monotonicMs();
    const wasFrozen = this.#stretch.isFrozen;
    this.#stretch = { realMs: this.#real.nowMs(), shownMs, isFrozen };
    // Of steps within one moment only the last was ever shown.
    if (this.#stretches.at(-1)?.realMs === this.#stretch.realMs) this.#stretches.pop();
    this.#stretches.push(this.#stretch);
    if (this.#stretches.length > stretchesMax) this.#stretches.shift();
    if (isFrozen && wasFrozen) return;
    for (const armed of this.#armed) {
      if (isFrozen) armed.real?.[Symbol.dispose]();
      else this.#arm(armed);
    }
  }

  #arm(armed: Armed): void {
    armed.real?.[Symbol.dispose]();
    armed.real = this.#real.timer(armed.dueMs - this.monotonicMs(), () => this.#fire(armed));
  }

  #fire(armed: Armed): void {
    armed.real?.[Symbol.dispose]();
    this.#armed.delete(armed);
    armed.fire();
  }
}

function showAt(stretch: Stretch, realMs: number): number {
  // Moved by the monotonic clock, which knows fractions; wall time has none.
  return Math.floor(stretch.shownMs) + (stretch.isFrozen ? 0 : realMs - stretch.realMs);
}

const never = new AbortController().signal;
