import { assert } from "#base/assert.ts";
import { keyBytesMax } from "./keys.ts";
import type { KeyRange } from "./storage.ts";

/** Byte order, a prefix before what it begins. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

export function equalBytes(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.byteLength === right.byteLength && Buffer.compare(left, right) === 0;
}

/** A copy of its own, whatever buffer the bytes were a view of. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** One character per byte, so strings compare as the bytes do and can be keys of a Map. */
export function byteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

const keyTooLong = `a key is at most ${keyBytesMax} bytes`;

export function assertKey(key: Uint8Array): void {
  assert(key.byteLength > 0, "a key has at least one byte");
  assert(key.byteLength <= keyBytesMax, keyTooLong);
}

export function isEmptyRange(range: KeyRange): boolean {
  return compareBytes(range.start, range.end) >= 0;
}

/** What is left of `range` without `holes`, in ascending order. */
export function subtractRanges(range: KeyRange, holes: readonly KeyRange[]): KeyRange[] {
  let left = isEmptyRange(range) ? [] : [range];
  for (const hole of holes) {
    left = left.flatMap((part) => {
      if (compareBytes(hole.end, part.start) <= 0 || compareBytes(hole.start, part.end) >= 0)
        return [part];
      return [
        { start: part.start, end: hole.start },
        { start: hole.end, end: part.end },
      ].filter((piece) => !isEmptyRange(piece));
    });
  }
  return left;
}
