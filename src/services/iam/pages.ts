import { keyAfter } from "#storage/keys.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { pageItemsDefault } from "./limits.ts";
import { validationError } from "./errors.ts";

/** `Marker` and `MaxItems` as every listing of IAM has them. */
export interface PageRequest {
  readonly Marker?: string | undefined;
  readonly MaxItems?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

/**
 * One page of the entries of `range` for which `read` returns something. The marker is the key of the
 * last entry relative to the range, so a forged one only moves the start within the same listing.
 */
export function pageOfRange<T>(
  reader: Reader,
  range: KeyRange,
  request: PageRequest & { readonly read: (entry: Entry) => T | undefined },
): Page<T> {
  const limit = request.MaxItems ?? pageItemsDefault;
  const prefix = sharedPrefix(range);
  const start =
    request.Marker === undefined
      ? range.start
      : keyAfter(joined(prefix, decodeMarker(request.Marker)));
  const items: T[] = [];
  let last: Uint8Array | undefined;
  for (const entry of reader.list({ start, end: range.end })) {
    const item = request.read(entry);
    if (item === undefined) continue;
    if (items.length === limit) {
      const tail = (last ?? prefix).subarray(prefix.length);
      return { items, IsTruncated: true, Marker: Buffer.from(tail).toString("base64url") };
    }
    items.push(item);
    last = Uint8Array.from(entry.key);
  }
  return { items, IsTruncated: false };
}

/** One page of a short list that is already in memory; the marker is a position. */
export function pageOfList<T>(all: readonly T[], request: PageRequest): Page<T> {
  const limit = request.MaxItems ?? pageItemsDefault;
  const from = request.Marker === undefined ? 0 : Number(decodeMarker(request.Marker).toString());
  if (!Number.isSafeInteger(from) || from < 0) throw invalidMarker();
  const items = all.slice(from, from + limit);
  const next = from + items.length;
  if (next >= all.length) return { items, IsTruncated: false };
  return { items, IsTruncated: true, Marker: Buffer.from(String(next)).toString("base64url") };
}

/** What a listing's answer says about its page, without the items. */
export function pageEnd(page: Page<unknown>): { IsTruncated: boolean; Marker?: string } {
  return page.Marker === undefined
    ? { IsTruncated: page.IsTruncated }
    : { IsTruncated: page.IsTruncated, Marker: page.Marker };
}

/** What all keys of a range begin with. */
function sharedPrefix({ start, end }: KeyRange): Uint8Array {
  let length = 0;
  while (length < start.length && start[length] === end[length]) length++;
  return start.subarray(0, length);
}

function decodeMarker(marker: string): Buffer {
  if (!/^[\w-]+$/.test(marker)) throw invalidMarker();
  return Buffer.from(marker, "base64url");
}

function invalidMarker(): Error {
  return validationError("Invalid Marker.");
}

function joined(prefix: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(prefix.length + tail.length);
  whole.set(prefix);
  whole.set(tail, prefix.length);
  return whole;
}
