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

  /** The counter of one request; whoever opens it releases it when the request is answered. */
  open(): OwnBytes {
    return new OwnBytes(this);
  }

  /** Errors: `queue.full` when all requests together have sent too much. */
  add(byteCount: number): void {
    if (this.#byteCount + byteCount > this.#bytesMax)
      throw new PlatformError(
        "queue.full",
        `bodies of unfinished requests already hold ${this.#byteCount} bytes`,
      );
    this.#byteCount += byteCount;
  }

  remove(byteCount: number): void {
    this.#byteCount -= byteCount;
  }
}

/** What one request has sent of its body. */
export class OwnBytes {
  readonly #all: ArrivingBytes;
  #byteCount = 0;
  #isPassedOn = false;

  constructor(all: ArrivingBytes) {
    this.#all = all;
  }

  /** Errors: `queue.full` when all requests together have sent too much. */
  add(byteCount: number): void {
    if (this.#isPassedOn) this.release(); // who asks for the next piece has done with the last
    this.#all.add(byteCount);
    this.#byteCount += byteCount;
  }

  /** From now on pieces are not kept: only the last one counts. */
  passOn(): void {
    this.#isPassedOn = true;
  }

  release(): void {
    this.#all.remove(this.#byteCount);
    this.#byteCount = 0;
  }
}
