import type {
  CreateGlobalSecondaryIndexAction,
  GlobalSecondaryIndexUpdate,
  UpdateTableInput,
} from "@aws-sdk/client-dynamodb";
import type { Random } from "#base/random.ts";
import { limitExceeded, resourceNotFound } from "../errors.ts";
import { globalIndexesMax } from "../limits.ts";
import { invalidParameters, validation } from "../values/values.ts";
import { newGlobalIndex } from "./creation.ts";
import type { IndexRecord, StoredThroughput, TableRecord } from "./records.ts";
import { checkTableShape, definitionsOf, indexThroughputOf, throughputOf } from "./schema.ts";
import { encryptionOf, onDemandOf, warmOf } from "./settings.ts";

/** Throws ValidationException for what asks for nothing, or for something that is not here. */
export function checkUpdateInput(input: UpdateTableInput): void {
  const unsupported = [
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
  ] as const;
  for (const member of unsupported) {
    if (input[member] === undefined) continue;
    throw validation(`The parameter ${member} is not supported by Skerry.`);
  }
  const { TableName: _, AttributeDefinitions: __, ...asked } = input;
  if (Object.values(asked).every((value) => value === undefined)) {
    throw validation(
      "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
    );
  }
  const names = new Set<string>();
  for (const update of input.GlobalSecondaryIndexUpdates ?? []) {
    const name = indexNameOf(update);
    if (name === undefined) {
      throw invalidParameters(
        "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null",
      );
    }
    if (names.has(name)) {
      throw invalidParameters(
        `Only one global secondary index update per index is allowed simultaneously. Index: ${name}`,
      );
    }
    names.add(name);
  }
}

function indexNameOf({ Create, Update, Delete }: GlobalSecondaryIndexUpdate): string | undefined {
  return (Create ?? Update ?? Delete)?.IndexName;
}

/** The record after everything but its stream; `remains` are storage ids of indexes that are gone. */
export function updatedTable(
  table: TableRecord,
  input: UpdateTableInput,
  made: { readonly nowMs: number; readonly random: Random },
): { readonly table: TableRecord; readonly remains: readonly number[] } {
  const { nowMs } = made;
  let next = withBilling(table, input, nowMs);
  const { SSESpecification, TableClass, DeletionProtectionEnabled, WarmThroughput } = input;
  if (SSESpecification) {
    const { encryption: _, ...rest } = next;
    const encryption = encryptionOf(SSESpecification, table);
    next = { ...rest, ...(encryption && { encryption }) };
  }
  if (TableClass) next = { ...next, tableClass: { name: TableClass, updatedMs: nowMs } };
  if (DeletionProtectionEnabled !== undefined) {
    next = { ...next, isDeletionProtected: DeletionProtectionEnabled };
  }
  const onDemand = onDemandOf(input.OnDemandThroughput, next.billing.mode);
  if (onDemand) next = { ...next, onDemand: { ...next.onDemand, ...onDemand } };
  const warm = warmOf(WarmThroughput);
  if (warm) next = { ...next, warm };
  return withIndexes(next, input, made);
}

function withBilling(table: TableRecord, input: UpdateTableInput, nowMs: number): TableRecord {
  const { BillingMode: mode = table.billing.mode, ProvisionedThroughput: given } = input;
  if (mode === "PAY_PER_REQUEST") {
    throughputOf(given, mode);
    if (table.billing.mode === mode) return table;
    const free = { read: 0, write: 0 };
    const indexes = table.indexes.map((index) =>
      index.kind === "global" ? { ...index, throughput: free } : index,
    );
    return { ...table, billing: { mode, onDemandSinceMs: nowMs }, throughput: free, indexes };
  }
  const changes = table.billing.mode !== mode;
  if (!given && !changes) return table;
  const wanted = throughputOf(given, mode);
  if (
    !changes &&
    table.throughput.read === wanted.read &&
    table.throughput.write === wanted.write
  ) {
    throw validation(
      `The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: ${wanted.read}. Requested ReadCapacityUnits: ${wanted.read}. Current WriteCapacityUnits provisioned for the table: ${wanted.write}. Requested WriteCapacityUnits: ${wanted.write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.`,
    );
  }
  const { onDemand: _, ...rest } = table;
  return {
    ...rest,
    billing: { ...table.billing, mode },
    throughput: moved(table.throughput, wanted, nowMs),
  };
}

/** With the moments of the last changes in either direction. */
function moved(
  old: StoredThroughput,
  wanted: { readonly read: number; readonly write: number },
  nowMs: number,
): StoredThroughput {
  const isUp = wanted.read > old.read || wanted.write > old.write;
  const isDown = wanted.read < old.read || wanted.write < old.write;
  return {
    ...old,
    ...wanted,
    ...(isUp && { increasedMs: nowMs }),
    ...(isDown && { decreasedMs: nowMs, decreasesToday: (old.decreasesToday ?? 0) + 1 }),
  };
}

