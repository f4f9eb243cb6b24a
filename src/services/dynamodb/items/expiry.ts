import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange, Transaction } from "#storage/storage.ts";
import type { Place, Table } from "../tables/tables.ts";
import { attributeOf, type Item } from "../values/values.ts";
import type { Change } from "./changes.ts";
import { concat } from "./places.ts";

/** An item with a time to live, where the sweeper finds it by its time. */
export interface ExpiryRecord extends Place {
  readonly tableName: string;
}

export const expiryCodec = recordCodec<ExpiryRecord>(1);

/** Stands for no table: the suffix is the whole key of a transaction's token, which ends like this too. */
export const tokenStorageId = 0;

export const expiryKeys = {
  /** `suffix` is the item's key in the store without what all items of the table begin with. */
  item: (atSeconds: number, storageId: number, suffix: Uint8Array) =>
    concat(key("dynamodb", "expiry", atSeconds, storageId), suffix),
  every: (): KeyRange => keyPrefix("dynamodb", "expiry"),
  /** Those due by then. */
  until: (seconds: number): KeyRange => ({
    start: keyPrefix("dynamodb", "expiry").start,
    end: key("dynamodb", "expiry", seconds + 1),
  }),
};

/** Of `expiryKeys.item` without the suffix, which is as it is: escaped it could be too long. */
const headBytes = key("dynamodb", "expiry", 0, 0).byteLength;

/** The parts of `expiryKeys.item`. */
export function expiryParts(encoded: Uint8Array): {
  readonly atSeconds: number;
  readonly storageId: number;
  readonly suffix: Uint8Array;
} {
  const [, , atSeconds, storageId] = keyParts(encoded.subarray(0, headBytes));
  const suffix = new Uint8Array(encoded.subarray(headBytes));
  return { atSeconds: Number(atSeconds), storageId: Number(storageId), suffix };
}

/** Items whose time is longer ago are left alone: howitworks-ttl.html, "older than 5 years". */
const agedSeconds = 5 * 365 * 24 * 60 * 60;

/**
 * Epoch seconds at which the item's life ends; undefined unless its attribute is a number of seconds.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
 */
export function expirySeconds(attribute: string, item: Item | undefined): number | undefined {
  const text = item && attributeOf(item, attribute)?.N;
  if (text === undefined) return undefined;
  const seconds = Math.floor(Number(text));
  return seconds > 0 && Number.isSafeInteger(seconds) ? seconds : undefined;
}

/** Whether an item with this time is to be removed now. */
export function isExpired(atSeconds: number, nowMs: number): boolean {
  const nowSeconds = Math.floor(nowMs / 1_000);
  return atSeconds <= nowSeconds && atSeconds > nowSeconds - agedSeconds;
}

/** Keeps the sweeper's list in step with a change of an item. */
export function changeExpiry(tx: Transaction, table: Table, change: Change): void {
  const { record, primary } = table;
  if (!record.timeToLive) return;
  const { attribute } = record.timeToLive;
  const old = expirySeconds(attribute, change.before);
  const next = expirySeconds(attribute, change.after);
  if (old === next) return;
  const suffix = change.place.key.subarray(primary.prefix.byteLength);
  if (old !== undefined) tx.delete(expiryKeys.item(old, record.storageId, suffix));
  if (next === undefined) return;
  const { accountId, region, name } = record;
  const value = expiryCodec.encode({ accountId, region, tableName: name });
  tx.put(expiryKeys.item(next, record.storageId, suffix), value);
}
