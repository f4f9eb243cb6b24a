import type {
  ConsumedCapacity,
  ItemCollectionMetrics,
  ReturnConsumedCapacity,
} from "@aws-sdk/client-dynamodb";
import type { OperationDeps } from "../deps.ts";
import { addWrite, type Consumed, consumedCapacity, noneConsumed } from "../items/capacity.ts";
import type { Change } from "../items/changes.ts";
import { collectionMetrics } from "../items/collections.ts";
import type { Table } from "../tables/tables.ts";
import { byCallersName } from "./many-checks.ts";

/** A change of one of several tables. */
export interface TableChange {
  readonly table: Table;
  readonly change: Change;
}

/** What several writes cost, table by table. */
export function costOfChanges(
  changes: readonly TableChange[],
  asked: ReturnConsumedCapacity | undefined,
  factor = 1,
): ConsumedCapacity[] | undefined {
  if (asked === undefined || asked === "NONE") return undefined;
  const byTable = new Map<Table, Consumed>();
  for (const { table, change } of changes) {
    const consumed = byTable.get(table) ?? noneConsumed();
    byTable.set(table, consumed);
    addWrite(consumed, table, { change, factor });
  }
  return costOfTables(byTable, asked);
}

export function costOfTables(
  byTable: ReadonlyMap<Table, Consumed>,
  asked: ReturnConsumedCapacity | undefined,
): ConsumedCapacity[] | undefined {
  const costs = [...byTable].map(([table, consumed]) => consumedCapacity(table, consumed, asked));
  const told = costs.filter((cost) => cost !== undefined);
  return told.length > 0 ? told : undefined;
}

/** The collections several writes changed, by the table's name as it was asked for. */
export async function metricsOfChanges(
  { store }: Pick<OperationDeps, "store">,
  changes: readonly (TableChange & { readonly asked: string })[],
): Promise<Record<string, ItemCollectionMetrics[]>> {
  const found = byCallersName<ItemCollectionMetrics[]>();
  const seen = new Set<string>();
  await store.read((reader) => {
    for (const { table, change, asked } of changes) {
      const name = `${asked}/${Buffer.from(change.place.partition).toString("latin1")}`;
      const metrics = seen.has(name) ? undefined : collectionMetrics(reader, table, change);
      seen.add(name);
      if (metrics) (found[asked] ??= []).push(metrics);
    }
  });
  return found;
}
