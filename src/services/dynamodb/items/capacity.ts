import type { ConsumedCapacity, ReturnConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { readUnitBytes, writeUnitBytes } from "../limits.ts";
import type { Index, Table } from "../tables/tables.ts";
import { type Item, itemBytes } from "../values/values.ts";
import { type Change, isSame, projected } from "./changes.ts";
import { entryPlace } from "./keys.ts";

/**
 * What a request costs.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (seen 2026-11)
 */
export interface Consumed {
  table: number;
  /** By index name. */
  readonly indexes: Map<string, number>;
}

export function noneConsumed(): Consumed {
  return { table: 0, indexes: new Map() };
}

/** Units of reading so many bytes in one go. */
export function readUnits(bytes: number, kind: "eventual" | "consistent" | "transaction"): number {
  const units = Math.max(1, Math.ceil(bytes / readUnitBytes));
  if (kind === "eventual") return units / 2;
  return kind === "consistent" ? units : units * 2;
}

function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / writeUnitBytes));
}

/**
 * Units of one change: the larger of both items, and for each index whose entry changes what its entries take;
 * a moved entry is removed and put. `factor` is 2 in transactions.
 */
export function addWrite(
  consumed: Consumed,
  table: Table,
  { change, factor = 1 }: { readonly change: Change; readonly factor?: number },
): void {
  const { before, after } = change;
  consumed.table += factor * writeUnits(Math.max(bytesOf(before), bytesOf(after)));
  for (const index of table.indexes) {
    const units = factor * entryUnits(index, change);
    if (units > 0)
      consumed.indexes.set(index.name, (consumed.indexes.get(index.name) ?? 0) + units);
  }
}

function entryUnits(index: Index, { place, before, after }: Change): number {
  const oldPlace = before && entryPlace(index, before, place);
  const newPlace = after && entryPlace(index, after, place);
  const oldEntry = oldPlace && before && projected(index, before);
  const newEntry = newPlace && after && projected(index, after);
  if (!oldPlace || !newPlace) {
    return oldEntry || newEntry ? writeUnits(bytesOf(oldEntry ?? newEntry)) : 0;
  }
  if (Buffer.compare(oldPlace, newPlace) !== 0) {
    return writeUnits(bytesOf(oldEntry)) + writeUnits(bytesOf(newEntry));
  }
  if (isSame(oldEntry, newEntry)) return 0;
  return writeUnits(Math.max(bytesOf(oldEntry), bytesOf(newEntry)));
}

function bytesOf(item: Item | undefined): number {
  return item ? itemBytes(item) : 0;
}

/** Undefined when the caller did not ask. */
export function consumedCapacity(
  table: Table,
  consumed: Consumed,
  asked: ReturnConsumedCapacity | undefined,
): ConsumedCapacity | undefined {
  if (asked === undefined || asked === "NONE") return undefined;
  let total = consumed.table;
  const global: NonNullable<ConsumedCapacity["GlobalSecondaryIndexes"]> = {};
  const local: NonNullable<ConsumedCapacity["LocalSecondaryIndexes"]> = {};
  for (const [name, units] of consumed.indexes) {
    total += units;
    const isLocal = table.indexes.find((index) => index.name === name)?.kind === "local";
    (isLocal ? local : global)[name] = { CapacityUnits: units };
  }
  const answer = { TableName: table.record.name, CapacityUnits: total };
  if (asked === "TOTAL") return answer;
  return {
    ...answer,
    Table: { CapacityUnits: consumed.table },
    ...(Object.keys(global).length > 0 && { GlobalSecondaryIndexes: global }),
    ...(Object.keys(local).length > 0 && { LocalSecondaryIndexes: local }),
  };
}
