import { PlatformError } from "#base/errors.ts";
import { reserveBytesMax, smallPutBytesMax } from "./limits.ts";
import type { Reader } from "./storage.ts";
import type { Changes } from "./transaction.ts";

/** How much room a store has left before its end, and how much of that is kept for deletions. */
export interface Room {
  readonly leftBytes: number;
  readonly reserveBytes: number;
}

/** The default reserve of a store that may grow to `bytesMax`. */
export function defaultReserveBytes(bytesMax: number): number {
  return Math.min(reserveBytesMax, Math.floor(bytesMax / 16));
}

/** Whether ordinary small puts are refused. */
export function isFull(room: Room): boolean {
  return room.leftBytes - smallPutBytesMax < room.reserveBytes;
}

/**
 * Whether a transaction that puts `putBytes` and removes `removedBytes` (deleted or overwritten) may
 * commit. With room for it beyond the reserve, always. In the upper half of the reserve, if it
 * removes something and its puts are small, or if it does not grow the store; in the lower half only
 * the latter, so that deletions cannot use up what they need.
 */
export function mayCommit(
  room: Room,
  change: { readonly putBytes: number; readonly removedBytes: () => number },
): boolean {
  if (change.putBytes === 0) return true;
  if (room.leftBytes - change.putBytes >= room.reserveBytes) return true;
  const removedBytes = change.removedBytes();
  if (removedBytes >= change.putBytes) return true;
  return (
    removedBytes > 0 &&
    change.putBytes <= smallPutBytesMax &&
    room.leftBytes >= room.reserveBytes / 2
  );
}

export function fullError(what: string, cause?: unknown): PlatformError {
  return new PlatformError(
    "storage.full",
    `${what} is full: nothing can be added until something is deleted, the disk has more free ` +
      "space or the store's limit is raised",
    cause === undefined ? undefined : { cause },
  );
}

/** What deleting and overwriting would free, by looking up what is there now. */
export function removedBytes(changes: Changes, current: Reader): number {
  let bytes = 0;
  for (const { key } of changes.entries) {
    const value = current.get(key);
    if (value) bytes += key.byteLength + value.byteLength;
  }
  for (const range of changes.deletedRanges)
    for (const { key, value } of current.list(range)) bytes += key.byteLength + value.byteLength;
  return bytes;
}
