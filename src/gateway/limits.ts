/** Node's own default is 60 s, long enough for a handful of slow senders to hold every connection. */
export const headersTimeoutMs = 10_000;

/** How often Node looks for connections that are over their time; its default is 30 s. */
export const connectionsCheckMs = 1_000;

/** Head and body together; the largest upload (a 50 MB package) takes far less. */
export const requestTimeoutMs = 300_000;

/** Idle connections are kept a little longer than the SDKs' pools reuse them. */
export const keepAliveTimeoutMs = 65_000;

/** Long session tokens and presigned URLs are a few KiB. */
export const headBytesMax = 32 * 1024;

export const connectionsMax = 4_096;

/** Connections out of one sandbox. */
export const guestConnectionsMax = 256;

/** A client that reads nothing for this long loses its connection. */
export const responseStallMs = 60_000;

/** What is still arriving when the answer has gone is swallowed so far, then the connection ends. */
export const lingerBytesMax = 16 * 1024 * 1024;
export const lingerMs = 5_000;

/** Request and response payload of a synchronous invocation. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const functionUrlBytesMax = 6 * 1024 * 1024;

/** Status, headers and cookies of a streamed response; our own bound. */
export const preludeBytesMax = 256 * 1024;

/** Nobody waits longer for a function: its 15 minutes and one for queueing. */
export const invocationDeadlineMs = 16 * 60_000;
