import { keyAfter } from "#storage/keys.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { validationError } from "./errors.ts";
import { pageItemsDefault } from "./limits.ts";

/** `NextToken` and `Limit` as every listing of EventBridge has them. */
interface PageRequest {
  readonly NextToken?: string | undefined;
  readonly Limit?: number | undefined;
}

/**
 * One page of what `read` finds in a range. A token is the last key within its range, so that a forged one
 * only moves the start of the same listing.
 */
export function page<T>(
  reader: Reader,
  range: KeyRange,
  request: PageRequest & { readonly read: (entry: Entry) => T | undefined },
): { readonly items: T[]; readonly NextToken?: string } {
  const limit = request.Limit ?? pageItemsDefault;
  const prefix = sharedPrefix(range);
  const start =
    request.NextToken === undefined
      ? range.start
      : keyAfter(Buffer.concat([prefix, decodeToken(request.NextToken)]));
  const items: T[] = [];
  let last: Uint8Array | undefined;
  for (const entry of reader.list({ start, end: range.end })) {
    const item = request.read(entry);
    if (item === undefined) continue;
    if (items.length === limit && last)
      return { items, NextToken: Buffer.from(last.subarray(prefix.length)).toString("base64url") };
    items.push(item);
    last = Uint8Array.from(entry.key);
  }
  return { items };
}

function sharedPrefix({ start, end }: KeyRange): Uint8Array {
  let length = 0;
  while (length < start.length && start[length] === end[length]) length++;
  return start.subarray(0, length);
}

function decodeToken(token: string): Buffer {
  if (!/^[\w-]+$/.test(token)) throw validationError("The next token is not valid.");
  return Buffer.from(token, "base64url");
}
