/**
 * Bounds of tables, requests and pages. Source unless said otherwise:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (seen 2026-11).
 */

/** Bytes of the values of key attributes. */
export const hashKeyBytesMax = 2_048;
export const rangeKeyBytesMax = 1_024;

/** Longer partition keys are stored by their SHA-256: the order of partitions means nothing. */
export const inlineHashBytesMax = 255;
/** Longer primary keys are named by their SHA-256 in the entries of indexes. */
export const inlineTailBytesMax = 256;

/** Bytes of items, before filters, that one page of a Query or Scan reads. */
export const pageBytesMax = 1_024 * 1_024;

/** Tables of one account in one region; the service's own default quota. */
export const tablesMax = 2_500;
/** Names in one page of ListTables, also when no limit is asked for. */
export const tableNamesMax = 100;

export const localIndexesMax = 5;
export const globalIndexesMax = 20;
/** Attributes named by the INCLUDE projections of all indexes of a table together. */
export const includedAttributesMax = 100;
/** Of one INCLUDE projection. */
export const nonKeyAttributesMax = 20;

export const capacityUnitsMax = 1_000_000_000_000;

/** What DescribeLimits answers: nothing here is limited by capacity, so these are the service's defaults. */
export const accountCapacityUnitsMax = 80_000;
export const tableCapacityUnitsMax = 40_000;

export const batchGetKeysMax = 100;
export const batchWriteRequestsMax = 25;
/** Bytes of items in one BatchGetItem answer; the rest is unprocessed. */
export const batchGetBytesMax = 16 * 1_024 * 1_024;

export const transactionItemsMax = 100;
export const transactionBytesMax = 4 * 1_024 * 1_024;
/** How long a ClientRequestToken is remembered. */
export const transactionTokenMs = 10 * 60 * 1_000;

export const tagsMax = 50;
export const resourcePolicyBytesMax = 20 * 1_024;

/** Segments of a parallel Scan. */
export const segmentsMax = 1_000_000;

/** Bytes of a read unit, of a write unit. */
export const readUnitBytes = 4_096;
export const writeUnitBytes = 1_024;

/** Table descriptions remembered per process. */
export const cachedTablesMax = 10_000;
/** How often a request is begun again because its table changed under it. */
export const staleRetriesMax = 16;

/** Items one step of a backfill, an expiry or a removal handles in one transaction. */
export const stepItemsMax = 256;
/** Items DescribeTable counts on the spot; beyond that it tells the last count. */
export const countedItemsMax = 1_000;
/** How old such a count may be: "DynamoDB updates this value approximately every six hours" (API_TableDescription). */
export const countAgeMaxMs = 6 * 60 * 60 * 1_000;

/** Items looked at in each index for the size of an item collection. */
export const measuredItemsMax = 10_000;

/** Request bodies: 16 MiB of items, of which binaries grow by a third in base64. */
export const bodyBytesMax = 24 * 1_024 * 1_024;

/** A shard takes no new records after this and the next one begins (Streams.html: "typically four hours"). */
export const shardAgeMaxMs = 4 * 60 * 60 * 1_000;
