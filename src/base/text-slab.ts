/**
 * Puts short pieces of text and bytes together, one message behind the other, in a buffer of some size; when
 * it is full another is made, and each lives as long as one of its messages.
 */
export class TextSlab {
  readonly #bytes: number;
  #slab = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** Larger messages get a buffer of their own. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** A message of at most so many bytes begins; one that was begun and not taken is forgotten. */
  begin(bytesMax: number): this {
    if (this.#start + bytesMax > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(this.#bytes, bytesMax));
      this.#start = 0;
    }
    this.#end = this.#start;
    return this;
  }

  bytes(piece: Uint8Array): this {
    this.#slab.set(piece, this.#end);
    this.#end += piece.byteLength;
    return this;
  }

  /** Of ASCII characters alone. */
  ascii(piece: string): this {
    this.#end += this.#slab.write(piece, this.#end, "latin1");
    return this;
  }

  utf8(piece: string): this {
    this.#end += this.#slab.write(piece, this.#end);
    return this;
  }

  /** The message; a view. */
  take(): Buffer {
    const message = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return message;
  }
}
