import { keyAfter } from "./keys.ts";
import type { Entry, KeyRange, Reader } from "./storage.ts";

/**
 * One page of what `read` finds in a range: at most `limit` items, and where the next page goes on if there is one.
 * A position is the last key within its range, so that a forged one only moves the start of the same listing.
 */
export function pageOf<T>(
  reader: Reader,
  range: KeyRange,
  request: {
    readonly limit: number;
    /** As an earlier page gave it, decoded. */
    readonly after: Uint8Array | undefined;
    readonly read: (entry: Entry) => T | undefined;
  },
): { readonly items: T[]; readonly next: Uint8Array | undefined } {
  const { limit, after, read } = request;
  const prefix = sharedPrefix(range);
  const start = after === undefined ? range.start : keyAfter(Buffer.concat([prefix, after]));
  const items: T[] = [];
  let last: Uint8Array | undefined;
  for (const entry of reader.list({ start, end: range.end })) {
    const item = read(entry);
    if (item === undefined) continue;
    if (items.length === limit && last) return { items, next: last.subarray(prefix.length) };
    items.push(item);
    last = Uint8Array.from(entry.key);
  }
  return { items, next: undefined };
}

function sharedPrefix({ start, end }: KeyRange): Uint8Array {
  let length = 0;
  while (length < start.length && start[length] === end[length]) length++;
  return start.subarray(0, length);
}
