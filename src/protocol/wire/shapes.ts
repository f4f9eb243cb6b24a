import { NormalizedSchema, TypeRegistry } from "@smithy/core/schema";
import type { StaticOperationSchema } from "@smithy/types";

/**
 * The one file that knows the form of the SDK's schemas. Everything else in this folder works on
 * `Shape` and `Member`, which are computed once per schema and then only read.
 */
export interface Shape {
  readonly kind: ShapeKind;
  /** Without its namespace. */
  readonly name: string;
  /** e.g. `com.amazonaws.sqs`; empty for the anonymous. */
  readonly namespace: string;
  readonly traits: Traits;
  /** Only of a timestamp; undefined means the protocol's own. */
  readonly timestampFormat: TimestampFormat | undefined;
  /** A streaming blob, or a union of events. */
  readonly isStreaming: boolean;
  /** Of structures and unions; empty otherwise. */
  readonly members: readonly Member[];
  /** Of lists and maps (the value). */
  readonly element: Member | undefined;
  /** Of maps. */
  readonly key: Member | undefined;
}

export type ShapeKind =
  | "bigDecimal"
  | "bigInteger"
  | "blob"
  | "boolean"
  | "document"
  | "list"
  | "map"
  | "number"
  | "string"
  | "structure"
  | "timestamp"
  | "union"
  | "unit";

export interface Member {
  readonly name: string;
  readonly isRequired: boolean;
  /** Of the member alone. */
  readonly memberTraits: Traits;
  /** Of the member and of what it targets; the member's win. */
  readonly traits: Traits;
  readonly shape: Shape;
}

export type TimestampFormat = "date-time" | "http-date" | "epoch-seconds";

/** The Smithy traits that reach the SDK's schemas (https://smithy.io/2.0/trait-index.html). */
export interface Traits {
  readonly [name: string]: unknown;
  readonly eventHeader?: 1;
  readonly eventPayload?: 1;
  readonly hostLabel?: 1;
  readonly http?: readonly [method: string, uri: string, status: number];
  readonly httpError?: number;
  readonly httpHeader?: string;
  readonly httpLabel?: 1;
  readonly httpPayload?: 1;
  readonly httpPrefixHeaders?: string;
  readonly httpQuery?: string;
  readonly httpQueryParams?: 1;
  readonly httpResponseCode?: 1;
  readonly idempotencyToken?: 1;
  readonly jsonName?: string;
  readonly mediaType?: string;
  readonly sparse?: 1;
  readonly xmlAttribute?: 1;
  readonly xmlFlattened?: 1;
  readonly xmlName?: string;
  readonly xmlNamespace?: string | readonly [uri: string, prefix?: string];
  readonly awsQueryError?: readonly [code: string, status: number];
}

export interface OperationShape {
  readonly name: string;
  readonly namespace: string;
  readonly traits: Traits;
  readonly input: Shape;
  readonly output: Shape;
}

const operations = new WeakMap<object, OperationShape>();
const shapes = new WeakMap<object, Shape>();

/** The operation's shapes; the same object on every call. */
export function operationShape(schema: StaticOperationSchema): OperationShape {
  const known = operations.get(schema);
  if (known) return known;
  const [, namespace, name, traits, input, output] = schema;
  const shape: OperationShape = {
    name,
    namespace,
    traits: typeof traits === "object" ? traits : {}, // the number form carries no http trait
    input: shapeOf(NormalizedSchema.of(input)),
    output: shapeOf(NormalizedSchema.of(output)),
  };
  operations.set(schema, shape);
  return shape;
}

/**
 * The shape an SDK exception is written by. Undefined for anything that is not an instance of an
 * exception class whose model was loaded.
 */
