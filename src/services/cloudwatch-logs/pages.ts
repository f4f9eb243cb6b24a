import { keyAfter } from "#storage/keys.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { invalidParameter } from "./errors.ts";
import { describePageMax } from "./limits.ts";

/** One page of a listing; `nextToken` is absent on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

export interface PageRequest<T> {
  readonly nextToken?: string | undefined;
  readonly limit?: number | undefined;
  readonly descending?: boolean | undefined;
  /** Undefined leaves the entry out. */
  readonly read: (entry: Entry) => T | undefined;
}

/**
 * The token is the last entry's key relative to the range, so a forged one only moves the start
 * within the same listing.
 */
export function pageOfRange<T>(reader: Reader, range: KeyRange, request: PageRequest<T>): Page<T> {
  const limit = request.limit ?? describePageMax;
  const reverse = request.descending === true;
  const items: T[] = [];
  let last: Uint8Array | undefined;
  for (const entry of reader.list(rest(range, request), { reverse })) {
    const item = request.read(entry);
    if (item === undefined) continue;
    if (items.length === limit) {
      const prefix = sharedPrefix(range);
      const tail = (last ?? prefix).subarray(prefix.length);
      return { items, nextToken: Buffer.from(tail).toString("base64url") };
    }
    items.push(item);
    last = Uint8Array.from(entry.key);
  }
  return { items };
}

/** What a listing's answer says about its page, without the items. */
export function pageEnd(page: Page<unknown>): { nextToken?: string } {
  return page.nextToken === undefined ? {} : { nextToken: page.nextToken };
}

function rest(range: KeyRange, request: PageRequest<unknown>): KeyRange {
  const { nextToken } = request;
  if (nextToken === undefined) return range;
  if (!/^[\w-]+$/.test(nextToken)) throw invalidToken();
  const at = Buffer.concat([sharedPrefix(range), Buffer.from(nextToken, "base64url")]);
  const isBackward = request.descending === true;
  return isBackward ? { ...range, end: at } : { ...range, start: keyAfter(at) };
}

/** What all keys of a range begin with. */
function sharedPrefix({ start, end }: KeyRange): Uint8Array {
  let length = 0;
  while (length < start.length && start[length] === end[length]) length++;
  return start.subarray(0, length);
}

export function invalidToken(): Error {
  return invalidParameter("The specified nextToken is invalid.");
}
