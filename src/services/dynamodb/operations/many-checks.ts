import type { ItemPlace } from "../items/keys.ts";
import { validation } from "../values/values.ts";

/** For what is answered under names of tables: `__proto__` is one. */
export function byCallersName<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>; // without a prototype it is nothing else
}

/** Lists and maps of requests have at least one and at most so many. Throws ValidationException. */
export function checkCount(
  value: object,
  { at, max }: { readonly at: string; readonly max: number },
): void {
  const count = Object.keys(value).length;
  if (count >= 1 && count <= max) return;
  const shown = Array.isArray(value) ? `[${count} entries]` : `{${Object.keys(value).join(", ")}}`;
  const demand = count === 0 ? "greater than or equal to 1" : `less than or equal to ${max}`;
  throw validation(
    `1 validation error detected: Value '${shown.slice(0, 1_024)}' at '${at}' failed to satisfy constraint: Member must have length ${demand}`,
  );
}

/** Throws ValidationException when one item is named twice. */
export function refuseDuplicates(
  places: readonly ItemPlace[],
  said = "Provided list of item keys contains duplicates",
): void {
  const seen = new Set(places.map(({ key }) => Buffer.from(key).toString("latin1")));
  if (seen.size < places.length) throw validation(said);
}
