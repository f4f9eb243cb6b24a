import type { Branch } from "./compile.ts";
import { readEvent, type EventFields, type FieldValues } from "./event-fields.ts";
import { addBranch, deleteBranch, newState, newStep, type Edge, type State } from "./machine.ts";
import { Positions } from "./positions.ts";

/**
 * Many patterns, asked together which of them an event matches. Patterns share their beginnings, and
 * each field of the event is looked up once per state, so that what an event costs grows with what it
 * matches and hardly with how many patterns there are. Fields of one branch that lie in the same array
 * must match in the same element, as in the service (its engine calls that array consistency).
 */
export class PatternIndex<K> {
  readonly #machine = { root: newState<K>(), paths: newStep(undefined, "") };
  readonly #branches = new Map<K, readonly Branch[]>();
  #eventCount = 0;

  get size(): number {
    return this.#branches.size;
  }

  /** Whoever has the same key is replaced. */
  add(key: K, pattern: { readonly branches: readonly Branch[] }): void {
    this.delete(key);
    this.#branches.set(key, pattern.branches);
    for (const branch of pattern.branches) addBranch(this.#machine, branch, key);
  }

  delete(key: K): void {
    const branches = this.#branches.get(key);
    this.#branches.delete(key);
    for (const branch of branches ?? []) deleteBranch(this.#machine, branch, key);
  }

  /**
   * The keys of the patterns that `event` matches, each once, in no order. `event` is a JSON object as
   * JSON.parse makes it. Throws `EventTooComplexError` when it is deeper, or its arrays are more
   * entangled, than is looked at.
   */
  matching(event: object): K[] {
    const found: K[] = [];
    const fields = readEvent(event, this.#machine.paths);
    if (fields.isPositioned) {
      const positions = new Positions(fields.arrays);
      visitPositioned({ fields, positions, found }, this.#machine.root, [[]]);
    } else visit({ fields, found, eventCount: ++this.#eventCount }, this.#machine.root);
    return found.length < 2 ? found : [...new Set(found)];
  }
}

interface Visit<K> {
  readonly fields: EventFields;
  readonly found: K[];
  readonly eventCount: number;
}

/** Without positions an edge leads to the same place whichever value went along it. */
function visit<K>(visiting: Visit<K>, state: State<K>): void {
  for (const key of state.accepts) visiting.found.push(key);
  if (!state.fields) return;
  const { fields } = visiting.fields;
  for (const step of state.fields.values()) {
    const field = fields.get(step.path);
    if (field === undefined) {
      for (const edge of step.absent) visit(visiting, edge.state);
      continue;
    }
    const edges: Edge<K>[] = [];
    for (const value of field.values) step.matcher.collect(value, edges);
    for (const edge of edges) {
      if (edge.takenBy === visiting.eventCount) continue;
      edge.takenBy = visiting.eventCount;
      visit(visiting, edge.state);
    }
  }
}

interface PositionedVisit<K> {
  readonly fields: EventFields;
  readonly positions: Positions;
  readonly found: K[];
}

/** `reached`: in which elements of arrays the fields so far have matched. */
function visitPositioned<K>(
  visiting: PositionedVisit<K>,
  state: State<K>,
  reached: readonly (readonly number[])[],
): void {
  for (const key of state.accepts) visiting.found.push(key);
  if (!state.fields) return;
  const { positions } = visiting;
  for (const step of state.fields.values()) {
    const field = visiting.fields.fields.get(step.path);
    if (field === undefined) {
      for (const edge of step.absent) visitPositioned(visiting, edge.state, reached);
      continue;
    }
    const relevant = positions.project(reached, step.path);
    for (const [edge, joined] of joinAll({ matcher: step.matcher, field, relevant, positions }))
      visitPositioned(visiting, edge.state, joined);
  }
}

/** Which edges the field's values take, and where in arrays that leaves the rule. */
function joinAll<K>(join: {
  readonly matcher: { collect(value: FieldValues["values"][number], found: Edge<K>[]): void };
  readonly field: FieldValues;
  readonly relevant: readonly (readonly number[])[];
  readonly positions: Positions;
}): Map<Edge<K>, readonly (readonly number[])[]> {
  const taken = new Map<Edge<K>, (readonly number[])[]>();
  const { field } = join;
  for (let at = 0; at < field.values.length; at++) {
    const edges: Edge<K>[] = [];
    join.matcher.collect(field.values[at] ?? null, edges);
    if (edges.length === 0) continue;
    const joined = join.positions.join(join.relevant, field.positions[at] ?? []);
    if (joined.length === 0) continue;
    for (const edge of new Set(edges)) {
      const before = taken.get(edge);
      if (before) for (const one of joined) before.push(one);
      else taken.set(edge, [...joined]);
    }
  }
  return taken;
}
