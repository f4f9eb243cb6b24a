import { AssertionFailure } from "#base/assert.ts";

/** A moment in seconds, written with tag 1. */
export class EpochTime {
  readonly seconds: number;
  constructor(seconds: number) {
    this.seconds = seconds;
  }
}

/** A tree of objects, arrays, scalars, bytes and `EpochTime` as one CBOR item (RFC 8949). */
export function encodeCbor(tree: unknown): Uint8Array {
  const chunks: Uint8Array[] = [];
  write(tree, chunks);
  return Buffer.concat(chunks);
}

function write(value: unknown, chunks: Uint8Array[]): void {
  switch (typeof value) {
    case "string": {
      const bytes = Buffer.from(value, "utf8");
      chunks.push(head(3, bytes.byteLength), bytes);
      return;
    }
    case "number":
      chunks.push(numberBytes(value));
      return;
    case "bigint":
      writeBigInt(value, chunks);
      return;
    case "boolean":
      chunks.push(Buffer.from([value ? 0xf5 : 0xf4]));
      return;
    case "undefined":
      chunks.push(Buffer.from([0xf6]));
      return;
    case "object":
      if (value === null) chunks.push(Buffer.from([0xf6]));
      else writeObject(value, chunks);
      return;
    case "function":
    case "symbol":
      throw new AssertionFailure(`CBOR has no ${typeof value}`);
  }
}

function writeObject(value: object, chunks: Uint8Array[]): void {
  if (value instanceof Uint8Array) {
    chunks.push(head(2, value.byteLength), value);
  } else if (value instanceof EpochTime) {
    chunks.push(head(6, 1), numberBytes(value.seconds));
  } else if (Array.isArray(value)) {
    chunks.push(head(4, value.length));
    for (const item of value as unknown[]) write(item, chunks);
  } else {
    const entries = Object.entries(value);
    chunks.push(head(5, entries.length));
    for (const [key, item] of entries) {
      write(key, chunks);
      write(item, chunks);
    }
  }
}

function head(major: number, argument: number): Buffer {
  const top = major << 5;
  if (argument < 24) return Buffer.from([top | argument]);
  if (argument < 2 ** 8) return Buffer.from([top | 24, argument]);
  if (argument < 2 ** 16) {
    const bytes = Buffer.from([top | 25, 0, 0]);
    bytes.writeUInt16BE(argument, 1);
    return bytes;
  }
  if (argument < 2 ** 32) {
    const bytes = Buffer.alloc(5, top | 26);
    bytes.writeUInt32BE(argument, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(9, top | 27);
  bytes.writeBigUInt64BE(BigInt(argument), 1);
  return bytes;
}

function numberBytes(value: number): Buffer {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return value >= 0 ? head(0, value) : head(1, -1 - value);
  }
  const bytes = Buffer.alloc(9, 0xfb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function writeBigInt(value: bigint, chunks: Uint8Array[]): void {
  const magnitude = value >= 0n ? value : -1n - value;
  if (magnitude < 2n ** 64n) {
    const bytes = Buffer.alloc(9, value >= 0n ? 0x1b : 0x3b);
    bytes.writeBigUInt64BE(magnitude, 1);
    chunks.push(bytes);
    return;
  }
  const digits = magnitude.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  chunks.push(head(6, value >= 0n ? 2 : 3), head(2, bytes.byteLength), bytes);
}
