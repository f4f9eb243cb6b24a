import type { Branch } from "../compile.ts";
import { butHolds, textHolds, type Condition, type Scalar } from "../conditions.ts";
import { addressKey } from "../addresses.ts";

/** A value of an event, with the elements of arrays it stands in, by the arrays' own names. */
interface Leaf {
  readonly path: string;
  readonly value: Scalar;
  readonly elements: ReadonlyMap<number, number>;
}

/** The pattern language as plainly as it can be written: every combination of values is tried. */
export function naiveMatches(branches: readonly Branch[], event: object): boolean {
  const leaves: Leaf[] = [];
  let arrayCount = 0;
  const flatten = (value: unknown, path: string, elements: ReadonlyMap<number, number>): void => {
    if (Array.isArray(value)) {
      const array = arrayCount++;
      value.forEach((element: unknown, index) => {
        const isNested = typeof element === "object" && element !== null;
        flatten(element, path, isNested ? new Map([...elements, [array, index]]) : elements);
      });
    } else if (typeof value === "object" && value !== null) {
      for (const [name, inner] of Object.entries(value))
        flatten(inner, path === "" ? name : `${path}.${name}`, elements);
    } else leaves.push({ path, value: value as Scalar, elements });
  };
  flatten(event, "", new Map());
  return branches.some((branch) => branchMatches(branch, leaves, new Map()));
}

function branchMatches(
  [rule, ...rest]: Branch,
  leaves: readonly Leaf[],
  so: ReadonlyMap<number, number>,
): boolean {
  if (!rule) return true;
  const here = leaves.filter((leaf) => leaf.path === rule.path);
  if (here.length === 0) {
    const isWanted = rule.conditions.some((one) => one.kind === "exists" && !one.isPresent);
    return isWanted && branchMatches(rest, leaves, so);
  }
  return here.some(
    (leaf) =>
      rule.conditions.some((condition) => holds(condition, leaf.value)) &&
      [...leaf.elements].every(([array, index]) => (so.get(array) ?? index) === index) &&
      branchMatches(rest, leaves, new Map([...so, ...leaf.elements])),
  );
}

function holds(condition: Condition, value: Scalar): boolean {
  switch (condition.kind) {
    case "exact":
      return condition.value === value;
    case "numeric":
      return typeof value === "number" && value >= condition.low && value <= condition.high;
    case "address": {
      const key = typeof value === "string" ? addressKey(value) : undefined;
      return key !== undefined && key >= condition.low && key <= condition.high;
    }
    case "anything-but":
    case "none-of":
      return butHolds(condition, value);
    case "exists":
      return condition.isPresent;
    case "prefix":
    case "suffix":
    case "equals-ignore-case":
    case "wildcard":
      return typeof value === "string" && textHolds(condition, value);
    default:
      return condition satisfies never;
  }
}
