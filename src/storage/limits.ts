/** Bounds of the storage module; units are in the names. */

/** Bytes of keys and values one transaction may write; larger things belong in the blob store. */
export const transactionBytesMax = 256 * 1024 * 1024;

/** Writes waiting for a commit in one process; more is `PlatformError("queue.full")`. */
export const pendingWritesMax = 65_536;

/** One commit carries at most this many transactions and about this many bytes (at least one). */
export const batchWritesMax = 4_096;
export const batchBytesMax = 8 * 1024 * 1024;

/** How often an asynchronous transaction is run again before `PlatformError("storage.conflict")`. */
export const conflictRetriesMax = 32;

/** Puts that a transaction which also deletes may make while the store is full. */
export const smallPutBytesMax = 16 * 1024;

/** Kept free for deletions: a sixteenth of the store, at most this much. */
export const reserveBytesMax = 64 * 1024 * 1024;

/** Entries fetched per visit to the B-tree while listing, growing from the first to the second. */
export const pageEntriesMin = 32;
export const pageEntriesMax = 512;
/** A page of a listing ends early beyond this many bytes of values. */
export const pageBytesMax = 1024 * 1024;

/**
 * Snapshots open at once over all processes of a store. LMDB's default is 126
 * (http://www.lmdb.tech/doc/group__mdb.html, mdb_env_set_maxreaders).
 */
export const readersMax = 1_024;

/** Safety net behind the doorbell between processes: how often a watched store looks for missed commits. */
export const watchPollMs = 1_000;
