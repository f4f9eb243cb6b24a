/** Pieces of a body that arrive are written together once they are this many bytes. */
export const writeBytes = 512 * 1024;

/** Bodies are read in pieces of this size. */
export const readBytes = 256 * 1024;

/** Left unused on the disk, so that deletions and the store itself still work. */
export const bodyReserveBytes = 32 * 1024 * 1024;

/** How much is written before the room on the disk is looked at again. */
export const roomCheckBytes = 16 * 1024 * 1024;
