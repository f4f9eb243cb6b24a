/**
 * Bounds of invoking. AWS numbers: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html and
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (seen 2026-11).
 */

/** Function invocations in one chain of calls: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html */
export const hopsMax = 16;

/** Bytes of a buffered response: 6 MB and the 100 bytes the service grants on top. */
export const responseBytesMax = 6 * 1024 * 1024 + 100;
/** Bytes of a streamed response: "maximum response size of 200 MB". */
export const streamBytesMax = 200 * 1024 * 1024;

/** How long to wait for the reason when a sandbox breaks off in the middle of a stream. */
export const exitReasonTimeoutMs = 500;

/** Default number of concurrent executions of an account in a region. */
export const accountConcurrencyDefault = 1_000;

/** "Lambda attempts to run it two more times", after one minute and then after two. */
export const functionErrorRetriesMax = 2;
export const functionErrorDelaysMs: readonly number[] = [60_000, 120_000];
/** "By default, Lambda retries … for up to 6 hours." Settings: 60 s to 6 h. */
export const eventAgeMaxMs = 6 * 60 * 60 * 1000;
/** Throttles and system errors: "increases exponentially from 1 second to a maximum of 5 minutes". */
export const systemErrorBackoff = { baseMs: 1_000, capMs: 300_000 } as const;

/** Events waiting in the queue of this installation. */
export const queuedEventsMax = 1_000_000;
/** Events being run at a time by one process; each one also needs admission. */
export const asyncRunsMax = 128;
/** Events taken in one transaction. */
export const claimMax = 32;
/** A process that stops renewing has lost its events after this. */
export const leaseMs = 30_000;
export const leaseRenewalMs = 10_000;
/** Deliveries to destinations and dead-letter queues before the record is given up. */
export const deliveryPolicy = { attemptsMax: 10, baseMs: 1_000, capMs: 300_000 } as const;
/** Time one delivery may take. */
export const deliveryTimeoutMs = 30_000;
/** Bytes of the error message in a dead letter: "the first 1 KB of the error message". */
export const deadLetterMessageBytesMax = 1_024;
/** What running events get when the process stops; the rest runs again after the restart. */
export const asyncDrainMs = 10_000;
