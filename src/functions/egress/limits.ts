/** Bounds of the way out. Ours; AWS has no proxy to compare with. */

/** Connections of one sandbox at a time. */
export const connectionsPerSandboxMax = 128;
/** Connections of all sandboxes. */
export const connectionsMax = 2_048;
/** Bytes of a request's head; the rest of the message is never looked at. */
export const headBytesMax = 16 * 1024;
/** From the connection to the end of the request's head. */
export const headTimeoutMs = 10_000;
/** Name resolution, and each attempt to connect. */
export const resolveTimeoutMs = 5_000;
export const connectTimeoutMs = 10_000;
/** Addresses of one name that are tried. */
export const addressesMax = 8;
/** A connection over which nothing passes is closed; AWS's NAT gateway does so after 350 s. */
export const idleTimeoutMs = 350_000;
/** Bytes waiting in one direction before the sender has to pause. */
export const bufferBytesMax = 256 * 1024;
/** How long a refused client may take to read why and close. */
export const refusalTimeoutMs = 2_000;
