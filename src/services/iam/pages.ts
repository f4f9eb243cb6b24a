import { pageOf } from "#storage/page.ts";
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
  const { Marker, MaxItems: limit = pageItemsDefault, read } = request;
  const after = Marker === undefined ? undefined : decodeMarker(Marker);
  const { items, next } = pageOf(reader, range, { limit, after, read });
  if (!next) return { items, IsTruncated: false };
  return { items, IsTruncated: true, Marker: Buffer.from(next).toString("base64url") };
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

function decodeMarker(marker: string): Buffer {
  if (!/^[\w-]+$/.test(marker)) throw invalidMarker();
  return Buffer.from(marker, "base64url");
}

function invalidMarker(): Error {
  return validationError("Invalid Marker.");
}
