import { PlatformError } from "#base/errors.ts";

/**
 * Bytes of request bodies that have arrived and whose requests are not answered yet. Bodies of
 * function URLs are held whole until the last byte is there, so a crowd of senders that stop just
 * before theirs would fill the memory.
 */
export class ArrivingBytes {
  readonly #bytesMax: number;
  #byteCount = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The counter of one request; disposing gives back all that it counted. */
  open(): { readonly add: (byteCount: number) => void } & Disposable {
    let own = 0;
    return {
      /** Errors: `queue.full` when all requests together have sent too much. */
      add: (byteCount) => {
        if (this.#byteCount + byteCount > this.#bytesMax)
          throw new PlatformError(
            "queue.full",
            `bodies of unfinished requests already hold ${this.#byteCount} bytes`,
          );
        own += byteCount;
        this.#byteCount += byteCount;
      },
      [Symbol.dispose]: () => {
        this.#byteCount -= own;
        own = 0;
      },
    };
  }
}
