import type { KeyRange, Reader } from "#storage/storage.ts";
import { type BoundCondition, matches } from "../expressions/expressions.ts";
import { decodeItem, storedItemBytes } from "../items/codec.ts";
import { keysOf, placeOfItem } from "../items/keys.ts";
import { pageBytesMax } from "../limits.ts";
import type { Index, Primary, Table } from "../tables/tables.ts";
import type { Item } from "../values/values.ts";

/** What a page is made of. */
export interface PageRequest {
  readonly range: KeyRange;
  readonly reverse: boolean;
  /** Items looked at, before the filter. */
  readonly limit: number | undefined;
  readonly filter: BoundCondition | undefined;
  /** Shown items come from the table, because the local index does not hold all of them. */
  readonly fetches: boolean;
  /** False only counts. */
  readonly collects: boolean;
  readonly shape: (item: Item) => Item;
}

export interface Page {
  readonly items: readonly Item[];
  readonly count: number;
  readonly scanned: number;
  /** Where the next page begins; undefined when there is nothing behind this one. */
  readonly last: Item | undefined;
  /** Read from the index or table, and beside it from the table. */
  readonly bytes: number;
  readonly fetchedBytes: number;
  readonly fetchedCount: number;
}

/**
 * Entries of a table or an index in their order, up to the limit or the first that makes it a mebibyte. An end
 * that falls on the limit is not noticed, as the service does not: the next page is then empty
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html).
 */
export function readPage(
  reader: Reader,
  on: { readonly table: Table; readonly source: Primary | Index },
  request: PageRequest,
): Page {
  const { table, source } = on;
  const { filter, limit = Infinity, reverse } = request;
  const items: Item[] = [];
  const page = { items, count: 0, scanned: 0, bytes: 0, fetchedBytes: 0, fetchedCount: 0 };
  let last: Item | undefined;
  const options = limit === Infinity ? { reverse } : { reverse, limit };
  for (const { value } of reader.list(request.range, options)) {
    page.scanned++;
    page.bytes += storedItemBytes(value);
    let item = decodeItem(value);
    const isLast = page.scanned >= limit || page.bytes >= pageBytesMax;
    if (isLast) last = startKeyOf(table, source, item);
    if (request.fetches) item = fetched(reader, table, { item, page });
    if (!filter || matches(filter, item)) {
      page.count++;
      if (request.collects) items.push(request.shape(item));
    }
    if (isLast) break;
  }
  return { ...page, last };
}

function fetched(
  reader: Reader,
  table: Table,
  {
    item,
    page,
  }: { readonly item: Item; readonly page: { fetchedBytes: number; fetchedCount: number } },
): Item {
  const bytes = reader.get(placeOfItem(table.primary, item).key);
  if (!bytes) return item;
  page.fetchedBytes += storedItemBytes(bytes);
  page.fetchedCount++;
  return decodeItem(bytes);
}

/** The keys of the table, and of the index that was read. */
function startKeyOf(table: Table, source: Primary | Index, item: Item): Item {
  const own = keysOf(table.primary, item);
  return source.kind === "table" ? own : { ...keysOf(source, item), ...own };
}
