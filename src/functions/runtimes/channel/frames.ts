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

export interface Frame {
  readonly kind: number;
  /** The guest ends after this frame. */
  readonly isLast: boolean;
  readonly number: number;
  /** Undecoded; `readFields` reads it. A view that is valid as long as it is held. */
  readonly metadata: Buffer;
  readonly body: Buffer;
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

/** What an answer says beside its body, undecoded. */
export interface AnswerFields {
  head: Buffer | undefined;
  isBase64: boolean;
  outputMark: string | undefined;
  tookUs: string | undefined;
}

/** One pass, without a list: this runs for every answer. Errors: as `readFields`. */
export function readAnswerFields(metadata: Buffer): AnswerFields {
  const found: AnswerFields = {
    head: undefined,
    isBase64: false,
    outputMark: undefined,
    tookUs: undefined,
  };
  let at = 0;
  while (at < metadata.length) {
    if (at + 5 > metadata.length) throw new FrameError("a field is cut short");
    const start = at + 5;
    const end = start + metadata.readUInt32LE(at + 1);
    if (end > metadata.length) throw new FrameError("a field is longer than its block");
    const id = metadata[at];
    if (id === fields.head) found.head = metadata.subarray(start, end);
    else if (id === fields.isBase64) found.isBase64 = true;
    else if (id === fields.outputMark) found.outputMark = metadata.toString("latin1", start, end);
    else if (id === fields.tookUs) found.tookUs = metadata.toString("latin1", start, end);
    at = end;
  }
  return found;
}

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
   * The frames completed by `chunk`, in order. Errors: `FrameError` for a length beyond the limits,
   * as soon as the header is there; the reader is not usable afterwards.
   */
  *push(chunk: Buffer): Generator<Frame> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame) {
        const take = Math.min(this.#frame.length - this.#filled, chunk.length - at);
        chunk.copy(this.#frame, this.#filled, at, at + take);
        this.#filled += take;
        at += take;
        if (this.#filled < this.#frame.length) return;
        const whole = this.#frame;
        this.#frame = undefined;
        yield decode(whole);
        continue;
      }
      const available = this.#header.length + chunk.length - at;
      if (available < headerBytes) {
        this.#header = Buffer.concat([this.#header, chunk.subarray(at)]);
        return;
      }
      const kept = this.#header.length;
      const header =
        kept === 0
          ? chunk.subarray(at, at + headerBytes)
          : Buffer.concat([this.#header, chunk.subarray(at, at + headerBytes - kept)]);
      const size = headerBytes + checkLengths(header);
      this.#header = nothing;
      if (kept === 0 && chunk.length - at >= size) {
        yield decode(chunk.subarray(at, at + size));
        at += size;
        continue;
      }
      this.#frame = Buffer.allocUnsafe(size);
      header.copy(this.#frame);
      this.#filled = headerBytes;
      at += headerBytes - kept;
      if (size === headerBytes) {
        const whole = this.#frame;
        this.#frame = undefined;
        yield decode(whole);
      }
    }
  }

  /** True while a frame has begun and not ended. */
  get isInside(): boolean {
    return this.#frame !== undefined || this.#header.length > 0;
  }
}

function checkLengths(header: Buffer): number {
  const length = header.readUInt32LE(0);
  const metadataBytes = header.readUInt32LE(12);
  if (length > frameBytesMax) {
    throw new FrameError(`a frame of ${length} bytes; at most ${frameBytesMax} are allowed`);
  }
  if (metadataBytes > metadataBytesMax || metadataBytes > length) {
    throw new FrameError(`metadata of ${metadataBytes} bytes in a frame of ${length}`);
  }
  return length;
}

function decode(frame: Buffer): Frame {
  const bodyStart = headerBytes + frame.readUInt32LE(12);
  return {
    kind: frame[4] ?? 0,
    isLast: ((frame[5] ?? 0) & lastFlag) !== 0,
    number: frame.readUInt32LE(8),
    metadata: frame.subarray(headerBytes, bodyStart),
    body: frame.subarray(bodyStart),
  };
}
