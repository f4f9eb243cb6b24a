/**
 * How many invocations one environment may hold while its function runs them one at a time. For a
 * function that answers in microseconds the round trip and the wake-ups are the cost, and a full inbox
 * saves both; behind one that is slow, or now and then is, nobody shall wait. Pure but for what it
 * remembers; bounded.
 */
export class ServiceTimes {
  #count = 0;
  #meanMs = Infinity;
  #peakMs = 0;

  /** One invocation took so long, from its beginning to its end. */
  note(ms: number): void {
    this.#count = Math.min(this.#count + 1, meanOf);
    this.#meanMs = this.#count === 1 ? ms : this.#meanMs + (ms - this.#meanMs) / this.#count;
    this.#peakMs = Math.max(ms, this.#peakMs * peakDecay);
  }

  /** 1 … `inboxMax`: as many as are expected to be through within `inboxWaitMs`. */
  depth(inboxMax: number): number {
    const expectedMs = Math.max(this.#meanMs, this.#peakMs * peakShare);
    const depth = Math.floor(inboxWaitMs / expectedMs);
    return Math.max(1, Math.min(inboxMax, depth));
  }
}

/** How long an invocation may be expected to wait in an inbox; waking another environment costs less. */
const inboxWaitMs = 2;
/** Invocations the mean looks back on: one slow in a hundred counts, one hiccup of the machine does not. */
const meanOf = 64;
/** Of the largest time, per invocation: forgotten after some dozens of faster ones. */
const peakDecay = 0.95;
/** A rare slow one counts for so much of its time: the expectation, were every fiftieth like it. */
const peakShare = 0.02;

/** An invocation that runs longer than this gives up those behind it, so that they can run elsewhere. */
export const recallAfterMs = 5;
