import { compareBytes, isEmptyRange } from "../../bytes.ts";
import type { Changes } from "../../transaction.ts";
import type { Entry, KeyRange } from "../../storage.ts";

/**
 * Entries in key order that never change: an array of short arrays, of which an update copies only
 * those it touches. A reader holding an older one has its snapshot for free.
 */
export interface SortedEntries {
  readonly chunks: readonly Chunk[];
  /** Of all keys and values. */
  readonly byteCount: number;
}

type Chunk = readonly Entry[];

const chunkEntriesMax = 128;

export const noEntries: SortedEntries = { chunks: [], byteCount: 0 };

export function find(entries: SortedEntries, key: Uint8Array): Uint8Array | undefined {
  const chunk = entries.chunks[chunkAt(entries.chunks, key)];
  const entry = chunk?.[entryAt(chunk, key)];
  return entry && compareBytes(entry.key, key) === 0 ? entry.value : undefined;
}

export function* entriesInside(
  entries: SortedEntries,
  range: KeyRange,
  reverse: boolean,
): Generator<Entry> {
  if (isEmptyRange(range)) return;
  const { chunks } = entries;
  const edge = reverse ? range.end : range.start;
  const step = reverse ? -1 : 1;
  let at = Math.min(chunkAt(chunks, edge), chunks.length - 1);
  let within = entryAt(chunks[at] ?? [], edge);
  if (reverse) within--; // `end` itself is outside the range
  for (; at >= 0 && at < chunks.length; at += step) {
    const chunk = chunks[at] ?? [];
    for (; within >= 0 && within < chunk.length; within += step) {
      const entry = chunk[within] as Entry; // in range by the loop's condition
      if (reverse && compareBytes(entry.key, range.start) < 0) return;
      if (!reverse && compareBytes(entry.key, range.end) >= 0) return;
      yield entry;
    }
    within = reverse ? (chunks[at - 1]?.length ?? 0) - 1 : 0;
  }
}

export function applyChanges(entries: SortedEntries, changes: Changes): SortedEntries {
  const chunks = [...entries.chunks];
  const owned = new Set<Chunk>();
  let byteCount = entries.byteCount;
  const remove = (key: Uint8Array): void => {
    const at = chunkAt(chunks, key);
    const chunk = chunks[at];
    const within = chunk ? entryAt(chunk, key) : 0;
    const entry = chunk?.[within];
    if (!chunk || !entry || compareBytes(entry.key, key) !== 0) return;
    byteCount -= entry.key.byteLength + entry.value.byteLength;
    if (chunk.length === 1) chunks.splice(at, 1);
    else ownedChunk(chunks, at, owned).splice(within, 1);
  };
  for (const range of changes.deletedRanges)
    for (const entry of entriesInside(entries, range, false)) remove(entry.key);
  for (const { key, value } of changes.entries) {
    remove(key);
    if (value === undefined) continue;
    byteCount += key.byteLength + value.byteLength;
    const at = Math.max(0, Math.min(chunkAt(chunks, key), chunks.length - 1));
    if (chunks.length === 0) chunks.push([]);
    const chunk = ownedChunk(chunks, at, owned);
    chunk.splice(entryAt(chunk, key), 0, { key, value });
    if (chunk.length > chunkEntriesMax) {
      const upper = chunk.splice(chunkEntriesMax / 2);
      owned.add(upper);
      chunks.splice(at + 1, 0, upper);
    }
  }
  return { chunks, byteCount };
}

function ownedChunk(chunks: Chunk[], at: number, owned: Set<Chunk>): Entry[] {
  const chunk = chunks[at] ?? [];
  if (owned.has(chunk)) return chunk as Entry[]; // made below by this same update, seen by no one
  const copy = [...chunk];
  owned.add(copy);
  chunks[at] = copy;
  return copy;
}

/** Index of the first chunk whose last key is not before `key`; the count of chunks if none. */
function chunkAt(chunks: readonly Chunk[], key: Uint8Array): number {
  return lowerBound(chunks.length, (at) => compareBytes(chunks[at]?.at(-1)?.key ?? key, key) < 0);
}

/** Index of the first entry not before `key`. */
function entryAt(chunk: Chunk, key: Uint8Array): number {
  return lowerBound(chunk.length, (at) => compareBytes(chunk[at]?.key ?? key, key) < 0);
}

function lowerBound(length: number, isBefore: (at: number) => boolean): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
