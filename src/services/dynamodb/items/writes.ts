import { unreachable } from "#base/assert.ts";
import type { Transaction } from "#storage/storage.ts";
import { conditionFailed } from "../errors.ts";
import {
  applyUpdate,
  type BoundCondition,
  type BoundUpdate,
  matches,
  pathsWritten,
} from "../expressions/expressions.ts";
import type { Table } from "../tables/tables.ts";
import {
  attributeOf,
  encodeKeyValue,
  invalidParameters,
  type Item,
  typeOf,
  validation,
} from "../values/values.ts";
import {
  applyChange,
  type Cause,
  type Change,
  checkItemBytes,
  isBlind,
  readItem,
} from "./changes.ts";
import { checkItemKeys, checkKeyBytes, type ItemPlace, placeOfItem, placeOfKey } from "./keys.ts";

/** One change of one item as somebody asked for it; items and keys are checked values. */
export type Write = WriteKind & {
  readonly condition?: BoundCondition | undefined;
  /** `ReturnValuesOnConditionCheckFailure`. */
  readonly showsItemOnFailure?: boolean;
  /** Somebody will look at `before`, which otherwise may not be read at all. */
  readonly needsBefore?: boolean;
};

type WriteKind =
  | { readonly kind: "put"; readonly item: Item }
  | { readonly kind: "update"; readonly key: Item; readonly update: BoundUpdate | undefined }
  | { readonly kind: "delete"; readonly key: Item }
  | { readonly kind: "check"; readonly key: Item };

/** Everything that can be said without the item is said: what is left is the transaction. */
export interface PreparedWrite {
  readonly place: ItemPlace;
  /** Throws ConditionalCheckFailedException, and ValidationException for what the update makes of the item. */
  readonly run: (tx: Transaction, cause: Cause) => Change;
}

/** Throws ValidationException. */
export function prepareWrite(table: Table, write: Write): PreparedWrite {
  const place = checkedPlace(table, write);
  const reads =
    write.kind === "update" ||
    write.kind === "check" ||
    write.condition !== undefined ||
    write.needsBefore === true ||
    !isBlind(table);
  return {
    place,
    run(tx, cause) {
      const before = reads ? readItem(tx, place) : undefined;
      if (write.condition && !matches(write.condition, before ?? {})) {
        throw conditionFailed(write.showsItemOnFailure ? before : undefined);
      }
      const change = { place, before, after: outcome(table, write, before) };
      if (write.kind === "check" || (reads && !before && !change.after)) return change;
      applyChange(tx, table, change, cause);
      return change;
    },
  };
}

function checkedPlace(table: Table, write: Write): ItemPlace {
  if (write.kind !== "put") {
    const place = placeOfKey(table.primary, write.key);
    if (write.kind === "update" && write.update) refuseKeyUpdate(table, write.update);
    return place;
  }
  checkItemKeys(table, write.item);
  checkItemBytes(write.item);
  return placeOfItem(table.primary, write.item);
}

function refuseKeyUpdate({ primary }: Table, update: BoundUpdate): void {
  for (const [name] of pathsWritten(update)) {
    if (name !== primary.hash.name && name !== primary.range?.name) continue;
    throw invalidParameters(`Cannot update attribute ${name}. This attribute is part of the key`);
  }
}

function outcome(table: Table, write: Write, before: Item | undefined): Item | undefined {
  switch (write.kind) {
    case "put":
      return write.item;
    case "delete":
      return undefined;
    case "check":
      return before;
    case "update": {
      const { update, key } = write;
      if (!before && update?.isLegacy === true && !makesItem(update)) return undefined;
      if (!update) return before ?? key;
      const after = applyUpdate(update, before ?? key);
      checkItemBytes(after, "Item size to update has exceeded the maximum allowed size");
      checkUpdatedIndexKeys(table, after, new Set(pathsWritten(update).map(([name]) => name)));
      return after;
    }
  }
  return unreachable(write);
}

/** "DELETE - Nothing happens; there is no attribute to delete": API_UpdateItem, AttributeUpdates, of an absent item. */
function makesItem({ actions }: BoundUpdate): boolean {
  return actions.length === 0 || actions.some(({ kind }) => kind === "set" || kind === "add");
}

/** As for a put item, in the words of an update, which answers for nothing but what it writes. */
function checkUpdatedIndexKeys({ indexes }: Table, item: Item, written: ReadonlySet<string>): void {
  for (const { hash, range } of indexes) {
    for (const attribute of range ? [hash, range] : [hash]) {
      const value = attributeOf(item, attribute.name);
      if (!value || !written.has(attribute.name)) continue;
      if (typeOf(value) !== attribute.type) {
        throw validation(
          "The update expression attempted to update the secondary index key to unsupported type",
        );
      }
      const bytes = encodeKeyValue(value);
      if (bytes.byteLength === 0) {
        throw validation(
          `The update expression attempted to update the secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty ${value.S === "" ? "string" : "binary"} value.`,
        );
      }
      checkKeyBytes(attribute === hash ? { hash: bytes } : { range: bytes });
    }
  }
}
