import { assert } from "#base/assert.ts";
import type { KeyRange } from "./storage.ts";

/**
 * Order-preserving encoding of tuples: comparing two encoded keys byte by byte gives the same answer
 * as comparing the tuples element by element. Strings and bytes are escaped (0x00 becomes 0x00 0xff)
 * and closed with 0x00, as in the FoundationDB tuple layer; numbers are eight big-endian bytes.
 */
export type KeyPart = string | number | Uint8Array;

const tag = { bytes: 0x01, text: 0x02, number: 0x03 } as const;

/** LMDB holds keys of at most 1,978 bytes with 4 KiB pages; drivers must accept this many. */
export const keyBytesMax = 1_800;

/** Numbers are integers in [0, 2^53). A longer key than `keyBytesMax` is an assertion. */
export function key(...parts: readonly KeyPart[]): Uint8Array {
  const bytes: number[] = [];
  for (const part of parts) {
    if (typeof part === "number") pushNumber(bytes, part);
    else if (typeof part === "string") pushEscaped(bytes, tag.text, Buffer.from(part, "utf8"));
    else pushEscaped(bytes, tag.bytes, part);
  }
  assert(bytes.length <= keyBytesMax, `a key is at most ${keyBytesMax} bytes`);
  return Uint8Array.from(bytes);
}

/** The key `prefix` with more parts behind it, for prefixes that are encoded once and used often. */
export function keyBelow(prefix: Uint8Array, ...parts: readonly KeyPart[]): Uint8Array {
  const tail = key(...parts);
  const whole = new Uint8Array(prefix.length + tail.length);
  whole.set(prefix);
  whole.set(tail, prefix.length);
  assert(whole.length <= keyBytesMax, `a key is at most ${keyBytesMax} bytes`);
  return whole;
}

/** Every key that begins with these parts and has at least one more. */
export function keyPrefix(...parts: readonly KeyPart[]): KeyRange {
  const prefix = key(...parts);
  const end = keyAfter(prefix);
  end[prefix.length] = 0xff;
  return { start: keyAfter(prefix), end };
}

/** The smallest key greater than `after`: the start of the next page of a listing. */
export function keyAfter(after: Uint8Array): Uint8Array {
  const next = new Uint8Array(after.length + 1);
  next.set(after);
  return next;
}

/** The parts of an encoded key. An encoding this module did not write is an assertion. */
export function keyParts(encoded: Uint8Array): KeyPart[] {
  const parts: KeyPart[] = [];
  for (let at = 0; at < encoded.length;) {
    const kind = encoded[at++];
    if (kind === tag.number) {
      const view = new DataView(encoded.buffer, encoded.byteOffset + at, 8);
      parts.push(Number(view.getBigUint64(0)));
      at += 8;
      continue;
    }
    assert(kind === tag.text || kind === tag.bytes, "an encoded key has known tags");
    const unescaped: number[] = [];
    for (; at < encoded.length; at++) {
      const byte = encoded[at] as number; // in range by the loop's condition
      if (byte === 0x00 && encoded[at + 1] !== 0xff) break;
      unescaped.push(byte);
      if (byte === 0x00) at++;
    }
    at++;
    const bytes = Uint8Array.from(unescaped);
    parts.push(kind === tag.text ? Buffer.from(bytes).toString("utf8") : bytes);
  }
  return parts;
}

function pushNumber(into: number[], value: number): void {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    "a number in a key is an integer from 0 to 2^53",
  );
  into.push(tag.number);
  // In halves of 32 bits: eight BigInt shifts per number were a visible part of every write.
  for (const half of [Math.floor(value / 2 ** 32), value >>> 0])
    into.push(half >>> 24, (half >>> 16) & 0xff, (half >>> 8) & 0xff, half & 0xff);
}

function pushEscaped(into: number[], kind: number, bytes: Uint8Array): void {
  into.push(kind);
  for (const byte of bytes) {
    into.push(byte);
    if (byte === 0x00) into.push(0xff);
  }
  into.push(0x00);
}
