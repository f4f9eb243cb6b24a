import { attributeOf, setAttribute } from "../values/values.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import type { Path } from "./bound.ts";
import { childOf } from "./paths.ts";

/**
 * The part of an item the paths lead to, maps around it kept, elements of lists in their order without the
 * others. Paths that lead nowhere leave nothing. Pure.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
 */
export function project(paths: readonly Path[], item: Item): Item {
  const projected: Record<string, AttributeValue> = {};
  for (const [name, wanted] of below(paths)) {
    const value = attributeOf(item, String(name));
    const part = value && partOf(value, wanted);
    if (part) setAttribute(projected, String(name), part);
  }
  return projected;
}

type Steps = readonly (string | number)[];

/** The paths by their first step, without it. */
function below(paths: readonly Steps[]): ReadonlyMap<string | number, readonly Steps[]> {
  const grouped = new Map<string | number, Steps[]>();
  for (const [first, ...rest] of paths) {
    if (first === undefined) continue;
    const group = grouped.get(first);
    if (group) group.push(rest);
    else grouped.set(first, [rest]);
  }
  return grouped;
}

function partOf(value: AttributeValue, paths: readonly Steps[]): AttributeValue | undefined {
  if (paths.some((path) => path.length === 0)) return value;
  const children = [...below(paths)];
  if (value.L !== undefined) {
    children.sort(([left], [right]) => Number(left) - Number(right));
    const elements = children.map(([step, wanted]) => childPart(value, step, wanted));
    const L = elements.filter((element) => element !== undefined);
    return L.length === 0 ? undefined : { L };
  }
  const M: Record<string, AttributeValue> = {};
  for (const [step, wanted] of children) {
    const part = childPart(value, step, wanted);
    if (part) setAttribute(M, String(step), part);
  }
  return Object.keys(M).length === 0 ? undefined : { M };
}

function childPart(
  value: AttributeValue,
  step: string | number,
  paths: readonly Steps[],
): AttributeValue | undefined {
  const child = childOf(value, step);
  return child && partOf(child, paths);
}
