/**
 * Quotas and bounds of SQS. Where no page is named:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html and
 * …/sqs-quotas.html (seen 2026-11); those marked "ours" bound what AWS does not state.
 */

/** Bytes of a message with its attributes, and of all messages of one batch. */
export const messageBytesMax = 1_048_576;

/** Entries of one batch, and messages of one receive. */
export const batchEntriesMax = 10;

/** Message attributes; bytes of their names and types. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html */
export const messageAttributesMax = 10;
export const attributeNameBytesMax = 256;

/** Seconds: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
export const delaySecondsMax = 900;
export const visibilitySecondsMax = 43_200;
export const waitSecondsMax = 20;
export const retentionSecondsMin = 60;
export const retentionSecondsMax = 1_209_600;
export const messageBytesMin = 1_024;
export const keyReuseSecondsMin = 60;
export const keyReuseSecondsMax = 86_400;

/** Messages in flight, of a standard and of a FIFO queue. */
export const inFlightMax = 120_000;

/** Milliseconds in which a second message with the same deduplication id is the same message. */
export const deduplicationMs = 300_000;

/** Milliseconds between two purges, and until a deleted queue's name is free. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html */
export const purgeIntervalMs = 60_000;
export const deletedNameMs = 60_000;

/** Range of `maxReceiveCount` in a redrive policy, and queues in a redrive allow policy. */
export const maxReceiveCountMax = 1_000;
export const allowedSourcesMax = 10;

/** Statements of a queue's policy; actions and principals of each. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html */
export const policyStatementsMax = 20;
export const permissionActionsMax = 7;

/** Tags of one queue. */
export const tagsMax = 50;

/** Entries of a listing's page. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html */
export const pageEntriesMax = 1_000;

/** Move tasks: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html */
export const movedPerSecondMax = 500;
export const moveTasksListedMax = 10;

/** Messages moved in one transaction of a move task, and milliseconds its runner owns it. Ours. */
export const moveChunkMessages = 100;
export const moveLeaseMs = 30_000;

/** Requests carried out in one transaction of a queue. Ours. */
export const laneBatchMax = 512;

/** Requests waiting for their queue, and receivers waiting for a message, in one process. Ours. */
export const laneWaitingMax = 20_000;

/** Messages whose time has come, moved in one transaction; the rest follows in the next. Ours. */
export const settledMax = 1_000;

/** Expired messages of a FIFO queue looked at in one transaction. Ours. */
export const expiredMax = 100;

/** Entries read ahead of what a receive asks for. Ours. */
export const readyPageEntries = 32;

/**
 * Milliseconds from the start to the first look for what nobody asks about any more, and between two;
 * entries and bytes removed in one transaction. Ours.
 */
export const firstSweepMs = 1_000;
export const sweepIntervalMs = 600_000;
export const sweepEntriesMax = 2_000;
export const sweepBytesMax = 8 * 1_048_576;
