import type {
  BillingMode,
  ContributorInsightsMode,
  ContributorInsightsStatus,
  ProjectionType,
  SSEType,
  TableClass,
} from "@aws-sdk/client-dynamodb";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { StreamViewType } from "../stream-records.ts";
import type { KeyType } from "../values/values.ts";

/** Where a table lives: names are unique within an account and region. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** A table as stored: everything about it but its items. */
export interface TableRecord extends Place {
  readonly name: string;
  /** UUID; told as `TableId`. */
  readonly tableId: string;
  /** Of its items in the store. A new table of the same name has another, so deleting one is one removal. */
  readonly storageId: number;
  /** Raised by every change that writers of items must know of: indexes, stream, time to live. */
  readonly layout: number;
  readonly createdMs: number;
  /** By name, in the order they were given. */
  readonly attributes: Readonly<Record<string, KeyType>>;
  readonly keySchema: StoredKeySchema;
  readonly billing: { readonly mode: BillingMode; readonly onDemandSinceMs?: number };
  readonly throughput: StoredThroughput;
  readonly onDemand?: OnDemandMaximum;
  readonly warm?: WarmUnits;
  readonly indexes: readonly IndexRecord[];
  readonly stream?: { readonly id: string; readonly viewType: StreamViewType };
  /** Of the last stream, enabled or not. */
  readonly streamLabel?: string;
  readonly isDeletionProtected: boolean;
  readonly tableClass?: { readonly name: TableClass; readonly updatedMs?: number };
  readonly encryption?: { readonly type: SSEType; readonly keyArn: string };
  readonly tags: Readonly<Record<string, string>>;
  readonly timeToLive?: { readonly attribute: string };
  readonly recovery?: { readonly sinceMs: number; readonly days: number };
  readonly policy?: { readonly document: string; readonly revisionId: string };
  /** By index name, `""` for the table itself. */
  readonly insights?: Readonly<Record<string, InsightsRecord>>;
  /** What has still to be done for items that were there before a change. */
  readonly jobs?: readonly Job[];
}

export interface StoredKeySchema {
  readonly hash: string;
  readonly range?: string;
}

export interface StoredThroughput {
  readonly read: number;
  readonly write: number;
  readonly increasedMs?: number;
  readonly decreasedMs?: number;
  readonly decreasesToday?: number;
}

export interface OnDemandMaximum {
  readonly read?: number;
  readonly write?: number;
}

export interface WarmUnits {
  readonly read: number;
  readonly write: number;
}

export interface IndexRecord {
  readonly kind: "global" | "local";
  readonly name: string;
  /** Of its entries in the store. */
  readonly storageId: number;
  readonly keySchema: StoredKeySchema;
  readonly projection: {
    readonly type: ProjectionType;
    readonly attributes?: readonly string[];
  };
  /** Of global ones. */
  readonly throughput?: StoredThroughput;
  readonly onDemand?: OnDemandMaximum;
  readonly warm?: WarmUnits;
  /** Items that were there before are being added; it is written to and not read. */
  readonly isBackfilling?: true;
}

export interface InsightsRecord {
  readonly status: ContributorInsightsStatus;
  readonly mode?: ContributorInsightsMode;
  readonly updatedMs: number;
}

/** Walks over all items of the table; `after` is the key of the last one done, base64. */
export interface Job {
  readonly kind: "index" | "expiry";
  /** Of the index. */
  readonly name?: string;
  readonly after?: string;
}

/** Something deleted whose entries in the store are still to be removed. */
export interface Remains {
  readonly storageIds: readonly number[];
}

export const tableCodec = recordCodec<TableRecord>(1);
/** Of a mark that a table has jobs: where the table is. */
export const jobCodec = recordCodec<Place & { readonly name: string }>(1);
export const remainsCodec = recordCodec<Remains>(1);

export const tableKeys = {
  table: ({ accountId, region }: Place, name: string) =>
    key("dynamodb", "table", accountId, region, name),
  tables: ({ accountId, region }: Place) => keyPrefix("dynamodb", "table", accountId, region),
  everyTable: () => keyPrefix("dynamodb", "table"),
  /** Holds the number of the layout alone, because every write of an item reads it. */
  layout: (storageId: number) => key("dynamodb", "layout", storageId),
  /** What keys of items and entries begin with. */
  items: (storageId: number) => key("dynamodb", "item", storageId),
  /** A mark: the table has jobs. */
  job: ({ accountId, region }: Place, name: string) =>
    key("dynamodb", "job", accountId, region, name),
  everyJob: () => keyPrefix("dynamodb", "job"),
  remains: (storageId: number) => key("dynamodb", "remains", storageId),
  everyRemains: () => keyPrefix("dynamodb", "remains"),
};

/** The value at `tableKeys.layout`. */
export function layoutBytes(layout: number): Uint8Array {
  return key(layout);
}

export function tableArn({ accountId, region }: Place, name: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
}
