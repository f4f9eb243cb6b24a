import { keyAfter } from "#storage/keys.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { invalidParameter } from "./errors.ts";
import { pageEntriesMax } from "./limits.ts";

/**
 * One page of a listing, a hundred entries. The token is the last entry's key relative to the range, so a forged one
 * only moves the start within the same listing.
 */
export function pageOfRange<T>(
  reader: Reader,
  range: KeyRange,
  {
    NextToken: token,
    read,
  }: { readonly NextToken?: string | undefined; readonly read: (entry: Entry) => T },
): { readonly items: readonly T[]; readonly NextToken?: string } {
  const prefix = range.start.subarray(0, range.start.length - 1);
  const start =
    token === undefined ? range.start : keyAfter(Buffer.concat([prefix, decode(token)]));
  const found = Array.from(reader.list({ start, end: range.end }, { limit: pageEntriesMax + 1 }));
  const page = found.slice(0, pageEntriesMax);
  const last = page.at(-1);
  const items = page.map(read);
  if (found.length <= pageEntriesMax || !last) return { items };
  return { items, NextToken: Buffer.from(last.key.subarray(prefix.length)).toString("base64url") };
}

function decode(token: string): Uint8Array {
  if (!/^[\w-]+$/.test(token)) throw invalidParameter("NextToken");
  return Buffer.from(token, "base64url");
}
