/** Node's own default is 60 s, long enough for a handful of slow senders to hold every connection. */
export const headersTimeoutMs = 10_000;

/** How often Node looks for connections that are over their time; its default is 30 s. */
export const connectionsCheckMs = 1_000;

/** Head and body together; the largest upload (a 50 MB package) takes far less. */
export const requestTimeoutMs = 300_000;

/** Fields of a form before its file. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html: 20 KB in all. */
export const formFieldsMax = 256;
export const formFieldBytesMax = 64 * 1024;

/** Idle connections are kept a little longer than the SDKs' pools reuse them. */
export const keepAliveTimeoutMs = 65_000;

/** Long session tokens and presigned URLs are a few KiB. */
export const headBytesMax = 32 * 1024;

/** Bytes of unfinished requests that all callers together may have sent. */
export const arrivingBytesMax = 512 * 1024 * 1024;

/** Connections refused at a cap are logged once, then as a number per this time. */
export const droppedLogMs = 1_000;

/** Connections out of one sandbox. */
export const guestConnectionsMax = 256;

/**
 * A reader takes one slice in this time or loses its connection: 2 KiB a second, so that the largest
 * buffered answer is gone after 50 minutes at the latest. (Kestrel's default is 240 bytes a second:
 * https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.minresponsedatarate)
 */
export const readerStallMs = 30_000;
export const answerSliceBytes = 64 * 1024;

/** Bytes of answers that slow readers together may leave in our memory. */
export const unreadBytesMax = 256 * 1024 * 1024;

/** What is still arriving when the answer has gone is swallowed so far, then the connection ends. */
export const lingerBytesMax = 16 * 1024 * 1024;
export const lingerMs = 5_000;

/** Request and response payload of a synchronous invocation. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const functionUrlBytesMax = 6 * 1024 * 1024;

/** Status, headers and cookies of a streamed response; our own bound. */
export const preludeBytesMax = 256 * 1024;

/** Nobody waits longer for a function: its 15 minutes and one for queueing. */
export const invocationDeadlineMs = 16 * 60_000;

/** Heads of functions' answers that are remembered as checked, and how large one may be for that. */
export const rememberedHeadsMax = 1_024;
export const rememberedHeadBytesMax = 4 * 1024;

/** Host headers whose meaning is remembered. */
export const rememberedHostsMax = 1_024;

/** Bodies up to this size are written together with their head. */
export const joinedBytesMax = 16 * 1024;

/** Bytes in which events of function URLs are written one behind the other; one that waits holds all of them. */
export const eventSlabBytes = 32 * 1024;
