import { attributeOf, validation } from "../values/values.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import type { Path } from "./bound.ts";
import type { ExpressionParameter } from "./parser.ts";

/** The value at a path; undefined when a step leads nowhere. */
export function valueAt(item: Item, path: Path): AttributeValue | undefined {
  const [name, ...steps] = path;
  let value = attributeOf(item, name);
  for (const step of steps) {
    if (value === undefined) return undefined;
    value = childOf(value, step);
  }
  return value;
}

/** The map member or list element a step leads to. */
export function childOf(value: AttributeValue, step: string | number): AttributeValue | undefined {
  if (typeof step === "number") return value.L?.[step];
  return value.M === undefined ? undefined : attributeOf(value.M, step);
}

/** What is wrong with an expression, and with which; statements have none to name. */
export function saidOf(parameter: ExpressionParameter | undefined, sentence: string): string {
  return parameter === undefined ? sentence : `Invalid ${parameter}: ${sentence}`;
}

/** As error messages show a path. */
export function pathText(path: Path): string {
  return `[${path.map((step) => (typeof step === "number" ? `[${step}]` : step)).join(", ")}]`;
}

export function isSamePath(left: Path, right: Path): boolean {
  return left.length === right.length && left.every((step, at) => step === right[at]);
}

/**
 * Refuses two paths of which one leads to or into the other, then two that use one attribute as a map and
 * as a list. `ValidationException` names the first such pair as written. The sentences are production's:
 * https://github.com/architect/dynalite/blob/main/test/updateItem.js (seen 2026-11).
 */
export function checkDistinctPaths(
  paths: readonly Path[],
  parameter: ExpressionParameter | undefined,
): void {
  const tree = new Map<string, readonly Path[]>();
  for (const path of paths) tree.set(path[0], [...(tree.get(path[0]) ?? []), path]);
  for (const relation of ["overlap", "conflict"] as const) {
    for (const alike of tree.values()) refuseRelated(alike, relation, parameter);
  }
}

function refuseRelated(
  paths: readonly Path[],
  relation: "overlap" | "conflict",
  parameter: ExpressionParameter | undefined,
): void {
  for (const [at, two] of paths.entries()) {
    const one = paths.slice(0, at).find((earlier) => relationOf(earlier, two) === relation);
    if (!one) continue;
    throw validation(
      saidOf(
        parameter,
        `Two document paths ${relation} with each other; must remove or rewrite one of these paths; ` +
          `path one: ${pathText(one)}, path two: ${pathText(two)}`,
      ),
    );
  }
}

function relationOf(one: Path, two: Path): "overlap" | "conflict" | undefined {
  for (let at = 0; at < Math.min(one.length, two.length); at++) {
    if (typeof one[at] !== typeof two[at]) return "conflict";
    if (one[at] !== two[at]) return undefined;
  }
  return "overlap";
}
