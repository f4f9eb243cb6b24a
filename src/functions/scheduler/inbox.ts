/**
 * How many invocations one environment may hold while its function runs them one at a time. For a
 * function that answers in microseconds the round trip and the wake-ups are the cost, and a full inbox
 * saves both; behind one that is slow, or now and then is, nobody shall wait. Pure but for what it
 * remembers; bounded.
 */
export class ServiceTimes {
  #meanMs = Infinity;
  #peakMs = 0;

  /** One invocation took so long, from its beginning to its answer. */
  note(ms: number): void {
    this.#meanMs = this.#meanMs === Infinity ? ms : this.#meanMs + (ms - this.#meanMs) * meanWeight;
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
/** Of a new time in the running mean. */
const meanWeight = 1 / 16;
/** Of the largest time, per invocation: forgotten after some hundreds of faster ones. */
const peakDecay = 0.98;
/** A rare slow one counts for so much of its time: the expectation, were every tenth like it. */
const peakShare = 0.1;

/** An invocation that runs longer than this gives up those behind it, so that they can run elsewhere. */
export const recallAfterMs = 5;
