import type { KeyType } from "../values/values.ts";
import {
  layoutBytes,
  tableArn,
  tableKeys,
  type IndexRecord,
  type StoredKeySchema,
  type TableRecord,
} from "./records.ts";

/** A table as requests use it: its record, and what follows from it, worked out once. */
export interface Table {
  readonly record: TableRecord;
  readonly arn: string;
  readonly layoutKey: Uint8Array;
  /** What `layoutKey` holds while this description is the newest. */
  readonly layout: Uint8Array;
  readonly primary: Primary;
  /** Writable ones, that is all. */
  readonly indexes: readonly Index[];
}

/** The keys a table or an index is ordered by. */
export interface Keyed {
  readonly hash: KeyAttribute;
  readonly range: KeyAttribute | undefined;
  /** What its keys in the store begin with. */
  readonly prefix: Uint8Array;
}

export interface Primary extends Keyed {
  readonly kind: "table";
}

export interface Index extends Keyed {
  readonly kind: "global" | "local";
  readonly name: string;
  /** Names of the attributes its entries hold, keys included; undefined holds all. */
  readonly projected: ReadonlySet<string> | undefined;
  readonly isBackfilling: boolean;
}

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

export function compileTable(record: TableRecord): Table {
  const keyed = (schema: StoredKeySchema, storageId: number): Keyed => ({
    hash: keyAttribute(record, schema.hash),
    range: schema.range === undefined ? undefined : keyAttribute(record, schema.range),
    prefix: tableKeys.items(storageId),
  });
  return {
    record,
    arn: tableArn(record, record.name),
    layoutKey: tableKeys.layout(record.storageId),
    layout: layoutBytes(record.layout),
    primary: { kind: "table", ...keyed(record.keySchema, record.storageId) },
    indexes: record.indexes.map((index) => ({
      kind: index.kind,
      name: index.name,
      ...keyed(index.keySchema, index.storageId),
      projected: projectedNames(record, index),
      isBackfilling: index.isBackfilling === true,
    })),
  };
}

function keyAttribute({ attributes }: TableRecord, name: string): KeyAttribute {
  return { name, type: attributes[name] ?? "S" };
}

function projectedNames(table: TableRecord, index: IndexRecord): ReadonlySet<string> | undefined {
  if (index.projection.type === "ALL") return undefined;
  const names = [table.keySchema.hash, table.keySchema.range, index.keySchema.hash];
  names.push(index.keySchema.range, ...(index.projection.attributes ?? []));
  return new Set(names.filter((name) => name !== undefined));
}
