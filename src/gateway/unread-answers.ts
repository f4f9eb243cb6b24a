import type { ServerResponse } from "node:http";

/**
 * Answers that wait in memory because their readers are slow. Together they may be `bytesMax` large;
 * beyond that the reader who has been slow longest loses its connection.
 */
export class UnreadAnswers {
  readonly #bytesMax: number;
  readonly #held = new Map<ServerResponse, number>();
  #byteCount = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Counts `byteCount` for a response until disposed. */
  hold(response: ServerResponse, byteCount: number): Disposable {
    this.#held.set(response, byteCount);
    this.#byteCount += byteCount;
    for (const slowest of this.#held.keys()) {
      if (this.#byteCount <= this.#bytesMax) break;
      this.#release(slowest);
      slowest.destroy();
    }
    return { [Symbol.dispose]: () => this.#release(response) };
  }

  #release(response: ServerResponse): void {
    this.#byteCount -= this.#held.get(response) ?? 0;
    this.#held.delete(response);
  }
}
