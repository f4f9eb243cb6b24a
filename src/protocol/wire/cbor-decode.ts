import { decodeUtf8 } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { depthMax } from "./limits.ts";
import { epochDate } from "./scalars.ts";
import { setOwn, tooDeep } from "./tree.ts";

/**
 * One CBOR item (RFC 8949) that is the whole input: maps with text keys as objects, tag 1 as `Date`,
 * big numbers as bigint. Lengths are believed only as far as there are bytes. Throws `SerializationError`.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader: Reader = { bytes, view, at: 0 };
  const value = readItem(reader, 0);
  if (reader.at !== bytes.byteLength) throw malformed("bytes behind the end");
  return value;
}

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
}

const indefinite = 31;
const breakByte = 0xff;

function readItem(reader: Reader, depth: number): unknown {
  if (depth > depthMax) throw tooDeep();
  const initial = reader.bytes[need(reader, 1)] ?? 0;
  const major = initial >> 5;
  const minor = initial & 31;
  switch (major) {
    case 0:
      return readArgument(reader, minor);
    case 1: {
      const argument = readArgument(reader, minor);
      return typeof argument === "bigint" ? narrow(-1n - argument) : -1 - argument;
    }
    case 2:
      return readBytes(reader, minor, major);
    case 3:
      return decodeUtf8(readBytes(reader, minor, major));
    case 4:
      return readArray(reader, minor, depth);
    case 5:
      return readMap(reader, minor, depth);
    case 6:
      return readTag(reader, minor, depth);
    default:
      return readSimple(reader, minor);
  }
}

/** Moves on by `count` bytes and returns where they began. */
function need(reader: Reader, count: number): number {
  const start = reader.at;
  if (count > reader.bytes.byteLength - start) throw malformed("unexpected end");
  reader.at = start + count;
  return start;
}

function readArgument(reader: Reader, minor: number): number | bigint {
  if (minor < 24) return minor;
  switch (minor) {
    case 24:
      return reader.view.getUint8(need(reader, 1));
    case 25:
      return reader.view.getUint16(need(reader, 2));
    case 26:
      return reader.view.getUint32(need(reader, 4));
    case 27:
      return narrow(reader.view.getBigUint64(need(reader, 8)));
    default:
      throw malformed("reserved length");
  }
}

function narrow(value: bigint): number | bigint {
  const isSafe =
    value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isSafe ? Number(value) : value;
}

function readLength(reader: Reader, minor: number): number {
  const length = Number(readArgument(reader, minor));
  if (length > reader.bytes.byteLength - reader.at) throw malformed("a length beyond the end");
  return length;
}

function isBreak(reader: Reader): boolean {
  if (reader.bytes[reader.at] !== breakByte) return false;
  reader.at++;
  return true;
}

function readBytes(reader: Reader, minor: number, major: number): Uint8Array {
  if (minor !== indefinite) {
    const length = readLength(reader, minor);
    const start = need(reader, length);
    return reader.bytes.subarray(start, start + length);
  }
  const chunks: Uint8Array[] = [];
  while (!isBreak(reader)) {
    const initial = reader.bytes[need(reader, 1)] ?? 0;
    if (initial >> 5 !== major || (initial & 31) === indefinite)
      throw malformed("a chunk of another type");
    chunks.push(readBytes(reader, initial & 31, major));
  }
  return Buffer.concat(chunks);
}

function readArray(reader: Reader, minor: number, depth: number): unknown[] {
  const items: unknown[] = [];
  if (minor === indefinite) {
    while (!isBreak(reader)) items.push(readItem(reader, depth + 1));
    return items;
  }
  // An item has at least one byte, so the length is bounded by what was sent.
  for (let left = readLength(reader, minor); left > 0; left--)
    items.push(readItem(reader, depth + 1));
  return items;
}

function readMap(reader: Reader, minor: number, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  const readEntry = (): void => {
    const key = readItem(reader, depth + 1);
    if (typeof key !== "string") throw malformed("a key that is not text");
    setOwn(map, key, readItem(reader, depth + 1));
  };
  if (minor === indefinite) {
    while (!isBreak(reader)) readEntry();
    return map;
  }
  for (let left = readLength(reader, minor); left > 0; left--) readEntry();
  return map;
}

/** Tag 1 is a moment, 2 and 3 are big integers; others only annotate, and what they annotate is read. */
function readTag(reader: Reader, minor: number, depth: number): unknown {
  const tag = readArgument(reader, minor);
  const value = readItem(reader, depth + 1);
  if (tag === 1) {
    if (typeof value !== "number") throw malformed("a timestamp that is not a number");
    return epochDate(value);
  }
  if (tag === 2 || tag === 3) {
    if (!(value instanceof Uint8Array) || value.byteLength > bigIntegerBytesMax) {
      throw malformed("a big number that is not a short byte string");
    }
    const magnitude = BigInt(`0x0${Buffer.from(value).toString("hex")}`);
    return tag === 2 ? magnitude : -1n - magnitude;
  }
  return value;
}

/** Conversions of long digits are quadratic; 128 bytes are 308 decimal digits. */
const bigIntegerBytesMax = 128;

function readSimple(reader: Reader, minor: number): unknown {
  switch (minor) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
    case 23:
      return null;
    case 25:
      return halfFloat(reader.view.getUint16(need(reader, 2)));
    case 26:
      return reader.view.getFloat32(need(reader, 4));
    case 27:
      return reader.view.getFloat64(need(reader, 8));
    default:
      throw malformed("an unknown simple value");
  }
}

function halfFloat(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0
    ? sign * 2 ** -14 * (fraction / 1024)
    : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

function malformed(why: string): SerializationError {
  return new SerializationError(`The request body is not valid CBOR: ${why}`);
}
