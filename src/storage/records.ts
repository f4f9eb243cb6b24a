import { assert } from "#base/assert.ts";

/**
 * How records become bytes: one version byte, then JSON in UTF-8 (bytes inside a record are written
 * as `{"$b64": …}`). JSON because an operator must be able to read a damaged store with common tools.
 */
export interface RecordCodec<T> {
  encode(record: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** `version` 1…255 is stored with each record; `upgrade` turns an older form into the current one. */
export function recordCodec<T>(
  version: number,
  upgrade?: (old: unknown, fromVersion: number) => T,
): RecordCodec<T> {
  assert(version >= 1 && version <= 255, "a record version is 1 to 255");
  return {
    encode(record) {
      const json = Buffer.from(JSON.stringify(record, writeBytes), "utf8");
      const bytes = new Uint8Array(json.length + 1);
      bytes[0] = version;
      bytes.set(json, 1);
      return bytes;
    },
    decode(bytes) {
      const found = bytes[0] ?? 0;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1);
      const value: unknown = JSON.parse(text.toString("utf8"), readBytes);
      if (found === version) return value as T; // written by `encode` above with the same version
      assert(upgrade && found < version, `a stored record of version ${found} can be read`);
      return upgrade(value, found);
    },
  };
}

/**
 * The same form for records without bytes and without an older form, several times as fast to read and
 * to write: for what is stored with every message.
 */
export function plainRecordCodec<T>(version: number): RecordCodec<T> {
  assert(version >= 1 && version <= 255, "a record version is 1 to 255");
  return {
    encode(record) {
      const json = JSON.stringify(record);
      const bytes = Buffer.allocUnsafe(Buffer.byteLength(json) + 1);
      bytes[0] = version;
      bytes.write(json, 1);
      return bytes;
    },
    decode(bytes) {
      assert(bytes[0] === version, `a stored record of version ${bytes[0]} can be read`);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1);
      return JSON.parse(text.toString("utf8")) as T; // written by `encode` above with the same version
    },
  };
}

function writeBytes(this: unknown, name: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[name]; // Buffer.toJSON has already run on `value`
  return original instanceof Uint8Array
    ? { $b64: Buffer.from(original).toString("base64") }
    : value;
}

function readBytes(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("$b64" in value)) return value;
  return Uint8Array.from(Buffer.from(String(value.$b64), "base64"));
}
