import type { Logger } from "#base/context.ts";
import type { Reader, Store } from "#storage/storage.ts";
import { cachedTablesMax } from "../limits.ts";
import { type Place, tableCodec, tableKeys, type TableRecord } from "./records.ts";
import { compileTable, type Table } from "./table.ts";

/** Descriptions in memory. All of them are forgotten when one changes, here or in another process. */
export interface TableCache extends AsyncDisposable {
  look(place: Place, name: string): Promise<Table | undefined>;
  forget(): void;
}

/** A load that began before something was forgotten is used but not kept. */
export function createTableCache(deps: {
  readonly store: Store;
  readonly shared: Store;
  readonly log: Logger;
}): TableCache {
  const { store, shared, log } = deps;
  const known = new Map<string, Table>();
  let generation = 0;
  const forget = (): void => {
    generation++;
    known.clear();
  };
  const stop = new AbortController();
  const watching = (async () => {
    for await (const _ of shared.watch(tableKeys.everyTable(), stop.signal)) forget();
  })().catch((error: unknown) =>
    log.event("dynamodb.watch-failed", { level: "warn", error: String(error) }),
  );
  return {
    forget,
    async look(place, name) {
      const cacheKey = `${place.accountId}/${place.region}/${name}`;
      const found = known.get(cacheKey);
      if (found) return found;
      const began = generation;
      const record = await store.read((reader) => readTable(reader, place, name));
      if (!record) return undefined;
      const table = compileTable(record);
      if (began === generation) {
        if (known.size >= cachedTablesMax) known.clear();
        known.set(cacheKey, table);
      }
      return table;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}

export function readTable(reader: Reader, place: Place, name: string): TableRecord | undefined {
  const bytes = reader.get(tableKeys.table(place, name));
  return bytes && tableCodec.decode(bytes);
}
