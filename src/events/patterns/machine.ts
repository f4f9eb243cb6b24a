import type { Branch, FieldRule } from "./compile.ts";
import type { Condition } from "./conditions.ts";
import type { PathStep } from "./event-fields.ts";
import { FieldMatcher } from "./field-matcher.ts";

/**
 * The machine of a pattern index: branches share what they have in common from their first field on.
 * A state is reached when the fields before it have matched, and accepts the rules that end there.
 */
export interface State<K> {
  readonly accepts: K[];
  /** By the field that is looked at next. */
  fields: Map<PathStep, FieldStep<K>> | undefined;
}

export interface FieldStep<K> {
  readonly path: PathStep;
  readonly matcher: FieldMatcher<Edge<K>>;
  /** Edges by the conditions that lead along them. */
  readonly edges: Map<string, Edge<K>>;
  /** Taken when the event has no value at the path. */
  readonly absent: Edge<K>[];
}

export interface Edge<K> {
  readonly conditions: readonly Condition[];
  readonly state: State<K>;
  /** Branches that go along. */
  useCount: number;
  /** The event that last came along; an edge is taken once by each. */
  takenBy: number;
}

export function newState<K>(): State<K> {
  return { accepts: [], fields: undefined };
}

export function newStep(parent: PathStep | undefined, name: string): PathStep {
  return { parent, name, next: new Map(), useCount: 0, askCount: 0 };
}

/** Two lists of conditions with the same id hold for the same values. */
function conditionsId(conditions: readonly Condition[]): string {
  const [only] = conditions;
  if (conditions.length === 1 && only) return JSON.stringify(only);
  return conditions
    .map((condition) => JSON.stringify(condition))
    .toSorted((one, other) => (one < other ? -1 : 1))
    .join();
}

/** Where a branch runs through the machine; what is missing is made, and everything counted. */
export function addBranch<K>(
  { root, paths }: { readonly root: State<K>; readonly paths: PathStep },
  branch: Branch,
  key: K,
): void {
  let state = root;
  for (const rule of branch) state = addRule(state, usePath(paths, rule.path), rule).state;
  state.accepts.push(key);
}

function usePath(paths: PathStep, path: string): PathStep {
  let step = paths;
  for (const name of path.split(".")) {
    let next = step.next.get(name);
    if (!next) step.next.set(name, (next = newStep(step, name)));
    next.useCount++;
    step = next;
  }
  step.askCount++;
  return step;
}

function addRule<K>(state: State<K>, path: PathStep, rule: FieldRule): Edge<K> {
  state.fields ??= new Map();
  let field = state.fields.get(path);
  if (!field) {
    field = { path, matcher: new FieldMatcher(), edges: new Map(), absent: [] };
    state.fields.set(path, field);
  }
  const id = conditionsId(rule.conditions);
  let edge = field.edges.get(id);
  if (!edge) {
    edge = { conditions: rule.conditions, state: newState(), useCount: 0, takenBy: 0 };
    field.edges.set(id, edge);
    for (const condition of rule.conditions) {
      if (condition.kind === "exists" && !condition.isPresent) field.absent.push(edge);
      else field.matcher.add(condition, edge);
    }
  }
  edge.useCount++;
  return edge;
}

/** Undoes `addBranch` with the same branch and key; what nobody needs any more goes. */
export function deleteBranch<K>(
  { root, paths }: { readonly root: State<K>; readonly paths: PathStep },
  branch: Branch,
  key: K,
): void {
  let state: State<K> | undefined = root;
  for (const rule of branch) {
    const next: State<K> | undefined = passRule(state, findPath(paths, rule.path), rule);
    releasePath(paths, rule.path);
    state = next;
    if (!state) return;
  }
  const at = state.accepts.indexOf(key);
  if (at >= 0) state.accepts.splice(at, 1);
}

function findPath(paths: PathStep, path: string): PathStep | undefined {
  let step: PathStep | undefined = paths;
  for (const name of path.split(".")) step = step?.next.get(name);
  return step;
}

function releasePath(paths: PathStep, path: string): void {
  let step: PathStep | undefined = paths;
  for (const name of path.split(".")) {
    const parent: PathStep = step;
    step = parent.next.get(name);
    if (!step) return;
    step.useCount--;
    if (step.useCount === 0) parent.next.delete(name);
  }
  step.askCount--;
}

function passRule<K>(
  state: State<K>,
  path: PathStep | undefined,
  rule: FieldRule,
): State<K> | undefined {
  const field = path && state.fields?.get(path);
  const id = conditionsId(rule.conditions);
  const edge = field?.edges.get(id);
  if (!path || !field || !edge) return undefined;
  edge.useCount--;
  if (edge.useCount > 0) return edge.state;
  field.edges.delete(id);
  for (const condition of edge.conditions) {
    if (condition.kind !== "exists" || condition.isPresent) field.matcher.delete(condition, edge);
    else field.absent.splice(field.absent.indexOf(edge), 1);
  }
  if (field.edges.size === 0) state.fields?.delete(path);
  return edge.state;
}
