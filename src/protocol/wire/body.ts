import { assert } from "#base/assert.ts";
import { RequestTooLargeError, SerializationError } from "./errors.ts";

/**
 * A body that can also be had in one piece, without a promise for each of its parts: most requests are one
 * piece. Read it one way or the other, once.
 */
export interface WholeBody extends AsyncIterable<Uint8Array> {
  /** Undefined as soon as it is longer than `bytesMax`; the rest is left unread. */
  whole(bytesMax: number): Promise<Uint8Array | undefined>;
}

export function isWholeBody(body: AsyncIterable<Uint8Array>): body is WholeBody {
  return "whole" in body;
}

/** A body that is already here. */
export class HeldBody implements WholeBody {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  async whole(bytesMax: number): Promise<Uint8Array | undefined> {
    return this.#bytes.byteLength > bytesMax ? undefined : this.#bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#bytes.byteLength > 0) yield this.#bytes;
  }
}

/** The whole body, or `RequestTooLargeError` as soon as it is too long; the rest is left unread. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  operationName: string,
): Promise<Uint8Array> {
  if (isWholeBody(body)) {
    const whole = await body.whole(bytesMax);
    if (!whole) throw new RequestTooLargeError(bytesMax, operationName);
    return whole;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new RequestTooLargeError(bytesMax, operationName);
    chunks.push(chunk);
  }
  const [only] = chunks;
  return chunks.length === 1 && only ? only : Buffer.concat(chunks, bytes);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Strict: bytes that are no UTF-8 are the caller's mistake, not replacement characters in our records. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new SerializationError("The request body is not valid UTF-8");
  }
}

export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** Lengths prove that nothing was skipped: Node ignores what is not base64. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (bytes.byteLength !== Math.floor(((text.length - padding) * 3) / 4)) {
    throw new SerializationError("A binary value is not valid base64");
  }
  return bytes;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Handlers may answer text where the model says bytes; AWS stores such values as UTF-8. */
export function toBytes(value: unknown): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  assert(value instanceof Uint8Array, "a blob is a Uint8Array");
  return value;
}
