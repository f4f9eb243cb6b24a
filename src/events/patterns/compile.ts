import type { Condition } from "./conditions.ts";
import { readJsonText, seenAt, type JsonText } from "./json-text.ts";
import { branchesMax } from "./limits.ts";
import { parseMatchExpression, parsePlain } from "./match-expressions.ts";
import { errorAt } from "./pattern-error.ts";

/** Fields that all have a value one of their conditions holds for, in the order of `comparePaths`. */
export type Branch = readonly FieldRule[];

export interface FieldRule {
  /** Steps joined by points: a name that holds one is the same as two steps, as in the service. */
  readonly path: string;
  readonly conditions: readonly Condition[];
}

/** Names that the service keeps for itself inside `$or`. */
const reserved = new Set(
  `exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex
  not-wildcard not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before
  in-date-range ip-address-in-range ip-address-not-in-range`.split(/\s+/),
);

type Fields = Map<string, readonly Condition[]>;

/** The alternatives that the text of a pattern stands for. Throws `PatternError` with the service's words. */
export function readBranches(source: string): readonly Branch[] {
  if (source.trim() === "") throw errorAt(source, source.length, "Filter is not an object");
  const root = readJsonText(source);
  if (root.kind !== "object") throw errorAt(source, seenAt(root), "Filter is not an object");
  const fields = readObject(root, { source, path: "", isInOr: false }, []);
  return fields.map((branch) =>
    [...branch]
      .map(([path, conditions]) => ({ path, conditions }))
      .toSorted((one, other) => comparePaths(one.path, other.path)),
  );
}

/** By steps, so that what is below one object stands together. */
function comparePaths(one: string, other: string): number {
  const [left, right] = [one.split("."), other.split(".")];
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [a = "", b = ""] = [left[at], right[at]];
    if (a !== b) return a < b ? -1 : 1;
  }
  return left.length - right.length;
}

interface Place {
  readonly source: string;
  /** Of the object, with a point behind; empty at the top. */
  readonly path: string;
  readonly isInOr: boolean;
}

/** Adds an object's fields to each of `branches`; what is written later replaces what had the same path. */
function readObject(
  object: JsonText & { readonly kind: "object" },
  place: Place,
  before: Fields[],
): Fields[] {
  let branches = before;
  const { source } = place;
  for (const { name, value } of object.entries) {
    if (name === "$or") branches = readOr(value, place, branches);
    else if (place.isInOr && reserved.has(name))
      throw errorAt(
        source,
        seenAt(value),
        `${name} is Ruler reserved fieldName which cannot be used inside $or.`,
      );
    else if (value.kind === "object")
      branches = readObject(value, { ...place, path: `${place.path}${name}.` }, branches);
    else if (value.kind === "array") {
      const conditions = readConditions(value, source);
      if (branches.length === 0) branches = [new Map()];
      for (const branch of branches) branch.set(`${place.path}${name}`, conditions);
    } else throw errorAt(source, seenAt(value), `"${name}" must be an object or an array`);
  }
  if (object.entries.length === 0)
    throw errorAt(source, object.end, "Empty objects are not allowed");
  return branches;
}

function readOr(value: JsonText, place: Place, branches: readonly Fields[]): Fields[] {
  const { source } = place;
  if (value.kind !== "array")
    throw errorAt(source, seenAt(value), "It must be an Array followed with $or.");
  const all: Fields[] = [];
  for (const item of value.items) {
    if (item.kind !== "object")
      throw errorAt(
        source,
        seenAt(item),
        "Only JSON object is allowed in array of $or relationship.",
      );
    const copies = branches.length === 0 ? [new Map()] : branches.map((one) => new Map(one));
    all.push(...readObject(item, { ...place, isInOr: true }, copies));
    if (all.length > branchesMax)
      throw errorAt(source, item.end, "Rule is too complex - try using fewer combinations in $or");
  }
  if (value.items.length < 2)
    throw errorAt(source, value.end, "There must have at least 2 Objects in $or relationship.");
  return all;
}

function readConditions(
  list: JsonText & { readonly kind: "array" },
  source: string,
): readonly Condition[] {
  if (list.items.length === 0) throw errorAt(source, list.end, "Empty arrays are not allowed");
  return list.items.map((item) =>
    item.kind === "object" ? parseMatchExpression(item, source) : parsePlain(item, source),
  );
}
