import { decodeCbor } from "./cbor-decode.ts";
import { encodeCbor, EpochTime } from "./cbor-encode.ts";
import type { Member, Shape } from "./shapes.ts";
import { readMembers, writeMembers, writeValue } from "./tree.ts";
import type { TreeFormat } from "./tree.ts";

/** Blobs are byte strings and timestamps are tag 1, whatever the model's format says. */
const format: TreeFormat = {
  key: (member) => member.name,
  hasInfinity: true,
  readBlob: (value) => (value instanceof Uint8Array ? value : undefined),
  writeBlob: (bytes) => bytes,
  writeTimestamp: (date) => new EpochTime(date.getTime() / 1000),
  writeNumber: (value) => value,
};

/** An empty body is an empty structure. Throws `SerializationError`. */
export function readCborMembers(
  members: readonly Member[],
  bytes: Uint8Array,
): Record<string, unknown> {
  if (bytes.byteLength === 0) return {};
  return readMembers(members, decodeCbor(bytes), { format, depth: 0 });
}

export function writeCborMembers(members: readonly Member[], value: object): Uint8Array {
  return encodeCbor(writeMembers(members, value, format));
}

export function writeCborValue(shape: Shape, value: unknown): Uint8Array {
  return encodeCbor(writeValue(shape, value, format));
}

/** Members as a tree that `writeCborTree` takes, for errors, which add `__type`. */
export function cborMembers(members: readonly Member[], value: object): Record<string, unknown> {
  return writeMembers(members, value, format);
}

export function writeCborTree(tree: Record<string, unknown>): Uint8Array {
  return encodeCbor(tree);
}
