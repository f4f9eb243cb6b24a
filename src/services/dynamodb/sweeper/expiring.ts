import type { Reader, Transaction } from "#storage/storage.ts";
import { applyChange, readItem } from "../items/changes.ts";
import {
  expiryCodec,
  expiryKeys,
  expiryParts,
  type ExpiryRecord,
  expirySeconds,
  isExpired,
  tokenStorageId,
} from "../items/expiry.ts";
import { placeOfItem } from "../items/keys.ts";
import { concat } from "../items/places.ts";
import { stepItemsMax } from "../limits.ts";
import type { Table } from "../tables/tables.ts";
import type { SweeperDeps } from "./sweeper.ts";

interface Due extends ExpiryRecord, ReturnType<typeof expiryParts> {
  readonly entryKey: Uint8Array;
}

/** Removes some of what is due. False when nothing is. */
export async function expireSome({ store, tables, clock }: SweeperDeps): Promise<boolean> {
  const nowMs = clock.nowMs();
  const due = await store.read((reader) => dueEntries(reader, nowMs));
  await Promise.all(
    due.map(async (entry) => {
      if (entry.storageId === tokenStorageId) {
        return store.write((tx) => {
          tx.delete(entry.suffix);
          tx.delete(entry.entryKey);
        });
      }
      const table = await tables.look(entry, entry.tableName);
      if (table?.record.storageId !== entry.storageId) {
        return store.write((tx) => tx.delete(entry.entryKey));
      }
      return tables.writeOne({ ...entry, name: entry.tableName }, (current) => (tx) => {
        tx.delete(entry.entryKey);
        if (current.record.storageId === entry.storageId) expire(tx, current, { entry, nowMs });
      });
    }),
  );
  return due.length > 0;
}

function dueEntries(reader: Reader, nowMs: number): Due[] {
  const range = expiryKeys.until(Math.floor(nowMs / 1_000));
  return Array.from(reader.list(range, { limit: stepItemsMax }), ({ key, value }) => ({
    ...expiryCodec.decode(value),
    ...expiryParts(key),
    entryKey: new Uint8Array(key),
  }));
}

/** The item may have been given another time, or another attribute may count by now: it is looked at again. */
function expire(
  tx: Transaction,
  table: Table,
  { entry, nowMs }: { readonly entry: Due; readonly nowMs: number },
): void {
  const { timeToLive } = table.record;
  const key = concat(table.primary.prefix, entry.suffix);
  const item = readItem(tx, { key });
  if (!timeToLive || !item) return;
  if (expirySeconds(timeToLive.attribute, item) !== entry.atSeconds) return;
  if (!isExpired(entry.atSeconds, nowMs)) return;
  const place = placeOfItem(table.primary, item);
  applyChange(tx, table, { place, before: item, after: undefined }, { nowMs, isExpiry: true });
}
