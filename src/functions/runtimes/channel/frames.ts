import { frameBytesMax, metadataBytesMax } from "../limits.ts";

/** The frames of guest/CHANNEL.md; the guests' side is guest/node/channel.mjs and its likes. */
export const kinds = {
  specialise: 1,
  invoke: 2,
  recall: 3,
  collect: 4,
  launch: 10,
  terminate: 11,
  kill: 12,
  deliver: 13,
  ready: 65,
  initialised: 66,
  initError: 67,
  response: 68,
  error: 69,
  streamBegin: 70,
  streamData: 71,
  streamEnd: 72,
  streamError: 73,
  restart: 74,
  recalled: 75,
  http: 76,
  extensions: 90,
  exited: 91,
  output: 92,
  delivered: 93,
} as const;

export const fields = {
  handler: 1,
  memoryMiB: 2,
  timeoutMs: 3,
  variable: 4,
  restarted: 5,
  concurrency: 6,
  compileCache: 7,
  requestId: 10,
  functionArn: 11,
  deadlineMs: 12,
  traceHeader: 13,
  clientContext: 14,
  cognitoIdentity: 15,
  streaming: 16,
  wantsHttp: 17,
  errorType: 20,
  errorMessage: 21,
  contentType: 22,
  phase: 30,
  head: 40,
  isBase64: 41,
  outputMark: 43,
  tookUs: 44,
  name: 50,
  code: 51,
  signal: 52,
  stream: 53,
  protocol: 54,
  port: 55,
  path: 56,
  method: 57,
  taken: 58,
} as const;

/** One frame, a view of the bytes it arrived in: valid as long as it is held. */
export class Frame {
  readonly kind: number;
  readonly number: number;
  /** What the frame lies in, and where in there its metadata, its body and its end are. */
  readonly bytes: Buffer;
  readonly metadataAt: number;
  readonly bodyAt: number;
  readonly end: number;

  /** It is whole, and its lengths have been checked. */
  constructor(bytes: Buffer, at: number, end: number) {
    this.kind = bytes[at + 4] ?? 0;
    this.number = bytes.readUInt32LE(at + 8);
    this.bytes = bytes;
    this.metadataAt = at + headerBytes;
    this.bodyAt = this.metadataAt + bytes.readUInt32LE(at + 12);
    this.end = end;
  }

  /** The guest ends after this frame. */
  get isLast(): boolean {
    return ((this.bytes[this.metadataAt - headerBytes + 5] ?? 0) & lastFlag) !== 0;
  }

  /** Undecoded; `readFields` reads it. */
  get metadata(): Buffer {
    return this.bytes.subarray(this.metadataAt, this.bodyAt);
  }

  get body(): Buffer {
    return this.bytes.subarray(this.bodyAt, this.end);
  }

  get bodyByteCount(): number {
    return this.end - this.bodyAt;
  }
}

export type Field = readonly [id: number, text: string];

/** A guest said something that is not in the protocol; it is cut off. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export const headerBytes = 16;
const lastFlag = 1;
const nothing = Buffer.alloc(0);

/** All fields in order. Errors: `FrameError` when the block contradicts itself. */
export function readFields(metadata: Buffer): readonly Field[] {
  const found: Field[] = [];
  let at = 0;
  while (at < metadata.length) {
    if (at + 5 > metadata.length) throw new FrameError("a field is cut short");
    const end = at + 5 + metadata.readUInt32LE(at + 1);
    if (end > metadata.length) throw new FrameError("a field is longer than its block");
    found.push([metadata[at] ?? 0, metadata.toString("utf8", at + 5, end)]);
    at = end;
  }
  return found;
}

/** What an answer says beside its body. */
export interface AnswerFields {
  head: Buffer | undefined;
  isBase64: boolean;
  outputMark: string | undefined;
  /** NaN where it says nothing, or what is no number. */
  tookUs: number;
}

