/** Bounds of the event spine; units are in the names. */

/** Handovers remembered for people to look at, per process. */
export const journalMax = 1_000;

/** Deliveries waiting in one process' part of the outbox; more is `PlatformError("queue.full")`. */
export const outboxEntriesMax = 1_000_000;
/** Deliveries under way at a time, in all and to one target. */
export const outboxRunsMax = 256;
export const outboxRunsPerTargetMax = 32;
/** Deliveries to one target held in memory; the others wait in the store. */
export const outboxLoadedPerTargetMax = 128;
/** Deliveries whose commit is being waited for; others are found by looking into the store. */
export const outboxUnconfirmedMax = 4_096;
/** A transaction that has not been committed after this has been given up. */
export const outboxUnconfirmedMs = 60_000;
/** Time one delivery may take. */
export const deliveryTimeoutMs = 30_000;
/** What running deliveries get when the process stops; they are made again after the restart. */
export const deliveryDrainMs = 10_000;
/** Pauses between tries of a delivery whose sender says nothing about them. */
export const deliveryBackoff = { baseMs: 1_000, capMs: 300_000 } as const;
/** Tries to hand an exhausted delivery to its dead-letter target, over about a day. */
export const deadLetterRetry = { attemptsMax: 300, ageMaxMs: 24 * 60 * 60 * 1000 } as const;
/** Characters of an error message that are kept with a delivery. */
export const errorMessageMax = 1_024;
/** Bytes of an ARN or order key that stand in keys as they are; longer ones are hashed. */
export const keyNameBytesMax = 400;
/** How often a process that has something to do says that it is there, and when others stop believing it. */
export const holderRenewalMs = 10_000;
export const holderLeaseMs = 30_000;
/** Pause after the store itself has failed. */
export const storeTroubleMs = 1_000;

/**
 * Event source mappings: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
 * and https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (seen 2026-11).
 */

/** Bytes of one event: the synchronous invocation payload quota. */
export const batchBytesMax = 6 * 1024 * 1024;
/** Of these, kept for what stands around the records. */
export const batchEnvelopeBytes = 2_048;
/** "Lambda begins with five concurrent batches" and adds "up to 300 … per minute". */
export const queueBatchesFirst = 5;
export const queueBatchesPerMinute = 300;
/** Concurrent batches of one mapping without a maximum of its own. */
export const queueBatchesMax = 1_000;
/** Pauses before a throttled or failed batch is tried again. */
export const batchBackoff = { baseMs: 500, capMs: 60_000 } as const;
/** Pause after the source itself has failed; doubles up to the second. */
export const sourceTroubleBackoff = { baseMs: 500, capMs: 30_000 } as const;
/** What running batches get when the process stops or the mapping ends. */
export const batchDrainMs = 10_000;
/** "The state … must be smaller than 1 MB": https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html */
export const windowStateBytesMax = 1024 * 1024;
/** How often a stream without an open shard is looked at for a new one. */
export const shardSearchMs = 60_000;
