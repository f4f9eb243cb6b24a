/**
 * Quotas of EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (seen 2026-11).
 */

/** Bytes of all entries of one PutEvents together, as counted by https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size. */
export const requestBytesMax = 1_048_576;

/** Entries of one PutEvents. */
export const entriesMax = 10;

/** Bytes that an entry's time counts for. */
export const timeBytes = 14;

export const rulesPerBusMax = 300;
export const targetsPerRuleMax = 5;
export const busesMax = 100;
export const tagsPerResourceMax = 50;
export const archivesMax = 100;
export const policyBytesMax = 10_240;

/** Variables of one input transformer. */
export const inputPathsMax = 100;

/** Retries and age of a delivery unless its target says otherwise: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html */
export const retriesDefault = 185;
export const ageSecondsDefault = 86_400;

/** Entries of one page of a listing when the caller names none. */
export const pageItemsDefault = 100;

/** Buses whose rules a process keeps ready to match. */
export const readyBusesMax = 256;

/** Archived events that one transaction of a replay sends. */
export const replayBatchMax = 100;

/** Archived events that one transaction lets go of. */
export const expiredBatchMax = 1_000;

/** Milliseconds between two looks at what an archive must let go of. */
export const archiveSweepMs = 86_400_000;
