import { assert, unreachable } from "#base/assert.ts";
import { formatDecimal, parseDecimal } from "./numbers.ts";
import type { AttributeValue } from "./model.ts";

/** Types a key attribute may have. */
export type KeyType = "S" | "N" | "B";

/**
 * The value of a key attribute as bytes whose order is the order of the values: strings by their UTF-8,
 * binaries as they are, numbers by value. One value has one encoding; `decodeKeyValue` reads it back.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
 */
export function encodeKeyValue(value: AttributeValue): Uint8Array {
  if (value.S !== undefined) return Buffer.from(value.S, "utf8");
  if (value.B !== undefined) return value.B;
  assert(value.N !== undefined, "a key is a string, a number or a binary");
  return encodeNumber(value.N);
}

/** The value `encodeKeyValue` wrote; numbers come back canonical. */
export function decodeKeyValue(type: KeyType, bytes: Uint8Array): AttributeValue {
  switch (type) {
    case "S":
      return { S: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8") };
    case "B":
      return { B: Uint8Array.from(bytes) };
    case "N":
      return { N: decodeNumber(bytes) };
  }
  return unreachable(type);
}

/**
 * Numbers: one byte for the sign, one for the power of ten of the first digit, then two digits a byte.
 * Below zero all of it runs the other way, and a closing byte above every pair makes the shorter one
 * of two the greater.
 */
const mark = { negative: 0x40, zero: 0x80, positive: 0xc0 } as const;
const exponentBias = 130;
const negativeEnd = 102;

function encodeNumber(text: string): Uint8Array {
  const { isNegative, digits, exponent } = parseDecimal(text);
  if (digits === "") return Uint8Array.of(mark.zero);
  const pairCount = Math.ceil(digits.length / 2);
  const bytes = new Uint8Array(2 + pairCount + (isNegative ? 1 : 0));
  bytes[0] = isNegative ? mark.negative : mark.positive;
  bytes[1] = isNegative ? 0xff - exponent - exponentBias : exponent + exponentBias;
  for (let pair = 0; pair < pairCount; pair++) {
    const value = Number(digits.slice(2 * pair, 2 * pair + 2).padEnd(2, "0"));
    bytes[2 + pair] = isNegative ? 101 - value : value + 1;
  }
  if (isNegative) bytes[2 + pairCount] = negativeEnd;
  return bytes;
}

function decodeNumber(bytes: Uint8Array): string {
  if (bytes[0] === mark.zero) return "0";
  const isNegative = bytes[0] === mark.negative;
  const [, biased = 0] = bytes;
  let digits = "";
  for (const byte of bytes.subarray(2, isNegative ? -1 : undefined)) {
    digits += String(isNegative ? 101 - byte : byte - 1).padStart(2, "0");
  }
  return formatDecimal({
    isNegative,
    digits: digits.endsWith("0") ? digits.slice(0, -1) : digits,
    exponent: (isNegative ? 0xff - biased : biased) - exponentBias,
  });
}
