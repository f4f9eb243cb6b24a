import { hash } from "node:crypto";
import type { KeyRange } from "#storage/storage.ts";
import { inlineHashBytesMax, inlineTailBytesMax } from "../limits.ts";

/**
 * Where items and index entries are in the store. Partition first, so that a Query is one range:
 *
 *   table  <prefix> <partition> <range key bytes>
 *   index  <prefix> <partition> <range key, closed> <tail: which item>
 *
 * The partition begins with four bytes of hash: a Scan walks in hash order, as the service does, and segments
 * of a parallel Scan are equal parts of it. A key of the store has 1,800 bytes and DynamoDB's keys may be longer
 * together, so what only has to be told apart, not ordered, is replaced by its SHA-256 when it is long.
 */
const hashedMark = 0xffff;

/** One partition: the hash, a length, and the key or its digest. */
export function partitionPart(key: Uint8Array): Uint8Array {
  const isInline = key.byteLength <= inlineHashBytesMax;
  const body = isInline ? key : sha256(key);
  const part = new Uint8Array(6 + body.byteLength);
  const view = new DataView(part.buffer);
  view.setUint32(0, spread(key));
  view.setUint16(4, isInline ? key.byteLength : hashedMark);
  part.set(body, 6);
  return part;
}

/** FNV-1a with a finish that moves every bit: cheap, and even over short keys that differ in a digit. */
function spread(key: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of key) state = Math.imul(state ^ byte, 0x01000193);
  state ^= state >>> 16;
  state = Math.imul(state, 0x85ebca6b);
  state ^= state >>> 13;
  state = Math.imul(state, 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}

/** Names an item within its table, for the end of an index entry's key. */
export function tailOf(partition: Uint8Array, range: Uint8Array | undefined): Uint8Array {
  const whole = range ? concat(partition, range) : partition;
  return whole.byteLength <= inlineTailBytesMax
    ? concat(Uint8Array.of(0), whole)
    : concat(Uint8Array.of(1), sha256(whole));
}

/**
 * Range key bytes that something may follow: groups of eight, each behind it how many count, nine when more
 * groups come. Order is kept, and 1,024 bytes become 1,161 at most, where escaping could double them.
 */
export function closed(bytes: Uint8Array): Uint8Array {
  const groups = Math.max(1, Math.ceil(bytes.byteLength / 8));
  const result = new Uint8Array(groups * 9);
  for (let group = 0; group < groups; group++) {
    const part = bytes.subarray(group * 8, group * 8 + 8);
    result.set(part, group * 9);
    result[group * 9 + 8] = group === groups - 1 ? part.byteLength : 9;
  }
  return result;
}

/** Everything that begins with `prefix`, itself included. */
export function startingWith(prefix: Uint8Array): KeyRange {
  return { start: prefix, end: successor(prefix) };
}

/** The least key greater than all that begin with `prefix`. */
export function successor(prefix: Uint8Array): Uint8Array {
  let length = prefix.byteLength;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  const next = new Uint8Array(prefix.subarray(0, length));
  if (length > 0) next[length - 1] = (next[length - 1] ?? 0) + 1;
  return next;
}

/** One of `total` equal parts of all partitions. */
export function segmentRange(prefix: Uint8Array, segment: number, total: number): KeyRange {
  const whole = startingWith(prefix);
  return {
    start: segment === 0 ? whole.start : concat(prefix, hashAt(segment, total)),
    end: segment === total - 1 ? whole.end : concat(prefix, hashAt(segment + 1, total)),
  };
}

function hashAt(segment: number, total: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.floor((segment * 2 ** 32) / total));
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const result = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.byteLength;
  }
  return result;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
