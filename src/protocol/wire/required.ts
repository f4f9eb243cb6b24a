import type { Service } from "#protocol/service/service.ts";
import { ValidationError } from "./errors.ts";
import type { Member, Shape } from "./shapes.ts";

/** Throws `ValidationError` naming every required member that is not there, in the service's own words. */
export function checkRequired(shape: Shape, input: object, service: Service): void {
  const missing: string[] = [];
  findMissing(shape, input, { prefix: "", missing });
  if (missing.length === 0) return;
  const said = service.description.missingMembers?.(missing);
  throw new ValidationError(missing, said?.message, said?.code);
}

interface Search {
  readonly prefix: string;
  readonly missing: string[];
}

function findMissing(shape: Shape, value: unknown, search: Search): void {
  if (!mayMiss(shape) || typeof value !== "object" || value === null) return;
  if (shape.element) {
    const entries = Array.isArray(value)
      ? value.map((item: unknown, index): [string, unknown] => [String(index + 1), item])
      : Object.entries(value);
    for (const [key, item] of entries) {
      findMissing(shape.element.shape, item, below(search, `${key}.member`));
    }
    return;
  }
  const source = value as Record<string, unknown>; // a decoded structure: its members by name
  for (const member of shape.members) {
    const item = source[member.name];
    const name = lowerFirst(member.name);
    if (item !== undefined && item !== null) {
      findMissing(member.shape, item, below(search, name));
    } else if (member.isRequired) {
      search.missing.push(search.prefix + name);
    }
  }
}

function below(search: Search, name: string): Search {
  return { prefix: `${search.prefix}${name}.`, missing: search.missing };
}

/** The real messages name the member of the service's Java bean: `functionName` for `FunctionName`. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

const verdicts = new WeakMap<Shape, boolean>();

/** Whether anything reachable from the shape is required; most shapes need no walk at all. */
function mayMiss(root: Shape): boolean {
  let verdict = verdicts.get(root);
  if (verdict !== undefined) return verdict;
  const seen = new Set<Shape>([root]);
  for (const shape of seen) {
    const parts: readonly Member[] = shape.element ? [shape.element] : shape.members;
    for (const part of parts) seen.add(part.shape); // a Set is walked to its growing end
  }
  verdict = [...seen].some((shape) => shape.members.some((member) => member.isRequired));
  verdicts.set(root, verdict);
  return verdict;
}
