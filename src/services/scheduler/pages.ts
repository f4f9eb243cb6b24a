import { pageOf } from "#storage/page.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { validationError } from "./errors.ts";
import { pageItemsDefault } from "./limits.ts";

/** `NextToken` and `MaxResults` as every listing of Scheduler has them. */
interface PageRequest {
  readonly NextToken?: string | undefined;
  readonly MaxResults?: number | undefined;
}

/** One page of what `read` finds in a range. */
export function page<T>(
  reader: Reader,
  range: KeyRange,
  request: PageRequest & { readonly read: (entry: Entry) => T | undefined },
): { readonly items: T[]; readonly NextToken?: string } {
  const { NextToken, MaxResults: limit = pageItemsDefault, read } = request;
  const after = NextToken === undefined ? undefined : decodeToken(NextToken);
  const { items, next } = pageOf(reader, range, { limit, after, read });
  return { items, ...(next && { NextToken: Buffer.from(next).toString("base64url") }) };
}

function decodeToken(token: string): Buffer {
  if (!/^[\w-]+$/.test(token)) throw validationError("The next token is not valid.");
  return Buffer.from(token, "base64url");
}