/** One pass, without a list: this runs for every answer. Errors: as `readFields`. */
export function readAnswerFields({ bytes, metadataAt, bodyAt }: Frame): AnswerFields {
  const found: AnswerFields = {
    head: undefined,
    isBase64: false,
    outputMark: undefined,
    tookUs: NaN,
  };
  let at = metadataAt;
  while (at < bodyAt) {
    if (at + 5 > bodyAt) throw new FrameError("a field is cut short");
    const start = at + 5;
    const end = start + bytes.readUInt32LE(at + 1);
    if (end > bodyAt) throw new FrameError("a field is longer than its block");
    const id = bytes[at];
    if (id === fields.head) found.head = bytes.subarray(start, end);
    else if (id === fields.isBase64) found.isBase64 = true;
    else if (id === fields.outputMark) found.outputMark = bytes.toString("latin1", start, end);
    else if (id === fields.tookUs) found.tookUs = readDigits(bytes, start, end);
    at = end;
  }
  return found;
}

/** A whole number in decimal; NaN for anything else. */
function readDigits(bytes: Buffer, start: number, end: number): number {
  if (start === end || end - start > digitsMax) return NaN;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - zero;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Of a number that is exact. */
const digitsMax = 15;
const zero = 0x30;

/** The first field with this id, or undefined. */
export function findField(list: readonly Field[], id: number): string | undefined {
  return list.find(([found]) => found === id)?.[1];
}

/**
 * Cuts a byte stream into frames. A frame that lies in one chunk is handed out as a view of it; only
 * frames spread over several chunks are put together, in a buffer of exactly their size.
 */
export class FrameReader {
  /** Bytes of an unfinished header. */
  #header: Buffer = nothing;
  /** An unfinished frame, header included, and how much of it has arrived. */
  #frame: Buffer | undefined;
  #filled = 0;

  /**
   * Tells `take` of the frames completed by `chunk`, in order. Errors: `FrameError` for a length beyond the limits,
   * as soon as the header is there, and what `take` throws; the reader is not usable afterwards.
   */
  push(chunk: Buffer, take: (frame: Frame) => void): void {
    let at = this.#finish(chunk, take);
    while (chunk.length - at >= headerBytes) {
      const end = at + headerBytes + checkLengths(chunk, at);
      if (end > chunk.length) return this.#begin(chunk, at, end - at);
      take(new Frame(chunk, at, end));
      at = end;
    }
    if (at < chunk.length) this.#header = Buffer.from(chunk.subarray(at));
  }

  /** True while a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#frame !== undefined || this.#header.length > 0;
  }

  /** Goes on with what earlier chunks began; answers with the place behind it. */
  #finish(chunk: Buffer, take: (frame: Frame) => void): number {
    let at = 0;
    if (this.#header.length > 0) {
      const missing = headerBytes - this.#header.length;
      const header = Buffer.concat([this.#header, chunk.subarray(0, missing)]);
      this.#header = header;
      if (header.length < headerBytes) return chunk.length;
      this.#begin(header, 0, headerBytes + checkLengths(header, 0));
      this.#header = nothing;
      at = missing;
    }
    const frame = this.#frame;
    if (!frame) return at;
    const copied = chunk.copy(frame, this.#filled, at);
    this.#filled += copied;
    if (this.#filled < frame.length) return chunk.length;
    this.#frame = undefined;
    take(new Frame(frame, 0, frame.length));
    return at + copied;
  }

  /** What is there of a frame of `size` bytes; the rest is in the chunks to come. */
  #begin(chunk: Buffer, at: number, size: number): void {
    this.#frame = Buffer.allocUnsafe(size);
    this.#filled = chunk.copy(this.#frame, 0, at);
  }
}

/** Of the frame whose header is at this place: the bytes that follow the header. */
function checkLengths(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  const metadataBytes = bytes.readUInt32LE(at + 12);
  if (length > frameBytesMax) {
    throw new FrameError(`a frame of ${length} bytes; at most ${frameBytesMax} are allowed`);
  }
  if (metadataBytes > metadataBytesMax || metadataBytes > length) {
    throw new FrameError(`metadata of ${metadataBytes} bytes in a frame of ${length}`);
  }
  return length;
}
