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
