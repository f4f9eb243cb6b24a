import { parseDecimal } from "./numbers.ts";
import type { AttributeValue, Item } from "./model.ts";

/** Bytes a list or map counts beside its elements, and each element beside its value. */
const containerBytes = 3;
const elementBytes = 1;

/**
 * Bytes of an item as limits and capacity count them: names in UTF-8, and values.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (seen 2026-11)
 */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const name of Object.keys(item)) bytes += Buffer.byteLength(name) + valueBytes(item[name]);
  return bytes;
}

/** Bytes of one value without its name; same page. Zero for an absent one. */
export function valueBytes(value: AttributeValue | undefined): number {
  if (value === undefined) return 0;
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.byteLength;
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.SS !== undefined) return total(value.SS, (text) => Buffer.byteLength(text));
  if (value.NS !== undefined) return total(value.NS, numberBytes);
  if (value.BS !== undefined) return total(value.BS, (bytes) => bytes.byteLength);
  if (value.L !== undefined) {
    return containerBytes + total(value.L, (element) => elementBytes + valueBytes(element));
  }
  if (value.M === undefined) return 0;
  return containerBytes + Object.keys(value.M).length * elementBytes + itemBytes(value.M);
}

function total<T>(elements: readonly T[], bytesOf: (element: T) => number): number {
  let bytes = 0;
  for (const element of elements) bytes += bytesOf(element);
  return bytes;
}

/**
 * A byte for the exponent and one for every two digits, where pairs begin at even powers of ten; one more
 * below zero. Agrees with what was measured against production, 23 numbers to the byte:
 * https://github.com/nubo-db/dynamodb-conformance/blob/main/src/item-size.ts (seen 2026-11).
 */
function numberBytes(text: string): number {
  if (text.length <= 2 && isDigits(text)) return text === "0" ? 1 : 2;
  const { isNegative, digits, exponent } = parseDecimal(text);
  if (digits === "") return 1;
  const isFirstPairHalf = exponent % 2 === 0;
  return 1 + Math.ceil((digits.length + (isFirstPairHalf ? 1 : 0)) / 2) + (isNegative ? 1 : 0);
}

/** The commonest numbers, without reading them. */
function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
}
