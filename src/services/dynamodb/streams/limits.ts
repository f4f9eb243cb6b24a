/** Bounds of DynamoDB Streams: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html (seen 2026-11); the life of shards is in the service's own limits. */

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

/** How long records are kept, and streams after they were disabled. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html */
export const streamRetentionMs = 24 * 60 * 60 * 1_000;
