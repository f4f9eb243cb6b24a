/**
 * Quotas and bounds of CloudWatch Logs. Where no page is named:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html (seen 2026-11);
 * those marked "ours" bound what AWS does not state.
 */

/** Bytes of one PutLogEvents batch, counting `eventOverheadBytes` per event. */
export const batchBytesMax = 1_048_576;

/** Bytes every event counts beyond its message. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
export const eventOverheadBytes = 26;

/** Milliseconds an event may lie in the past or in the future; same page. */
export const eventAgeMsMax = 14 * 86_400_000;
export const eventAheadMsMax = 2 * 3_600_000;

/** Milliseconds between the oldest and the newest valid event of a batch; same page. */
export const batchSpanMsMax = 86_400_000;

/** Events and bytes of one page of events. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html */
export const pageEventsMax = 10_000;
export const pageBytesMax = 1_048_576;

/** Entries of one page of groups, streams or policies. */
export const describePageMax = 50;

/** Events one FilterLogEvents call looks at before it answers with what it has. Ours. */
export const scannedEventsMax = 50_000;

/** Events read in one snapshot, so that other requests get their turn. Ours. */
export const scanChunkEvents = 2_000;

/** Days a group may keep its events. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
export const retentionDays: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

/** Tags of one log group. */
export const tagsMax = 50;

/** Resource policies per account and region. */
export const resourcePoliciesMax = 10;

/** Characters of a filter pattern, and regular expressions in one. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html */
export const patternRegexesMax = 2;

/** Nodes a regular expression may grow to once repetitions are written out. Ours. */
export const regexNodesMax = 2_000;

/**
 * Characters (each event counting `eventOverheadBytes` more) and lines waiting to be stored; what comes
 * on top is dropped and counted. Ours.
 */
export const bufferCharactersMax = 16 * 1_048_576;
export const bufferLinesMax = 100_000;

/** UTF-16 units of waiting lines that are joined into one piece. Ours. */
export const pageCharacters = 4 * 1_024;

/** Milliseconds lines wait for company before they are stored. Ours. */
export const flushDelayMs = 50;

/** Milliseconds until storing is tried again after it failed. Ours. */
export const flushRetryMs = 1_000;

/** Lines and characters stored in one transaction, so that invocations get their turn between two. Ours. */
export const flushLinesMax = 8_000;
export const flushCharactersMax = 1_048_576;

/** UTF-16 units of the messages in one chunk; a longer message is a chunk of its own. Ours. */
export const chunkCharactersMax = 128 * 1_024;

/** Bytes up to which the newest chunk of a stream is rewritten with what comes next. Ours. */
export const growingBytesMax = 8 * 1_024;

/** Bytes of a body from which compressing it pays, and from which it is done in the thread pool. Ours. */
export const packBytesMin = 4 * 1_024;
export const packAsideBytesMin = 48 * 1_024;

/** Milliseconds between two looks for expired events, and chunks removed in one transaction. Ours. */
export const sweepIntervalMs = 600_000;
export const sweepChunksMax = 16;

/** Live Tail: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html */
export const tailUpdateMs = 1_000;
export const tailUpdateEventsMax = 500;
export const tailSessionMsMax = 3 * 3_600_000;

/** Streams of a group a Live Tail session looks at each second, those with the newest events first. Ours. */
export const tailStreamsMax = 1_000;

/** Events of one stream a session takes in one second before sampling. Ours. */
export const tailScanEventsMax = 5_000;

/** Live Tail sessions per account at the same time. */
export const tailSessionsMax = 15;
