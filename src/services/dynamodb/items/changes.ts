import type { TraceContext } from "#base/context.ts";
import type { Transaction } from "#storage/storage.ts";
import { appendStreamRecords, type StreamEntry, type StreamViewType } from "../stream-records.ts";
import type { Index, Table } from "../tables/tables.ts";
import {
  attributeOf,
  isEqual,
  type Item,
  itemBytes,
  itemBytesMax,
  setAttribute,
  validation,
} from "../values/values.ts";
import { decodeItem, encodeItem } from "./codec.ts";
import { changeExpiry } from "./expiry.ts";
import { entryPlace, type ItemPlace, keysOf } from "./keys.ts";

/** What an item was and becomes; undefined where there is none. */
export interface Change {
  readonly place: ItemPlace;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** Who changes, and when: for the stream. */
export interface Cause {
  readonly nowMs: number;
  readonly trace?: TraceContext;
  /** Time to live has passed: the service does it. */
  readonly isExpiry?: true;
}

/** Whether a change can be made without knowing what is there: nothing else depends on it. */
export function isBlind({ indexes, record }: Table): boolean {
  return indexes.length === 0 && !record.stream && !record.timeToLive;
}

export function readItem(
  reader: Pick<Transaction, "get">,
  place: Pick<ItemPlace, "key">,
): Item | undefined {
  const bytes = reader.get(place.key);
  return bytes && decodeItem(bytes);
}

/** Throws ValidationException when the item is too large. `said` are the words of the operation. */
export function checkItemBytes(
  item: Item,
  said = "Item size has exceeded the maximum allowed size",
): number {
  const bytes = itemBytes(item);
  if (bytes > itemBytesMax) throw validation(said);
  return bytes;
}

/**
 * The item, its index entries, its stream record and its expiry, in one transaction. Of a table that is
 * not `isBlind`, `before` must be what the transaction read.
 */
export function applyChange(tx: Transaction, table: Table, change: Change, cause: Cause): void {
  const { place, before, after } = change;
  if (after) tx.put(place.key, encodeItem(after));
  else tx.delete(place.key);
  if (isBlind(table)) return;
  for (const index of table.indexes) changeEntry(tx, index, change);
  if (table.record.timeToLive) changeExpiry(tx, table, change);
  const { stream } = table.record;
  if (!stream || isSame(before, after)) return;
  appendStreamRecords(tx, stream.id, [
    streamEntry(table, change, { ...cause, view: stream.viewType }),
  ]);
}

function changeEntry(tx: Transaction, index: Index, { place, before, after }: Change): void {
  const oldPlace = before && entryPlace(index, before, place);
  const newPlace = after && entryPlace(index, after, place);
  if (oldPlace && !(newPlace && Buffer.compare(oldPlace, newPlace) === 0)) tx.delete(oldPlace);
  if (newPlace && after) tx.put(newPlace, encodeItem(projected(index, after)));
}

/** The entry of an item that was there before its index. */
export function fillEntry(
  tx: Transaction,
  index: Index,
  { place, item }: { readonly place: ItemPlace; readonly item: Item },
): void {
  changeEntry(tx, index, { place, before: undefined, after: item });
}

/** What of an item an index holds. */
export function projected(index: Pick<Index, "projected">, item: Item): Item {
  if (!index.projected) return item;
  const part: Item = {};
  for (const name of index.projected) {
    const value = attributeOf(item, name);
    if (value) setAttribute(part, name, value);
  }
  return part;
}

/** A write that changes nothing leaves no record: API_StreamRecord is of "a modification". */
export function isSame(before: Item | undefined, after: Item | undefined): boolean {
  if (!before || !after) return before === after;
  return isEqual({ M: before }, { M: after });
}

function streamEntry(
  table: Table,
  { before, after }: Change,
  { nowMs, trace, isExpiry, view }: Cause & { readonly view: StreamViewType },
): StreamEntry {
  const item = after ?? before ?? {};
  const showsNew = view === "NEW_IMAGE" || view === "NEW_AND_OLD_IMAGES";
  const showsOld = view === "OLD_IMAGE" || view === "NEW_AND_OLD_IMAGES";
  return {
    eventName: after ? (before ? "MODIFY" : "INSERT") : "REMOVE",
    createdMs: nowMs,
    keys: keysOf(table.primary, item),
    newImage: showsNew ? after : undefined,
    oldImage: showsOld ? before : undefined,
    isExpiry: isExpiry === true,
    trace,
  };
}
