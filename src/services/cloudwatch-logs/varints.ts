/**
 * Whole numbers in as few bytes as they need: seven bits a byte, lowest first, the high bit says that
 * more follow. Most columns of a chunk are zeros and small numbers.
 */
export class VarintWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(expectedBytes);
  }

  /** `value` is in [0, 2^53). */
  push(value: number): void {
    if (this.#length + varintBytesMax > this.#bytes.length) this.#grow();
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Of either sign, less than 2^52 away from zero. */
  pushSigned(value: number): void {
    this.push(value >= 0 ? value * 2 : value * -2 - 1);
  }

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2 + varintBytesMax);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what the writer wrote, in the same order. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : (value + 1) / -2;
  }
}

/** 53 bits, seven at a time. */
const varintBytesMax = 8;
