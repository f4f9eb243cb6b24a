import { keyAfter } from "#storage/keys.ts";
import type { KeyRange as StoreRange } from "#storage/storage.ts";
import type { KeyRange } from "../expressions/expressions.ts";
import { checkKeyBytes, entryPlace, placeOfKey } from "../items/keys.ts";
import { closed, concat, partitionPart, startingWith, successor } from "../items/places.ts";
import type { Index, Primary, Table } from "../tables/tables.ts";
import { attributeOf, encodeKeyValue, type Item, typeOf, validation } from "../values/values.ts";

/** The one range of the store that holds what a Query asks for. */
export function queryRange(source: Primary | Index, { partition, sort }: KeyRange): StoreRange {
  const hash = encodeKeyValue(partition);
  checkKeyBytes({ hash });
  const base = concat(source.prefix, partitionPart(hash));
  const at = (bytes: Uint8Array): Uint8Array =>
    concat(base, source.kind === "table" ? bytes : closed(bytes));
  return {
    start: sort?.start ? at(sort.start) : base,
    end: sort?.end ? at(sort.end) : successor(base),
  };
}

/** What is left of a range behind the item a page ended with. */
export function rangeBehind(range: StoreRange, position: Uint8Array, reverse: boolean): StoreRange {
  return reverse
    ? { start: range.start, end: least(range.end, position) }
    : { start: greatest(range.start, keyAfter(position)), end: range.end };
}

function least(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Buffer.compare(left, right) <= 0 ? left : right;
}

function greatest(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Buffer.compare(left, right) >= 0 ? left : right;
}

/**
 * Where in the store an ExclusiveStartKey is. `ValidationException` when it is no key of this table or index:
 * https://github.com/architect/dynalite/blob/main/test/query.js and scan.js (seen 2026-11), which record production.
 */
export function positionOf(
  table: Table,
  source: Primary | Index,
  { key, operation }: { readonly key: Item; readonly operation: "Query" | "Scan" },
): Uint8Array {
  const wrong = (): Error =>
    validation(
      operation === "Query"
        ? "The provided starting key is invalid"
        : "The provided starting key is invalid: The provided key element does not match the schema",
    );
  const attributes = new Map([table.primary, source].flatMap(namesAndTypes));
  if (Object.keys(key).length !== attributes.size) throw wrong();
  for (const [name, type] of attributes) {
    const value = attributeOf(key, name);
    if (!value || typeOf(value) !== type) throw wrong();
  }
  const own: Item = {};
  for (const [name] of namesAndTypes(table.primary)) {
    const value = attributeOf(key, name);
    if (value) own[name] = value;
  }
  const place = placeOfKey(table.primary, own);
  if (source.kind === "table") return place.key;
  const position = entryPlace(source, key, place);
  if (!position) throw wrong();
  return position;
}

function namesAndTypes({ hash, range }: Primary | Index): (readonly [string, string])[] {
  const pairs = [[hash.name, hash.type] as const];
  return range ? [...pairs, [range.name, range.type] as const] : pairs;
}

/** Throws ValidationException for a start outside of what a Query asks for. */
export function checkInside(
  source: Primary | Index,
  asked: { readonly range: StoreRange; readonly keys: KeyRange; readonly position: Uint8Array },
): void {
  const { range, keys, position } = asked;
  const partition = concat(source.prefix, partitionPart(encodeKeyValue(keys.partition)));
  if (!isInside(startingWith(partition), position)) {
    throw validation(
      "The provided starting key is outside query boundaries based on provided conditions",
    );
  }
  if (!isInside(range, position)) {
    throw validation("The provided starting key does not match the range key predicate");
  }
}

export function isInside({ start, end }: StoreRange, position: Uint8Array): boolean {
  return Buffer.compare(position, start) >= 0 && Buffer.compare(position, end) < 0;
}
