import type {
  CreateTableInput,
  GlobalSecondaryIndex,
  LocalSecondaryIndex,
} from "@aws-sdk/client-dynamodb";
import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { limitExceeded } from "../errors.ts";
import { globalIndexesMax, localIndexesMax } from "../limits.ts";
import { invalidParameters, validation } from "../values/values.ts";
import { checkPolicy, newRevision } from "./policies.ts";
import type { IndexRecord, Place, TableRecord } from "./records.ts";
import {
  checkTableShape,
  type Definitions,
  definitionsOf,
  indexThroughputOf,
  keySchemaOf,
  projectionOf,
  throughputOf,
} from "./schema.ts";
import { encryptionOf, onDemandOf, warmOf } from "./settings.ts";
import { tagsOf } from "./tags.ts";

/** A number of its own for what is stored of a table or an index. */
function newStorageId(random: Random): number {
  const bytes = random.bytes(6);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUIntBE(0, 6);
}

/** The record of a new table, without its stream. Throws ValidationException. */
export function newTable(
  input: CreateTableInput,
  made: {
    readonly place: Place;
    readonly name: string;
    readonly nowMs: number;
    readonly random: Random;
  },
): TableRecord {
  const { place, name, nowMs, random } = made;
  refuseUnsupported(input);
  const mode = input.BillingMode ?? "PROVISIONED";
  const throughput = throughputOf(input.ProvisionedThroughput, mode);
  const attributes = definitionsOf(input.AttributeDefinitions ?? []);
  const keySchema = keySchemaOf(input.KeySchema ?? [], attributes);
  const warm = warmOf(input.WarmThroughput);
  const onDemand = onDemandOf(input.OnDemandThroughput, mode);
  const encryption = encryptionOf(input.SSESpecification, place);
  const indexes = [
    ...localIndexes(input.LocalSecondaryIndexes, attributes, random),
    ...globalIndexes(input.GlobalSecondaryIndexes, attributes, { mode, random }),
  ];
  checkTableShape({ attributes, keySchema, indexes });
  if (input.ResourcePolicy !== undefined) checkPolicy(input.ResourcePolicy);
  return {
    ...place,
    name,
    tableId: uuid(random),
    storageId: newStorageId(random),
    layout: 1,
    createdMs: nowMs,
    attributes,
    keySchema,
    billing: mode === "PAY_PER_REQUEST" ? { mode, onDemandSinceMs: nowMs } : { mode },
    throughput,
    ...(onDemand && { onDemand }),
    ...(warm && { warm }),
    indexes,
    isDeletionProtected: input.DeletionProtectionEnabled ?? false,
    ...(input.TableClass && { tableClass: { name: input.TableClass } }),
    ...(encryption && { encryption }),
    tags: tagsOf(input.Tags ?? []),
    ...(input.ResourcePolicy !== undefined && {
      policy: { document: input.ResourcePolicy, revisionId: newRevision(nowMs, random) },
    }),
  };
}

/** Members of the model that ask for something that is not here. */
function refuseUnsupported(input: CreateTableInput): void {
  if (input.GlobalTableSourceArn !== undefined) {
    throw validation("The parameter GlobalTableSourceArn is not supported by Skerry.");
  }
}

function localIndexes(
  given: readonly LocalSecondaryIndex[] | undefined,
  attributes: Definitions,
  random: Random,
): IndexRecord[] {
  if (!given) return [];
  if (given.length === 0) throw invalidParameters("List of LocalSecondaryIndexes is empty");
  if (given.length > localIndexesMax) {
    throw invalidParameters(
      `Number of LocalSecondaryIndexes exceeds per-table limit of ${localIndexesMax}`,
    );
  }
  return given.map(({ IndexName: name = "", KeySchema, Projection }) => ({
    kind: "local",
    name,
    storageId: newStorageId(random),
    keySchema: keySchemaOf(KeySchema ?? [], attributes),
    projection: projectionOf(Projection),
  }));
}

function globalIndexes(
  given: readonly GlobalSecondaryIndex[] | undefined,
  attributes: Definitions,
  made: { readonly mode: "PROVISIONED" | "PAY_PER_REQUEST"; readonly random: Random },
): IndexRecord[] {
  if (!given) return [];
  if (given.length === 0) throw invalidParameters("List of GlobalSecondaryIndexes is empty");
  if (given.length > globalIndexesMax) {
    throw invalidParameters(
      `GlobalSecondaryIndex count exceeds the per-table limit of ${globalIndexesMax}`,
    );
  }
  return given.map((index) => newGlobalIndex(index, attributes, made));
}

/** Throws ValidationException. */
export function newGlobalIndex(
  index: GlobalSecondaryIndex,
  attributes: Definitions,
  { mode, random }: { readonly mode: "PROVISIONED" | "PAY_PER_REQUEST"; readonly random: Random },
): IndexRecord {
  const onDemand = onDemandOf(index.OnDemandThroughput, mode);
  const warm = warmOf(index.WarmThroughput);
  return {
    kind: "global",
    name: index.IndexName ?? "",
    storageId: newStorageId(random),
    keySchema: keySchemaOf(index.KeySchema ?? [], attributes),
    projection: projectionOf(index.Projection),
    throughput: indexThroughputOf(index, mode),
    ...(onDemand && { onDemand }),
    ...(warm && { warm }),
  };
}

export function tooManyTables(limit: number): Error {
  return limitExceeded(
    `Subscriber limit exceeded: There is a limit of ${limit} tables per subscriber`,
  );
}
