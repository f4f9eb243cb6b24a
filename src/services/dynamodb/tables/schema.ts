import type {
  AttributeDefinition,
  GlobalSecondaryIndex,
  KeySchemaElement,
  Projection,
  ProvisionedThroughput,
} from "@aws-sdk/client-dynamodb";
import { capacityUnitsMax, includedAttributesMax, nonKeyAttributesMax } from "../limits.ts";
import { invalidParameters, type KeyType, validation } from "../values/values.ts";
import type { IndexRecord, StoredKeySchema } from "./records.ts";

/**
 * What CreateTable and UpdateTable demand of keys and indexes, in the service's words:
 * https://github.com/architect/dynalite/blob/main/test/createTable.js (seen 2026-11), which records production.
 */
export type Definitions = Readonly<Record<string, KeyType>>;

/** Attribute types by name. Throws ValidationException for a name defined twice. */
export function definitionsOf(definitions: readonly AttributeDefinition[]): Definitions {
  const found: Record<string, KeyType> = {};
  for (const { AttributeName: name = "", AttributeType: type = "S" } of definitions) {
    if (Object.hasOwn(found, name)) {
      throw validation(`Cannot redefine attribute named '${name}'`);
    }
    found[name] = type;
  }
  return found;
}

/** Hash first, range second, both defined. Throws ValidationException. */
export function keySchemaOf(
  elements: readonly KeySchemaElement[],
  definitions: Definitions,
): StoredKeySchema {
  const names = elements.map(({ AttributeName: name = "" }) => name);
  const defined = Object.keys(definitions);
  if (names.some((name) => !Object.hasOwn(definitions, name))) {
    throw invalidParameters(
      `Some index key attributes are not defined in AttributeDefinitions. Keys: [${names.join(", ")}], AttributeDefinitions: [${defined.join(", ")}]`,
    );
  }
  const [hash = "", range] = names;
  if (hash === range) {
    throw validation(
      "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    );
  }
  if (elements[0]?.KeyType !== "HASH") {
    throw validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  }
  if (range !== undefined && elements[1]?.KeyType !== "RANGE") {
    throw validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  }
  return { hash, ...(range !== undefined && { range }) };
}

/** Throws ValidationException. */
export function projectionOf(projection: Projection | undefined): IndexRecord["projection"] {
  const type = projection?.ProjectionType;
  if (!type) throw invalidParameters("Unknown ProjectionType: null");
  const attributes = projection.NonKeyAttributes;
  if (attributes && type !== "INCLUDE") {
    throw invalidParameters(`ProjectionType is ${type}, but NonKeyAttributes is specified`);
  }
  if (type === "INCLUDE" && !attributes) {
    throw invalidParameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  }
  if (attributes && attributes.length > nonKeyAttributesMax) {
    throw validation(
      `1 validation error detected: Value '[${attributes.join(", ")}]' at 'projection.nonKeyAttributes' failed to satisfy constraint: Member must have length less than or equal to ${nonKeyAttributesMax}`,
    );
  }
  return { type, ...(attributes && { attributes }) };
}

/** Rules between the parts of a table. Throws ValidationException. */
export function checkTableShape(table: {
  readonly attributes: Definitions;
  readonly keySchema: StoredKeySchema;
  readonly indexes: readonly IndexRecord[];
}): void {
  const { attributes, keySchema, indexes } = table;
  const names = new Set<string>();
  for (const index of indexes) {
    if (index.kind === "local") checkLocal(index, keySchema);
    if (names.has(index.name)) throw invalidParameters(`Duplicate index name: ${index.name}`);
    names.add(index.name);
  }
  const used = new Set<string | undefined>([keySchema.hash, keySchema.range]);
  for (const index of indexes) used.add(index.keySchema.hash).add(index.keySchema.range);
  used.delete(undefined);
  const defined = Object.keys(attributes);
  if (defined.length !== used.size) {
    throw invalidParameters(
      indexes.length === 0
        ? "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
        : `Some AttributeDefinitions are not used. AttributeDefinitions: [${defined.join(", ")}], keys used: [${[...used].join(", ")}]`,
    );
  }
  const included = indexes.reduce((sum, one) => sum + (one.projection.attributes?.length ?? 0), 0);
  if (included > includedAttributesMax) {
    throw invalidParameters(
      `NonKeyAttributes exceeds the limit of ${includedAttributesMax} over all indexes of a table`,
    );
  }
}

function checkLocal({ name, keySchema }: IndexRecord, table: StoredKeySchema): void {
  if (table.range === undefined) {
    throw invalidParameters(
      "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    );
  }
  if (keySchema.range === undefined) {
    throw invalidParameters(`Index KeySchema does not have a range key for index: ${name}`);
  }
  if (keySchema.hash !== table.hash) {
    throw invalidParameters(
      `Index KeySchema does not have the same leading hash key as table KeySchema for index: ${name}. index hash key: ${keySchema.hash}, table hash key: ${table.hash}`,
    );
  }
}

/** Throws ValidationException. Absent with on-demand billing, whole with provisioned. */
export function throughputOf(
  given: ProvisionedThroughput | undefined,
  mode: "PROVISIONED" | "PAY_PER_REQUEST",
): { readonly read: number; readonly write: number } {
  if (mode === "PAY_PER_REQUEST") {
    if (given) {
      throw invalidParameters(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
      );
    }
    return { read: 0, write: 0 };
  }
  const { ReadCapacityUnits: read, WriteCapacityUnits: write } = given ?? {};
  if (!read || !write) {
    throw invalidParameters(
      "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    );
  }
  for (const [name, value] of Object.entries({
    ReadCapacityUnits: read,
    WriteCapacityUnits: write,
  })) {
    if (value > capacityUnitsMax) {
      throw validation(`Given value ${value} for ${name} is out of bounds`);
    }
  }
  return { read, write };
}

/** Of a global index; as of a table, in other words. */
export function indexThroughputOf(
  index: Pick<GlobalSecondaryIndex, "IndexName" | "ProvisionedThroughput">,
  mode: "PROVISIONED" | "PAY_PER_REQUEST",
): { readonly read: number; readonly write: number } {
  const { IndexName: name, ProvisionedThroughput: given } = index;
  if (mode === "PAY_PER_REQUEST" && given) {
    throw invalidParameters(
      `ProvisionedThroughput should not be specified for index: ${name} when BillingMode is PAY_PER_REQUEST`,
    );
  }
  if (mode === "PROVISIONED" && !given) {
    throw invalidParameters(`ProvisionedThroughput must be specified for index: ${name}`);
  }
  return throughputOf(given, mode);
}
