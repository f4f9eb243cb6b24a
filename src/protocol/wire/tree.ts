import { assert, unreachable } from "#base/assert.ts";
import { toBytes } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { depthMax } from "./limits.ts";
import { epochDate, parseTimestamp } from "./scalars.ts";
import type { BigDecimal } from "./scalars.ts";
import type { Member, Shape, TimestampFormat } from "./shapes.ts";

/**
 * JSON and CBOR are the same tree of objects, arrays and scalars; they differ in how a few scalars
 * look. One reader and one writer serve both.
 */
export interface TreeFormat {
  /** The key of a structure member. */
  key(member: Member): string;
  /** JSON has no infinity: one is a number too large for a double. */
  readonly hasInfinity: boolean;
  /** Undefined when the value has the wrong type. */
  readBlob(value: unknown): Uint8Array | undefined;
  writeBlob(bytes: Uint8Array): unknown;
  writeTimestamp(date: Date, format: TimestampFormat | undefined): unknown;
  writeNumber(value: unknown): unknown;
}

/** Reads one value by its shape. `undefined` for null: the real services read null as absent. */
export function readValue(shape: Shape, value: unknown, at: TreePosition): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case "string":
      return typeof value === "string" ? value.toWellFormed() : mismatch(value, "a String");
    case "boolean":
      return typeof value === "boolean" ? value : mismatch(value, "a Boolean");
    case "number":
      return readNumber(value, at.format);
    case "bigInteger":
      return readBigInteger(value);
    case "bigDecimal":
      return readBigDecimal(value);
    case "blob":
      return at.format.readBlob(value) ?? mismatch(value, "a Blob");
    case "timestamp":
      return readTimestamp(value);
    case "document":
      checkDepth(value, at.depth);
      return value;
    case "list":
      return readList(shape, value, at);
    case "map":
      return readMap(shape, value, at);
    case "structure":
      return readMembers(shape.members, value, at);
    case "union":
      return readUnion(shape, value, at);
    case "unit":
      return {};
  }
  return unreachable(shape.kind);
}

export interface TreePosition {
  readonly format: TreeFormat;
  readonly depth: number;
}

/** The members that are there; unknown keys are ignored, as every AWS service does. */
export function readMembers(
  members: readonly Member[],
  value: unknown,
  at: TreePosition,
): Record<string, unknown> {
  if (!isTreeObject(value)) return mismatch(value, "structure");
  const below = deeper(at);
  const result: Record<string, unknown> = {};
  for (const member of members) {
    const key = at.format.key(member);
    if (!Object.hasOwn(value, key)) continue;
    const read = readValue(member.shape, value[key], below);
    if (read !== undefined) result[member.name] = read;
  }
  return result;
}

/** By what is there instead of by what could be: of a union's many members one is set. */
function readUnion(shape: Shape, value: unknown, at: TreePosition): Record<string, unknown> {
  if (!isTreeObject(value)) return mismatch(value, "structure");
  const below = deeper(at);
  const members = membersByKey(shape, at.format);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = members.get(key);
    const read = member && readValue(member.shape, value[key], below);
    if (member && read !== undefined) result[member.name] = read;
  }
  return result;
}

const unionMembers = new WeakMap<TreeFormat, WeakMap<Shape, ReadonlyMap<string, Member>>>();

/** The members of a union by their keys in this format; worked out once. */
function membersByKey(shape: Shape, format: TreeFormat): ReadonlyMap<string, Member> {
  let byShape = unionMembers.get(format);
  if (!byShape) unionMembers.set(format, (byShape = new WeakMap()));
  let members = byShape.get(shape);
  if (!members) {
    members = new Map(shape.members.map((member) => [format.key(member), member]));
    byShape.set(shape, members);
  }
  return members;
}

function readList(shape: Shape, value: unknown, at: TreePosition): unknown[] {
  if (!Array.isArray(value)) return mismatch(value, "list");
  const { element } = shape;
  assert(element, "a list has an element");
  const below = deeper(at);
  const result: unknown[] = [];
  for (const item of value as unknown[]) {
    const read = readValue(element.shape, item, below);
    if (read !== undefined) result.push(read);
    else if (shape.traits.sparse) result.push(null);
  }
  return result;
}

function readMap(shape: Shape, value: unknown, at: TreePosition): Record<string, unknown> {
  if (!isTreeObject(value)) return mismatch(value, "structure");
  const { element } = shape;
  assert(element, "a map has a value");
  const below = deeper(at);
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const read = readValue(element.shape, value[key], below);
    if (read !== undefined) setOwn(result, key.toWellFormed(), read);
    else if (shape.traits.sparse) setOwn(result, key.toWellFormed(), null);
  }
  return result;
}

