import { compareNumbers } from "./numbers.ts";
import type { AttributeValue, Item } from "./model.ts";

/**
 * Whether two checked values are the same: types, numbers by value, sets in any order, lists in theirs.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
export function isEqual(left: AttributeValue, right: AttributeValue): boolean {
  if (left.S !== undefined) return left.S === right.S;
  if (left.N !== undefined) return left.N === right.N;
  if (left.B !== undefined) return right.B !== undefined && compareBytes(left.B, right.B) === 0;
  if (left.BOOL !== undefined) return left.BOOL === right.BOOL;
  if (left.NULL !== undefined) return left.NULL === right.NULL;
  if (left.SS !== undefined) return right.SS !== undefined && isSameSet(left.SS, right.SS);
  if (left.NS !== undefined) return right.NS !== undefined && isSameSet(left.NS, right.NS);
  if (left.BS !== undefined) {
    return right.BS !== undefined && isSameSet(left.BS.map(base64), right.BS.map(base64));
  }
  if (left.L !== undefined) return right.L !== undefined && isSameList(left.L, right.L);
  return left.M !== undefined && right.M !== undefined && isSameMap(left.M, right.M);
}

/**
 * The order of two strings (by UTF-8), numbers or binaries; undefined when their types differ or have no
 * order. Same page.
 */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if (left.S !== undefined)
    return right.S === undefined ? undefined : compareTexts(left.S, right.S);
  if (left.N !== undefined)
    return right.N === undefined ? undefined : compareNumbers(left.N, right.N);
  if (left.B === undefined || right.B === undefined) return undefined;
  return compareBytes(left.B, right.B);
}

/** In the order of code points, which is that of their UTF-8; JavaScript's own puts U+FFFF after U+10000. */
function compareTexts(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let at = 0; at < shorter; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return isSurrogate(a) === isSurrogate(b) ? a - b : isSurrogate(a) ? 1 : -1;
  }
  return left.length - right.length;
}

/** One half of a pair stands for something beyond U+FFFF; against a lower code point than U+D800 `a - b` would do too. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** Neither has duplicates. */
function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  const members = new Set(left);
  return right.every((member) => members.has(member));
}

function isSameList(left: readonly AttributeValue[], right: readonly AttributeValue[]): boolean {
  if (left.length !== right.length) return false;
  return left.every((element, at) => {
    const other = right[at];
    return other !== undefined && isEqual(element, other);
  });
}

function isSameMap(left: Item, right: Item): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const [a, b] = [left[name], Object.hasOwn(right, name) ? right[name] : undefined];
    return a !== undefined && b !== undefined && isEqual(a, b);
  });
}
