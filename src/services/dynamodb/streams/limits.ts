/** Bounds of DynamoDB Streams: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html (seen 2026-11); retention and the life of shards are in the service's own limits. */

/** Records and bytes of one GetRecords answer. */
export const recordsMax = 1_000;
export const recordBytesMax = 1_048_576;

/** How long an iterator is good for. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html */
export const iteratorAgeMaxMs = 15 * 60 * 1_000;

/** Streams of one ListStreams answer, shards of one DescribeStream answer. */
export const streamsPageMax = 100;
export const shardsPageMax = 100;

/** Records trimmed in one transaction. Ours. */
export const trimmedRecordsMax = 512;

/** Longest time to the next look for something to trim: what comes later is not due before. */
export { streamRetentionMs } from "../limits.ts";
