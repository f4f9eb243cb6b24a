import { assert, unreachable } from "#base/assert.ts";
import { decodeBase64, encodeBase64, toBytes } from "./body.ts";
import { SerializationError } from "./errors.ts";
import type { Shape, ShapeKind, TimestampFormat } from "./shapes.ts";

/** A scalar out of the text of a header, a label, a parameter or an element; what is no scalar stays text. */
export function parseScalar(kind: ShapeKind, text: string): unknown {
  const parse = parsers[kind];
  return parse ? parse(text.trim()) : text;
}

const parsers: Partial<Record<ShapeKind, (text: string) => unknown>> = {
  bigDecimal: parseBigDecimal,
  bigInteger: parseBigInteger,
  blob: decodeBase64,
  boolean: parseBoolean,
  number: parseNumber,
  timestamp: parseTimestamp,
};

/** The same way back; `format` is for timestamps whose model names none. */
export function formatScalar(shape: Shape, value: unknown, format: TimestampFormat): string {
  if (shape.kind === "timestamp") {
    assert(value instanceof Date, "a timestamp is a Date");
    return formatTimestamp(value, shape.timestampFormat ?? format);
  }
  if (shape.kind === "blob") return encodeBase64(toBytes(value));
  return formatNumber(value);
}

/** 9999-12-31T23:59:59Z, the last moment the date formats can say; in seconds. */
const epochSecondsMax = 253_402_300_799;

/** `date-time` and `http-date` are strings on every wire; `epoch-seconds` may also be a number. */
export function formatTimestamp(date: Date, format: TimestampFormat): string {
  switch (format) {
    case "date-time":
      return date.toISOString().replace(".000Z", "Z");
    case "http-date":
      return date.toUTCString();
    case "epoch-seconds":
      return String(date.getTime() / 1000);
  }
  return unreachable(format);
}

/** Any of the three formats whatever the model says, as the real services read them leniently. */
export function parseTimestamp(text: string): Date {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return epochDate(number);
  const match = dateTimePattern.test(text) || httpDatePattern.test(text);
  const date = match ? new Date(text) : undefined;
  if (!date || Number.isNaN(date.getTime())) throw badTimestamp(text);
  return date;
}

export function epochDate(seconds: number): Date {
  if (!(Math.abs(seconds) <= epochSecondsMax)) throw badTimestamp(String(seconds));
  return new Date(Math.round(seconds * 1000));
}

/** RFC 3339 with any offset. */
const dateTimePattern = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
/** RFC 9110 section 5.6.7, the preferred form, with the fraction Smithy allows. */
const httpDatePattern =
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(\.\d{1,9})? GMT$/;

function badTimestamp(text: string): SerializationError {
  return new SerializationError(`Invalid timestamp: ${text.slice(0, 64)}`);
}

/** `NaN` and the infinities are written as words (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html). */
function parseNumber(text: string): number {
  if (text === "NaN") return Number.NaN;
  if (text === "Infinity") return Number.POSITIVE_INFINITY;
  if (text === "-Infinity") return Number.NEGATIVE_INFINITY;
  const value = numberPattern.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) {
    throw new SerializationError("STRING_VALUE can not be converted to an Integer");
  }
  return value;
}

const numberPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

function parseBoolean(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === "true") return true;
  if (lower === "false") return false;
  throw new SerializationError("STRING_VALUE can not be converted to a Boolean");
}

const integerDigitsMax = 400;

function parseBigInteger(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text) || text.length > integerDigitsMax) {
    throw new SerializationError("STRING_VALUE can not be converted to a BigInteger");
  }
  return BigInt(text);
}

/** The SDK's `NumericValue` by structure: importing that class loads a package of 46 ms. */
export interface BigDecimal {
  readonly string: string;
  readonly type: "bigDecimal";
}

function parseBigDecimal(text: string): BigDecimal {
  if (!numberPattern.test(text) || text.length > integerDigitsMax) {
    throw new SerializationError("STRING_VALUE can not be converted to a BigDecimal");
  }
  return { string: text, type: "bigDecimal" };
}

/** Numbers of all kinds as text, for headers, XML and Query. */
export function formatNumber(value: unknown): string {
  if (typeof value === "object" && value !== null && "string" in value) return String(value.string);
  return String(value);
}
