import type { ItemCollectionMetrics } from "@aws-sdk/client-dynamodb";
import type { Reader } from "#storage/storage.ts";
import { measuredItemsMax } from "../limits.ts";
import type { Table } from "../tables/tables.ts";
import { attributeOf } from "../values/values.ts";
import type { Change } from "./changes.ts";
import { storedItemBytes } from "./codec.ts";
import { concat, startingWith } from "./places.ts";

const gibibyte = 1_024 ** 3;

/**
 * All items of one partition and their entries in local indexes, estimated when it is asked for: only so many are
 * looked at. Undefined for tables without local indexes, as API_ItemCollectionMetrics says.
 */
export function collectionMetrics(
  reader: Reader,
  table: Table,
  { place, before, after }: Change,
): ItemCollectionMetrics | undefined {
  const local = table.indexes.filter(({ kind }) => kind === "local");
  const { hash } = table.primary;
  const item = after ?? before;
  const value = item && attributeOf(item, hash.name);
  if (local.length === 0 || !value) return undefined;
  let bytes = 0;
  for (const { prefix } of [table.primary, ...local]) {
    const range = startingWith(concat(prefix, place.partition));
    for (const entry of reader.list(range, { limit: measuredItemsMax })) {
      bytes += storedItemBytes(entry.value);
    }
  }
  const lower = Math.floor(bytes / gibibyte);
  return { ItemCollectionKey: { [hash.name]: value }, SizeEstimateRangeGB: [lower, lower + 1] };
}
