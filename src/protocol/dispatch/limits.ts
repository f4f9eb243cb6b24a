/** A synchronous Lambda invocation may take 15 minutes; a minute more for queueing and the answer. */
export const requestTimeoutMs = 16 * 60_000;
