import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { formatNumber, formatTimestamp } from "./scalars.ts";
import type { Member, Shape } from "./shapes.ts";
import { readMembers, readValue, writeMembers, writeValue } from "./tree.ts";
import type { TreeFormat } from "./tree.ts";

/** restJson1 honours `jsonName`; the awsJson protocols ignore it. */
export type JsonDialect = "restJson" | "awsJson";

const common: Omit<TreeFormat, "key"> = {
  hasInfinity: false,
  readBlob: (value) => (typeof value === "string" ? decodeBase64(value) : undefined),
  writeBlob: encodeBase64,
  writeTimestamp: (date, format = "epoch-seconds") =>
    format === "epoch-seconds" ? date.getTime() / 1000 : formatTimestamp(date, format),
  writeNumber: writeJsonNumber,
};

/** JSON has no word for these, so Smithy writes strings; what a double cannot hold is written as its digits. */
function writeJsonNumber(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  return rawJson(formatNumber(value));
}

/** `JSON.rawJSON` is in Node since 22; the library types lag behind. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text); // see above
}

const formats: Readonly<Record<JsonDialect, TreeFormat>> = {
  restJson: { ...common, key: (member) => member.traits.jsonName ?? member.name },
  awsJson: { ...common, key: (member) => member.name },
};

/** An empty body is an empty object. Anything else must be one JSON object. */
export function readJsonMembers(
  members: readonly Member[],
  bytes: Uint8Array,
  dialect: JsonDialect,
): Record<string, unknown> {
  if (bytes.byteLength === 0) return {};
  const tree = parseJson(
    bytes,
    members.some((member) => hasBigNumbers(member.shape)),
  );
  return readMembers(members, tree, { format: formats[dialect], depth: 0 });
}

/** One value that is the whole body. */
export function readJsonValue(shape: Shape, bytes: Uint8Array, dialect: JsonDialect): unknown {
  const tree = parseJson(bytes, hasBigNumbers(shape));
  return readValue(shape, tree, { format: formats[dialect], depth: 0 });
}

export function writeJsonMembers(
  members: readonly Member[],
  value: object,
  dialect: JsonDialect,
): Uint8Array {
  return encodeUtf8(JSON.stringify(writeMembers(members, value, formats[dialect])));
}

export function writeJsonValue(shape: Shape, value: unknown, dialect: JsonDialect): Uint8Array {
  return encodeUtf8(JSON.stringify(writeValue(shape, value, formats[dialect])));
}

/** The members as plain JSON data, for the error bodies that add `__type`. */
export function jsonMembers(
  members: readonly Member[],
  value: object,
  dialect: JsonDialect,
): Record<string, unknown> {
  return writeMembers(members, value, formats[dialect]);
}

function parseJson(bytes: Uint8Array, keepsDigits: boolean): unknown {
  const text = decodeUtf8(bytes);
  try {
    return keepsDigits ? JSON.parse(text, bigReviver) : JSON.parse(text);
  } catch {
    throw new SerializationError("The request body is not valid JSON");
  }
}

/** Integers that a double would round keep all their digits. */
function bigReviver(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !context?.source) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

const bigNumbers = new WeakMap<Shape, boolean>();

function hasBigNumbers(root: Shape): boolean {
  let found = bigNumbers.get(root);
  if (found !== undefined) return found;
  const seen = new Set<Shape>([root]);
  for (const shape of seen) {
    const parts = shape.element ? [shape.element] : shape.members;
    for (const part of parts) seen.add(part.shape); // a Set is walked to its growing end
  }
  found = [...seen].some(({ kind }) => kind === "bigInteger" || kind === "bigDecimal");
  bigNumbers.set(root, found);
  return found;
}