export function exceptionShape(error: object): Shape | undefined {
  const constructor: unknown = error.constructor;
  if (typeof constructor !== "function") return undefined;
  const shapeId: unknown = (constructor as { shapeId?: unknown }).shapeId; // a static of the SDK's exception classes
  if (typeof shapeId !== "string") return undefined;
  const [namespace = "", name] = shapeId.split("#");
  const registry = TypeRegistry.registries.get(namespace);
  if (!registry || name === undefined) return undefined;
  try {
    return shapeOf(NormalizedSchema.of(registry.getSchema(shapeId)));
  } catch {
    return undefined; // the registry throws for what it does not know
  }
}

/** Unwraps what the SDK marks as an operation: an exported tuple that starts with 9. */
export function isOperationSchema(value: unknown): value is StaticOperationSchema {
  return Array.isArray(value) && value[0] === 9 && typeof value[2] === "string";
}

function shapeOf(schema: NormalizedSchema): Shape {
  const inner: unknown = schema.getSchema();
  if (typeof inner !== "object" || inner === null) return createShape(schema);
  let shape = shapes.get(inner);
  if (!shape) {
    shape = createShape(schema);
    shapes.set(inner, shape);
  }
  return shape;
}

/** Members are computed on first use, because shapes may contain themselves. */
function createShape(schema: NormalizedSchema): Shape {
  const kind = kindOf(schema);
  const isNamed = (schema.getName(true) ?? "").includes("#");
  const [namespace = "", name = ""] = isNamed ? (schema.getName(true) ?? "").split("#") : [];
  const traits = schema.getOwnTraits();
  let members: readonly Member[] | undefined;
  let element: Member | undefined;
  let key: Member | undefined;
  return {
    kind,
    name,
    namespace,
    traits,
    timestampFormat: timestampFormatOf(schema),
    isStreaming: schema.isStreaming(),
    get members() {
      members ??= kind === "structure" || kind === "union" ? membersOf(schema) : [];
      return members;
    },
    get element() {
      if (kind !== "list" && kind !== "map") return undefined;
      element ??= memberOf(kind === "map" ? "value" : "member", schema.getValueSchema(), false);
      return element;
    },
    get key() {
      if (kind !== "map") return undefined;
      key ??= memberOf("key", schema.getKeySchema(), true);
      return key;
    },
  };
}

function membersOf(schema: NormalizedSchema): Member[] {
  const tuple: unknown = schema.getSchema();
  // The seventh place counts the required members, which come first.
  const requiredCount = Array.isArray(tuple) && typeof tuple[6] === "number" ? tuple[6] : 0;
  const members: Member[] = [];
  for (const [name, member] of schema.structIterator()) {
    members.push(memberOf(name, member, members.length < requiredCount));
  }
  return members;
}

function memberOf(name: string, schema: NormalizedSchema, isRequired: boolean): Member {
  return {
    name,
    isRequired,
    memberTraits: schema.getMemberTraits(),
    traits: schema.getMergedTraits(),
    shape: shapeOf(schema),
  };
}

function kindOf(schema: NormalizedSchema): ShapeKind {
  if (schema.isUnitSchema()) return "unit";
  if (schema.isUnionSchema()) return "union";
  if (schema.isStructSchema()) return "structure";
  if (schema.isListSchema()) return "list";
  if (schema.isMapSchema()) return "map";
  if (schema.isBlobSchema()) return "blob";
  if (schema.isTimestampSchema()) return "timestamp";
  if (schema.isBooleanSchema()) return "boolean";
  if (schema.isNumericSchema()) return "number";
  if (schema.isBigIntegerSchema()) return "bigInteger";
  if (schema.isBigDecimalSchema()) return "bigDecimal";
  if (schema.isDocumentSchema()) return "document";
  return "string";
}

const timestampFormats: Readonly<Record<number, TimestampFormat>> = {
  5: "date-time",
  6: "http-date",
  7: "epoch-seconds",
};

function timestampFormatOf(schema: NormalizedSchema): TimestampFormat | undefined {
  const inner: unknown = schema.getSchema();
  return typeof inner === "number" ? timestampFormats[inner] : undefined;
}