function withIndexes(
  table: TableRecord,
  input: UpdateTableInput,
  { nowMs, random }: { readonly nowMs: number; readonly random: Random },
): { readonly table: TableRecord; readonly remains: readonly number[] } {
  const updates = input.GlobalSecondaryIndexUpdates ?? [];
  checkSubscriberLimit(updates);
  let next = table;
  const remains: number[] = [];
  for (const { Create, Update, Delete } of updates) {
    if (Create) next = withNewIndex(next, Create, { input, random });
    if (Update) {
      const index = globalIndex(next, Update.IndexName);
      const { mode } = next.billing;
      const wanted = Update.ProvisionedThroughput && indexThroughputOf(Update, mode);
      const onDemand = onDemandOf(Update.OnDemandThroughput, mode);
      const warm = warmOf(Update.WarmThroughput);
      next = withIndex(next, {
        ...index,
        ...(wanted && { throughput: moved(index.throughput ?? wanted, wanted, nowMs) }),
        ...(onDemand && { onDemand: { ...index.onDemand, ...onDemand } }),
        ...(warm && { warm }),
      });
    }
    if (Delete) {
      const { name, storageId } = globalIndex(next, Delete.IndexName);
      remains.push(storageId);
      next = withoutIndex(next, name);
    }
  }
  if (updates.some(({ Create, Delete }) => Create ?? Delete)) {
    next = { ...withUsedAttributes(next), layout: table.layout + 1 };
    checkTableShape(next);
  }
  return { table: next, remains };
}

/** API_UpdateTable: "You can create or delete only one global secondary index per UpdateTable operation." */
function checkSubscriberLimit(updates: readonly GlobalSecondaryIndexUpdate[]): void {
  const made = updates.filter(({ Create, Delete }) => Create ?? Delete);
  if (made.length <= 1) return;
  throw limitExceeded(
    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
  );
}

function withNewIndex(
  table: TableRecord,
  create: CreateGlobalSecondaryIndexAction,
  { input, random }: { readonly input: UpdateTableInput; readonly random: Random },
): TableRecord {
  const { indexes } = table;
  if (indexes.some(({ name }) => name === create.IndexName)) {
    throw validation(`Attempting to create an index which already exists: ${create.IndexName}`);
  }
  if (indexes.some(({ isBackfilling }) => isBackfilling)) {
    throw limitExceeded(
      "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    );
  }
  if (indexes.filter(({ kind }) => kind === "global").length >= globalIndexesMax) {
    throw invalidParameters(
      `GlobalSecondaryIndex count exceeds the per-table limit of ${globalIndexesMax}`,
    );
  }
  const given = definitionsOf(input.AttributeDefinitions ?? []);
  for (const [name, type] of Object.entries(given)) {
    const old = Object.hasOwn(table.attributes, name) ? table.attributes[name] : type;
    if (old !== type) {
      throw invalidParameters(`Cannot change the type of attribute ${name} from ${old} to ${type}`);
    }
  }
  const attributes = { ...table.attributes, ...given };
  const index = newGlobalIndex(create, attributes, { mode: table.billing.mode, random });
  return {
    ...table,
    attributes,
    indexes: [...indexes, { ...index, isBackfilling: true }],
    jobs: [...(table.jobs ?? []), { kind: "index", name: index.name }],
  };
}

function globalIndex(table: TableRecord, name: string | undefined): IndexRecord {
  const index = table.indexes.find((one) => one.kind === "global" && one.name === name);
  if (!index) throw resourceNotFound(`Requested resource not found: Index: ${name} not found`);
  return index;
}

function withIndex(table: TableRecord, index: IndexRecord): TableRecord {
  const indexes = table.indexes.map((one) => (one.name === index.name ? index : one));
  return { ...table, indexes };
}

/** The filling of an index that is deleted ends with it. */
function withoutIndex(table: TableRecord, name: string): TableRecord {
  const jobs = (table.jobs ?? []).filter((job) => job.kind !== "index" || job.name !== name);
  return { ...table, jobs, indexes: table.indexes.filter((one) => one.name !== name) };
}

/** Definitions nothing uses any more go with the index that used them. */
function withUsedAttributes(table: TableRecord): TableRecord {
  const schemas = [table.keySchema, ...table.indexes.map(({ keySchema }) => keySchema)];
  const used = new Set(schemas.flatMap(({ hash, range }) => [hash, range]));
  const attributes = Object.fromEntries(
    Object.entries(table.attributes).filter(([name]) => used.has(name)),
  );
  return { ...table, attributes };
}
