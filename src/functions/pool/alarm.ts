import type { Clock } from "#base/clock.ts";

/** Rings once at a moment of the monotonic clock; setting it anew forgets the moment before. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: Disposable | undefined;
  #atMs = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** When it rings, or has; `Infinity` for never. */
  get atMs(): number {
    return this.#atMs;
  }

  set(atMs: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#atMs = atMs;
    if (atMs === Infinity) return;
    this.#timer = this.#clock.timer(Math.max(1, atMs - this.#clock.monotonicMs()), this.#ring);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}
