/** Bytes put together front to back; the buffer is used again for the next. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1_024);
  #at = 0;

  reset(): void {
    this.#at = 0;
  }

  /** A view that is good until the next `reset`. */
  written(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  /** An integer from 0 to 2^53, seven bits a byte, the low ones first. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.byteLength);
    this.#room(bytes.byteLength);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.byteLength;
  }

  /** Its length in bytes, then UTF-8. */
  text(text: string): void {
    if (text.length < 32 && this.#shortAscii(text)) return;
    const byteCount = Buffer.byteLength(text, "utf8");
    this.varint(byteCount);
    this.#room(byteCount);
    this.#buffer.write(text, this.#at, byteCount, "utf8");
    this.#at += byteCount;
  }

  /** Most names and many values: a loop is quicker than a call into native code. */
  #shortAscii(text: string): boolean {
    this.#room(text.length + 1);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = text.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      buffer[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #room(byteCount: number): void {
    const needed = this.#at + byteCount;
    if (needed <= this.#buffer.byteLength) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.byteLength));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
  }
}

/** The way back. What `ByteWriter` did not write has no meaning here. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  /** A copy: the bytes behind a snapshot do not outlive it. */
  bytes(): Uint8Array {
    const byteCount = this.varint();
    const from = this.#at;
    this.#at += byteCount;
    return new Uint8Array(this.#bytes.subarray(from, this.#at));
  }

  text(): string {
    const byteCount = this.varint();
    const from = this.#at;
    this.#at += byteCount;
    return this.#bytes.toString("utf8", from, this.#at);
  }
}
