import { invalid } from "./errors.ts";
import { pageItemsDefault } from "./limits.ts";

/** A listing's place, opaque to the client and worthless in another account or listing. */
interface Place {
  readonly scope: string;
  readonly after: string;
}

export interface PageRequest {
  /** Where to continue; undefined at the beginning. */
  readonly after: string | undefined;
  readonly limit: number;
  /** The page and the marker of the next one, from one entry more than the page may hold. */
  cut<T>(
    entries: readonly T[],
    placeOf: (entry: T) => string,
  ): { readonly items: readonly T[]; readonly next: string | undefined };
}

/**
 * `scope` names what is listed: account, region and everything that selects entries. A marker made
 * for another scope is refused. Ask the store for `limit + 1` entries and `cut` them.
 */
export function pageRequest(
  scope: readonly string[],
  input: { readonly Marker?: string | undefined; readonly MaxItems?: number | undefined },
): PageRequest {
  const name = scope.join("|");
  const limit = Math.min(input.MaxItems ?? pageItemsDefault, pageItemsDefault);
  const { Marker: marker } = input;
  const place = marker === undefined || marker === "" ? undefined : parse(marker);
  if (place && place.scope !== name) throw invalidMarker();
  return {
    after: place?.after,
    limit,
    cut(entries, placeOf) {
      const items = entries.slice(0, limit);
      const last = items.at(-1);
      if (entries.length <= limit || last === undefined) return { items, next: undefined };
      const next: Place = { scope: name, after: placeOf(last) };
      return { items, next: Buffer.from(JSON.stringify(next)).toString("base64url") };
    },
  };
}

function parse(marker: string): Place {
  try {
    const value: unknown = JSON.parse(Buffer.from(marker, "base64url").toString("utf8"));
    if (typeof value !== "object" || value === null) throw invalidMarker();
    const { scope, after } = value as { scope?: unknown; after?: unknown }; // both are checked next
    if (typeof scope !== "string" || typeof after !== "string") throw invalidMarker();
    return { scope, after };
  } catch {
    throw invalidMarker();
  }
}

function invalidMarker(): Error {
  return invalid("The pagination token is not valid.");
}
