/** Bytes of one frame between two processes: the largest payload (6 MB) and answers of the admin pages. */
export const frameBytesMax = 64 * 1024 * 1024;
/** Bytes of a frame's description: names, a context of a few KiB, at most 8 KiB of client context. */
export const metaBytesMax = 256 * 1024;
/** Calls one process has open at another. */
export const callsMax = 20_000;
/** Bytes waiting to be written to another process; beyond it new calls are refused. */
export const linkBacklogBytesMax = 256 * 1024 * 1024;
/** Bytes of a streamed answer that are under way unread. */
export const streamWindowBytes = 256 * 1024;

/** Permits a process is given beyond what it asked for, so that it asks less often. */
export const permitBlockMax = 32;

/** Functions whose owner a worker remembers; more are asked for again. */
export const placesRememberedMax = 100_000;

/** How long one worker waits for what it asks all others; a worker that takes longer is left out. */
export const askTimeoutMs = 5_000;

/** Pauses before a worker that died is started again, and how long one has to live to be forgiven. */
export const restartPolicy = { baseMs: 50, capMs: 5_000 } as const;
export const stableMs = 60_000;
/** How long a worker that others cannot reach has to end before it is ended. */
export const reachGraceMs = 1_000;
/** How often is looked whether a dead worker's sandboxes are gone; they take some 20 ms. */
export const remainsPollMs = 10;
/** Bytes of a Unix socket's path, the closing zero left out (unix(7)). */
export const socketPathBytesMax = 107;

/** How long a worker whose invocations lack memory waits before it asks all others again. */
export const memoryRetryMs = 100;
