import { frameBytesMax, metaBytesMax } from "../limits.ts";

/** What a frame means; the first three go from caller to callee, the others back. */
export const kinds = {
  call: 1,
  cancel: 2,
  credit: 3,
  /** One way, answered by nothing. */
  note: 4,
  reply: 16,
  /** The answer's bytes are here, how it ended follows. */
  replyWhole: 17,
  /** The answer's bytes follow, and then how it ended. */
  replyStream: 18,
  failure: 19,
  data: 20,
  dataEnd: 21,
  dataBroken: 22,
  settled: 23,
} as const;

export interface Frame {
  readonly kind: number;
  /** Which call it belongs to; numbers are the caller's. */
  readonly number: number;
  /** JSON; empty for frames that carry bytes only. */
  readonly meta: Buffer;
  /** A view of what arrived; valid as long as it is held. */
  readonly body: Buffer;
}

const headerBytes = 16;
const nothing = Buffer.alloc(0);

/** Header and description; the body is written after it as it is. */
export function encodeHead(frame: {
  readonly kind: number;
  readonly number: number;
  readonly meta: string;
  readonly bodyBytes: number;
}): Buffer {
  const metaBytes = Buffer.byteLength(frame.meta);
  const head = Buffer.allocUnsafe(headerBytes + metaBytes);
  head.writeUInt32LE(frame.kind, 0);
  head.writeUInt32LE(frame.number, 4);
  head.writeUInt32LE(metaBytes, 8);
  head.writeUInt32LE(frame.bodyBytes, 12);
  head.write(frame.meta, headerBytes);
  return head;
}

/**
 * Cuts a byte stream into frames. A frame that lies in one chunk is handed out as a view of it; only
 * one spread over several chunks is put together, once, in a buffer of its size.
 */
export class FrameReader {
  #head: Buffer = nothing;
  /** An unfinished frame, header included, and how much of it has arrived. */
  #whole: Buffer | undefined;
  #filled = 0;

  /** The frames completed by `chunk`, in order. Throws a RangeError for lengths beyond the limits. */
  *push(chunk: Buffer): Generator<Frame> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#whole) {
        at += this.#fill(this.#whole, chunk.subarray(at));
        if (this.#filled < this.#whole.length) return;
        const whole = this.#whole;
        this.#whole = undefined;
        yield decode(whole);
        continue;
      }
      const missing = headerBytes - this.#head.length;
      const head =
        this.#head.length === 0
          ? chunk.subarray(at, at + headerBytes)
          : Buffer.concat([this.#head, chunk.subarray(at, at + missing)]);
      if (head.length < headerBytes) {
        this.#head = Buffer.from(head);
        return;
      }
      const isSplit = this.#head.length > 0;
      this.#head = nothing;
      const frameBytes = lengthOf(head);
      if (!isSplit && at + frameBytes <= chunk.length) {
        yield decode(chunk.subarray(at, at + frameBytes));
        at += frameBytes;
        continue;
      }
      at += missing;
      this.#whole = Buffer.allocUnsafe(frameBytes);
      this.#filled = head.copy(this.#whole);
      if (this.#filled < frameBytes) continue;
      const whole = this.#whole;
      this.#whole = undefined;
      yield decode(whole);
    }
  }

  #fill(whole: Buffer, bytes: Buffer): number {
    const copied = bytes.copy(whole, this.#filled);
    this.#filled += copied;
    return copied;
  }
}

/** Of the whole frame. */
function lengthOf(head: Buffer): number {
  const metaBytes = head.readUInt32LE(8);
  const bodyBytes = head.readUInt32LE(12);
  if (metaBytes > metaBytesMax) throw new RangeError(`a description of ${metaBytes} bytes`);
  if (bodyBytes > frameBytesMax) throw new RangeError(`a body of ${bodyBytes} bytes`);
  return headerBytes + metaBytes + bodyBytes;
}

function decode(frame: Buffer): Frame {
  const bodyAt = headerBytes + frame.readUInt32LE(8);
  return {
    kind: frame.readUInt32LE(0),
    number: frame.readUInt32LE(4),
    meta: frame.subarray(headerBytes, bodyAt),
    body: frame.subarray(bodyAt),
  };
}
