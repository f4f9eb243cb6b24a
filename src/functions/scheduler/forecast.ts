import { Arrivals } from "./arrivals.ts";
import { Heap } from "./heap.ts";
import { knownWindow, outlook, type Outlook, type Window } from "./keep-alive.ts";
import { knownGraceMs, knownLeadMs } from "./limits.ts";

/** Calls somebody knows of in advance; whatever keeps schedules satisfies it. */
export interface KnownArrivals {
  /** The first one after this moment (same clock as the scheduler's); undefined when there is none. */
  nextMs(afterMs: number): number | undefined;
}

/**
 * Which functions will be called when: from their own past and from known schedules. It is told of every
 * call, holds no timers, and answers from memory.
 */
export class Forecast {
  readonly arrivals = new Arrivals();
  readonly #schedules = new Map<string, KnownArrivals>();
  /** By function, ranked by when an environment should be begun. */
  readonly #prewarms = new Heap<Prewarm>();
  readonly #fallbackMs: number;

  constructor(settings: { readonly fallbackMs: number }) {
    this.#fallbackMs = settings.fallbackMs;
  }

  /** Calls of this function are announced from now on; `undefined` takes that back. */
  announce(functionArn: string, known: KnownArrivals | undefined, nowMs: number): void {
    this.#prewarms.delete(functionArn);
    if (!known) return void this.#schedules.delete(functionArn);
    this.#schedules.set(functionArn, known);
    const atMs = known.nextMs(nowMs);
    if (atMs !== undefined) this.#expect(functionArn, nowMs, knownWindow(atMs));
  }

  arrived(functionArn: string, nowMs: number): void {
    if (this.#prewarms.size > 0) this.#prewarms.delete(functionArn);
    const known = this.#schedules.size === 0 ? undefined : this.#schedules.get(functionArn);
    const announcedMs = known?.nextMs(nowMs - knownGraceMs);
    const isAnnounced = announcedMs !== undefined && announcedMs - nowMs <= knownLeadMs;
    this.arrivals.arrived(functionArn, nowMs, isAnnounced);
  }

  /** One of the function's environments has become idle: until when it stays so. */
  rested(functionArn: string, nowMs: number): Outlook {
    return this.#lookAhead(functionArn, nowMs, 0);
  }

  /**
   * A prewarm has begun, or was given up: what may follow without a call in between. An environment
   * that was begun stays until `keepUntilMs`.
   */
  done({ functionArn, idleSinceMs, untilMs }: Prewarm): Outlook {
    return this.#lookAhead(functionArn, idleSinceMs, untilMs - idleSinceMs);
  }

  forget(functionArn: string): void {
    this.#prewarms.delete(functionArn);
    this.#schedules.delete(functionArn);
    this.arrivals.forget(functionArn);
  }

  /** Functions that should have an environment now, the most urgent first. */
  due(nowMs: number): readonly Prewarm[] {
    const due: Prewarm[] = [];
    for (const prewarm of this.#prewarms.ascending()) {
      if (prewarm.atMs > nowMs) break;
      due.push(prewarm);
    }
    return due;
  }

  /** When `due` has something new to say. */
  nextDueMs(afterMs: number): number | undefined {
    for (const { atMs } of this.#prewarms.ascending()) if (atMs > afterMs) return atMs;
    return undefined;
  }

  #lookAhead(functionArn: string, idleSinceMs: number, elapsedMs: number): Outlook {
    const decided = outlook({
      statistics: this.arrivals.of(functionArn),
      idleSinceMs,
      elapsedMs,
      // An announced call that has just been served is not the next one.
      nextKnownMs: this.#schedules.get(functionArn)?.nextMs(idleSinceMs + elapsedMs + 1),
      fallbackMs: this.#fallbackMs,
    });
    const { prewarm } = decided;
    if (prewarm) this.#expect(functionArn, idleSinceMs, prewarm);
    else if (this.#prewarms.size > 0) this.#prewarms.delete(functionArn);
    return decided;
  }

  #expect(functionArn: string, idleSinceMs: number, window: Window): void {
    this.#prewarms.set(functionArn, window.atMs, { functionArn, idleSinceMs, ...window });
  }
}

/** An environment to have ready from `atMs`, and to give up at `untilMs`. */
export interface Prewarm {
  readonly functionArn: string;
  /** Since when nobody has called it. */
  readonly idleSinceMs: number;
  readonly atMs: number;
  readonly untilMs: number;
}
