import type { ConsumedCapacity, ReturnConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { consumedCapacity, noneConsumed, readUnits } from "../items/capacity.ts";
import type { Page } from "../queries/pages.ts";
import type { Index, Primary, Table } from "../tables/tables.ts";
import type { Item } from "../values/values.ts";

interface Asked {
  readonly ConsistentRead?: boolean | undefined;
  readonly ReturnConsumedCapacity?: ReturnConsumedCapacity | undefined;
}

/** What Query and Scan answer. */
export function pageAnswer(
  made: {
    readonly table: Table;
    readonly source: Primary | Index;
    readonly page: Page;
    readonly collects: boolean;
  },
  input: Asked,
): {
  Items?: Item[];
  Count: number;
  ScannedCount: number;
  LastEvaluatedKey?: Item;
  ConsumedCapacity?: ConsumedCapacity;
} {
  const { table, source, page, collects } = made;
  const consumed = noneConsumed();
  const kind = input.ConsistentRead ? "consistent" : "eventual";
  const units = readUnits(page.bytes, kind);
  if (source.kind === "table") consumed.table = units;
  else consumed.indexes.set(source.name, units);
  if (page.fetchedCount > 0) consumed.table += readUnits(page.fetchedBytes, kind);
  const cost = consumedCapacity(table, consumed, input.ReturnConsumedCapacity);
  return {
    ...(collects && { Items: [...page.items] }),
    Count: page.count,
    ScannedCount: page.scanned,
    ...(page.last && { LastEvaluatedKey: page.last }),
    ...(cost && { ConsumedCapacity: cost }),
  };
}
