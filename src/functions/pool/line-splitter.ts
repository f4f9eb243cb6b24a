import { lineBytesMax } from "./limits.ts";

const newline = 0x0a;
/** Ends a piece of a line that was too long for one event. */
export const continuedMarker = " [line continues]";

/**
 * Bytes in, lines out, one at a time. A line over the maximum comes in pieces; what is not UTF-8 is
 * replaced. Holds at most one line.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder("utf-8");
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, start)) {
      this.#hold(chunk.subarray(start, at), lines);
      lines.push(this.#take());
      start = at + 1;
    }
    this.#hold(chunk.subarray(start), lines);
    return lines;
  }

  /** What came after the last newline, if anything. */
  flush(): string | undefined {
    return this.#heldBytes === 0 ? undefined : this.#take();
  }

  #hold(bytes: Uint8Array, lines: string[]): void {
    let rest = bytes;
    while (this.#heldBytes + rest.length > lineBytesMax) {
      const fits = lineBytesMax - this.#heldBytes;
      this.#keep(rest.subarray(0, fits));
      lines.push(this.#take() + continuedMarker);
      rest = rest.subarray(fits);
    }
    this.#keep(rest);
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // A copy: what the socket handed out is a slice of a buffer far larger than a line.
    this.#held.push(Uint8Array.from(bytes));
    this.#heldBytes += bytes.length;
  }

  #take(): string {
    const bytes = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    const text = this.#decoder.decode(bytes);
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }
}
