import { compareBytes } from "../values/values.ts";
import type { AttributeValue } from "../values/values.ts";

/** The union of two sets; undefined when they are not sets of the same type. */
export function withElements(
  set: AttributeValue,
  added: AttributeValue,
): AttributeValue | undefined {
  if (set.SS && added.SS) return { SS: [...new Set([...set.SS, ...added.SS])] };
  if (set.NS && added.NS) return { NS: [...new Set([...set.NS, ...added.NS])] };
  if (!set.BS || !added.BS) return undefined;
  return { BS: [...set.BS, ...added.BS.filter((member) => !holds(set.BS, member))] };
}

/** What is left of a set; undefined when the two are not sets of the same type. */
export function withoutElements(
  set: AttributeValue,
  removed: AttributeValue,
): AttributeValue | "empty" | undefined {
  if (set.SS && removed.SS) {
    const SS = difference(set.SS, removed.SS);
    return SS.length === 0 ? "empty" : { SS };
  }
  if (set.NS && removed.NS) {
    const NS = difference(set.NS, removed.NS);
    return NS.length === 0 ? "empty" : { NS };
  }
  if (!set.BS || !removed.BS) return undefined;
  const BS = set.BS.filter((member) => !holds(removed.BS, member));
  return BS.length === 0 ? "empty" : { BS };
}

function difference(members: readonly string[], removed: readonly string[]): string[] {
  const gone = new Set(removed);
  return members.filter((member) => !gone.has(member));
}

function holds(members: readonly Uint8Array[] | undefined, wanted: Uint8Array): boolean {
  return members?.some((member) => compareBytes(member, wanted) === 0) ?? false;
}