/** Keys are the caller's: `__proto__` must become a property, not a prototype. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") {
    target[key] = value;
    return;
  }
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function isTreeObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof Date);
}

function readNumber(value: unknown, { hasInfinity }: TreeFormat): number {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    if (value === "NaN") return Number.NaN;
    if (value === "Infinity") return Number.POSITIVE_INFINITY;
    if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  }
  if (typeof value !== "number") return mismatch(value, "an Integer");
  if (!hasInfinity && !Number.isFinite(value)) {
    throw new SerializationError("A number is too large for its type");
  }
  return value;
}

function readBigInteger(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  return mismatch(value, "a BigInteger");
}

function readBigDecimal(value: unknown): BigDecimal {
  if (typeof value === "number" && Number.isFinite(value)) {
    return { string: String(value), type: "bigDecimal" };
  }
  if (typeof value === "bigint") return { string: String(value), type: "bigDecimal" };
  return mismatch(value, "a BigDecimal");
}

function readTimestamp(value: unknown): Date {
  if (value instanceof Date) return value;
  if (typeof value === "number") return epochDate(value);
  return typeof value === "string" ? parseTimestamp(value) : mismatch(value, "a Timestamp");
}

function deeper(at: TreePosition): TreePosition {
  if (at.depth >= depthMax) throw tooDeep();
  return { format: at.format, depth: at.depth + 1 };
}

export function tooDeep(): SerializationError {
  return new SerializationError(`The request is nested deeper than ${depthMax} levels`);
}

/** A document is handed on as it is, so its depth is checked here, without recursion. */
function checkDepth(value: unknown, depth: number): void {
  const open: [value: unknown, depth: number][] = [[value, depth]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [current, level] = next;
    if (typeof current !== "object" || current === null) continue;
    if (level >= depthMax) throw tooDeep();
    for (const child of Object.values(current)) open.push([child, level + 1]);
  }
}

/**
 * The words of the services' own framework, as measured against one of them and seen from others
 * (https://github.com/floci-io/floci/pull/2686, https://github.com/aws/aws-sdk-js-v3/issues/7215,
 * https://github.com/aarondfrancis/sidecar/issues/28; 2026-11). A schema does not say which kind of
 * number it wants; most are integers.
 */
function mismatch(value: unknown, wanted: "structure" | "list" | `a${string}`): never {
  if (Array.isArray(value)) {
    throw new SerializationError("Start of list found where not expected");
  }
  if (typeof value === "object") {
    throw new SerializationError("Start of structure or map found where not expected.");
  }
  if (wanted === "structure") throw new SerializationError("Expected null");
  if (wanted === "list") throw new SerializationError("Expected list or null");
  const token = typeof value === "boolean" ? String(value) : typeof value;
  throw new SerializationError(`${token.toUpperCase()}_VALUE can not be converted to ${wanted}`);
}

/** The value as the wire's tree; what the shape does not know is left out. */
export function writeValue(shape: Shape, value: unknown, format: TreeFormat): unknown {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case "blob":
      return format.writeBlob(toBytes(value));
    case "timestamp":
      assert(value instanceof Date, "a timestamp is a Date");
      return format.writeTimestamp(value, shape.timestampFormat);
    case "number":
    case "bigInteger":
    case "bigDecimal":
      return format.writeNumber(value);
    case "list":
      return writeList(shape, value, format);
    case "map":
      return writeMap(shape, value, format);
    case "structure":
      assert(typeof value === "object", "a structure is an object");
      return writeMembers(shape.members, value, format);
    case "union":
      assert(typeof value === "object", "a union is an object");
      return writeUnion(shape, value, format);
    case "unit":
      return {};
    case "string":
    case "boolean":
    case "document":
      return value;
  }
  return unreachable(shape.kind);
}

export function writeMembers(
  members: readonly Member[],
  value: object,
  format: TreeFormat,
): Record<string, unknown> {
  const source = value as Record<string, unknown>; // members are read by name; what is absent is undefined
  const result: Record<string, unknown> = {};
  for (const member of members) {
    const item = source[member.name];
    if (item === undefined || item === null) continue;
    result[format.key(member)] = writeValue(member.shape, item, format);
  }
  return result;
}

function writeUnion(shape: Shape, value: object, format: TreeFormat): Record<string, unknown> {
  const source = value as Record<string, unknown>; // as in `writeMembers`
  const members = membersByName(shape);
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(source)) {
    const member = members.get(name);
    const item = source[name];
    if (!member || item === undefined || item === null) continue;
    result[format.key(member)] = writeValue(member.shape, item, format);
  }
  return result;
}

const namedMembers = new WeakMap<Shape, ReadonlyMap<string, Member>>();

function membersByName(shape: Shape): ReadonlyMap<string, Member> {
  let members = namedMembers.get(shape);
  if (!members) {
    members = new Map(shape.members.map((member) => [member.name, member]));
    namedMembers.set(shape, members);
  }
  return members;
}

function writeList(shape: Shape, value: unknown, format: TreeFormat): unknown[] {
  const { element } = shape;
  assert(element && Array.isArray(value), "a list is an array");
  return value.map((item) => writeValue(element.shape, item, format));
}

function writeMap(shape: Shape, value: unknown, format: TreeFormat): Record<string, unknown> {
  const { element } = shape;
  assert(element && typeof value === "object" && value !== null, "a map is an object");
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) setOwn(result, key, writeValue(element.shape, item, format));
  }
  return result;
}
