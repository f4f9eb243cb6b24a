/**
 * Ordered key-value state with serializable transactions, and content-addressed blobs.
 * Everything durable in Skerry goes through these two; drivers live in `drivers/<name>`.
 */
export interface Store extends AsyncDisposable {
  /** One consistent snapshot for the whole of `work`. */
  read<T>(work: (reader: Reader) => T | Promise<T>): Promise<T>;
  /**
   * Serializable. Resolves once the commit is on disk (fsync), grouped with its neighbours.
   * `work` is run again after a conflict, so it may act only through `tx` and must be repeatable.
   * Errors thrown by `work` abort it and pass through. Conflicts are retried a bounded number of
   * times, then `PlatformError("storage.conflict")`. A full disk is `PlatformError("storage.full")`,
   * raised before the real end, while reads and deletions still work.
   */
  write<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T>;
  /**
   * Yields after commits (of this or another process) that touched `range`, at least once per change
   * and possibly once for several; says "look again", not what changed. First yield is immediate.
   * Ends when the signal aborts.
   */
  watch(range: KeyRange, signal: AbortSignal): AsyncIterable<void>;
  /** Bytes used and the most it may use; `full` when writes are being refused. */
  usage(): Promise<{ readonly bytes: number; readonly bytesMax: number; readonly full: boolean }>;
}

export interface Reader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Ascending unless `reverse`; at most `limit` entries. The range is half-open. */
  list(
    range: KeyRange,
    options?: { readonly limit?: number; readonly reverse?: boolean },
  ): Iterable<Entry>;
}

export interface Transaction extends Reader {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  deleteRange(range: KeyRange): void;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Half-open, byte order. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** Large immutable values as files addressed by the SHA-256 of their bytes. */
export interface BlobStore {
  /** Resolves when the bytes and the directory entry are on disk. Storing the same bytes again is free. */
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobReference>;
  /** `PlatformError("blob.missing")` when unknown, "blob.corrupt" when the bytes no longer match. */
  get(sha256: string): Promise<Uint8Array>;
  stream(
    sha256: string,
    range?: { readonly start: number; readonly end: number },
  ): AsyncIterable<Uint8Array>;
  /** Absolute path of the file holding the blob, for tools that need a file. */
  path(sha256: string): string;
  delete(sha256: string): Promise<void>;
}

export interface BlobReference {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly byteCount: number;
}
