/** Left unused on the disk that holds the blobs, so that deletions and the store itself still work. */
export const blobReserveBytes = 32 * 1024 * 1024;

/** Blobs are read and verified in pieces of this size. */
export const blobChunkBytes = 256 * 1024;
