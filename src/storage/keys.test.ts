import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { compareBytes } from "./bytes.ts";
import { key, keyAfter, keyBytesMax, type KeyPart, keyPrefix, keyParts } from "./keys.ts";

const text = fc.string({ unit: "binary", maxLength: 8 }).map((value) => value.toWellFormed());
const bytes = fc.uint8Array({ maxLength: 8 });
const number = fc.oneof(fc.nat(), fc.maxSafeNat());
const part: fc.Arbitrary<KeyPart> = fc.oneof(text, bytes, number);
const tuple = fc.array(part, { maxLength: 4 });

/** Bytes before text before numbers; text by its UTF-8 bytes; a shorter tuple before its extensions. */
function compareTuples(left: readonly KeyPart[], right: readonly KeyPart[]): number {
  for (const [index, a] of left.entries()) {
    const b = right[index];
    if (b === undefined) return 1;
    const order = comparePart(a, b);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function comparePart(a: KeyPart, b: KeyPart): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string")
    return compareBytes(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return rank(a) - rank(b);
}

function rank(value: KeyPart): number {
  return typeof value === "number" ? 2 : typeof value === "string" ? 1 : 0;
}

describe("keys", () => {
  it("order as the tuples they encode", () => {
    fc.assert(
      fc.property(tuple, tuple, (left, right) => {
        const order = Math.sign(compareBytes(key(...left), key(...right)));
        assert.equal(order, Math.sign(compareTuples(left, right)));
      }),
    );
  });

  it("give their parts back", () => {
    fc.assert(fc.property(tuple, (parts) => assert.deepEqual(keyParts(key(...parts)), parts)));
  });

  it("are inside the range of each of their proper prefixes and of nothing else", () => {
    fc.assert(
      fc.property(tuple, tuple, (prefix, other) => {
        const { start, end } = keyPrefix(...prefix);
        const isInside = (encoded: Uint8Array): boolean =>
          compareBytes(encoded, start) >= 0 && compareBytes(encoded, end) < 0;
        assert.ok(other.length === 0 || isInside(key(...prefix, ...other)));
        const begins = compareTuples(other.slice(0, prefix.length), prefix) === 0;
        assert.equal(isInside(key(...other)), begins && other.length > prefix.length);
      }),
    );
  });

  it("have nothing between one and the start of the next page", () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        if (compareBytes(other, one) <= 0) return;
        assert.ok(compareBytes(keyAfter(one), other) <= 0);
      }),
    );
  });

  it("refuse numbers that are not counts, and more than the longest key", () => {
    for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => key(wrong), /integer/);
    assert.equal(key("x".repeat(keyBytesMax - 2)).byteLength, keyBytesMax);
    assert.throws(() => key("x".repeat(keyBytesMax - 1)), /at most/);
    assert.throws(() => keyParts(Uint8Array.of(0x7f, 0)), /known tags/);
  });
});
