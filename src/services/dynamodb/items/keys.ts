import { hashKeyBytesMax, rangeKeyBytesMax } from "../limits.ts";
import type { Index, KeyAttribute, Keyed, Primary, Table } from "../tables/tables.ts";
import {
  type AttributeValue,
  attributeOf,
  encodeKeyValue,
  invalidParameters,
  type Item,
  typeOf,
  validation,
} from "../values/values.ts";
import { closed, concat, partitionPart, tailOf } from "./places.ts";

/** Where an item is: its key in the store, and what index entries call it. */
export interface ItemPlace {
  readonly key: Uint8Array;
  readonly partition: Uint8Array;
  readonly range: Uint8Array | undefined;
}

/** The place named by a `Key` parameter: exactly the key attributes. Throws ValidationException. */
export function placeOfKey(primary: Primary, given: Item): ItemPlace {
  const { hash, range } = primary;
  if (Object.keys(given).length !== (range ? 2 : 1)) throw keyMismatch();
  for (const attribute of range ? [hash, range] : [hash]) {
    const value = attributeOf(given, attribute.name);
    if (!value || typeOf(value) !== attribute.type) throw keyMismatch();
    refuseEmpty(value, attribute.name);
  }
  return placeOfItem(primary, given);
}

function keyMismatch(): Error {
  return validation("The provided key element does not match the schema");
}

/** Of an item whose key attributes were checked. Throws ValidationException when they are too long. */
export function placeOfItem(primary: Primary, item: Item): ItemPlace {
  const hash = keyBytes(item, primary.hash.name);
  const range = primary.range && keyBytes(item, primary.range.name);
  checkKeyBytes({ hash, range });
  const partition = partitionPart(hash);
  const key = range ? concat(primary.prefix, partition, range) : concat(primary.prefix, partition);
  return { key, partition, range };
}

interface KeyBytes {
  readonly hash?: Uint8Array | undefined;
  readonly range?: Uint8Array | undefined;
}

/** The missing space is the service's: https://github.com/architect/dynalite/blob/main/test/putItem.js (seen 2026-11). */
export function checkKeyBytes({ hash, range }: KeyBytes): void {
  if (hash && hash.byteLength > hashKeyBytesMax) {
    throw invalidParameters(
      `Size of hashkey has exceeded the maximum size limit of${hashKeyBytesMax} bytes`,
    );
  }
  if (range && range.byteLength > rangeKeyBytesMax) {
    throw invalidParameters(
      `Aggregated size of all range keys has exceeded the size limit of ${rangeKeyBytesMax} bytes`,
    );
  }
}

function keyBytes(item: Item, name: string): Uint8Array {
  return encodeKeyValue(attributeOf(item, name) as AttributeValue); // checked by whoever calls
}

/** Throws ValidationException unless the item has every key its table and the table's indexes demand. */
export function checkItemKeys(table: Table, item: Item): void {
  const { hash, range } = table.primary;
  for (const { name, type } of range ? [hash, range] : [hash]) {
    const value = attributeOf(item, name);
    if (!value) throw invalidParameters(`Missing the key ${name} in the item`);
    const actual = typeOf(value);
    if (actual !== type) {
      throw invalidParameters(`Type mismatch for key ${name} expected: ${type} actual: ${actual}`);
    }
    refuseEmpty(value, name);
  }
  for (const index of table.indexes) checkIndexKeys(index, item);
}

/** What an item has of an index' keys must fit; having none of it keeps the item out of the index. */
function checkIndexKeys(index: Index, item: Item): void {
  const { hash, range, name } = index;
  for (const attribute of range ? [hash, range] : [hash]) {
    const value = attributeOf(item, attribute.name);
    if (!value) continue;
    const actual = typeOf(value);
    if (actual !== attribute.type) {
      throw invalidParameters(
        `Type mismatch for Index Key ${attribute.name} Expected: ${attribute.type} Actual: ${actual} IndexName: ${name}`,
      );
    }
    const kind = emptyKind(value);
    if (kind) {
      throw validation(
        `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value. IndexName: ${name}, IndexKey: ${attribute.name}`,
      );
    }
    const bytes = encodeKeyValue(value);
    checkKeyBytes(attribute === hash ? { hash: bytes } : { range: bytes });
  }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html: keys may not be empty. */
function refuseEmpty(value: AttributeValue, name: string): void {
  const kind = emptyKind(value);
  if (!kind) return;
  throw validation(
    `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`,
  );
}

function emptyKind(value: AttributeValue): "string" | "binary" | undefined {
  if (value.S === "") return "string";
  return value.B?.byteLength === 0 ? "binary" : undefined;
}

/**
 * Where the entry of an item is in an index; undefined when the item lacks a key of it, or, having been there
 * before the index, has one that does not fit.
 */
export function entryPlace(index: Index, item: Item, place: ItemPlace): Uint8Array | undefined {
  const hash = entryKeyBytes(item, index.hash, hashKeyBytesMax);
  if (!hash) return undefined;
  const partition = partitionPart(hash);
  const tail = tailOf(place.partition, place.range);
  if (!index.range) return concat(index.prefix, partition, tail);
  const range = entryKeyBytes(item, index.range, rangeKeyBytesMax);
  return range && concat(index.prefix, partition, closed(range), tail);
}

function entryKeyBytes(
  item: Item,
  { name, type }: KeyAttribute,
  bytesMax: number,
): Uint8Array | undefined {
  const value = attributeOf(item, name);
  if (!value || typeOf(value) !== type) return undefined;
  const bytes = encodeKeyValue(value);
  return bytes.byteLength > 0 && bytes.byteLength <= bytesMax ? bytes : undefined;
}

/** The key attributes of a table or index out of an item that has them. */
export function keysOf(keyed: Pick<Keyed, "hash" | "range">, item: Item): Item {
  const keys: Item = {};
  for (const attribute of keyed.range ? [keyed.hash, keyed.range] : [keyed.hash]) {
    const value = attributeOf(item, attribute.name);
    if (value) keys[attribute.name] = value;
  }
  return keys;
}
