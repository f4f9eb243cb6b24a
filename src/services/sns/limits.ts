/**
 * Quotas and bounds of SNS. Where no page is named: https://docs.aws.amazon.com/general/latest/gr/sns.html
 * (seen 2026-11); those marked "ours" bound what AWS does not state.
 */

/** Bytes of a message with its attributes, and of all messages of one batch. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export const messageBytesMax = 262_144;

/** Characters of a subject; entries of one batch. Same page. */
export const subjectCharactersMax = 100;
export const batchEntriesMax = 10;

/** Tags of one topic, statements and characters of its policy. https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html */
export const tagsMax = 50;
export const policyCharactersMax = 30_720;

/** Entries of a listing's page. https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html */
export const pageEntriesMax = 100;

/** Milliseconds in which a second message with the same deduplication id is the same message. https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html */
export const deduplicationMs = 300_000;

/** Ids forgotten with each message that is published. Ours: two go for each that comes. */
export const forgottenMax = 2;

/** How often and how long functions and queues are tried. https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html */
export const awsEndpointRetry = {
  attemptsMax: 100_015,
  ageMaxMs: 23 * 86_400_000,
  baseMs: 1_000,
  capMs: 20_000,
} as const;

/** Filter policies kept compiled. Ours. */
export const compiledFiltersMax = 1_000;
