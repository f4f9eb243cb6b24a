import type { Scalar } from "./conditions.ts";
import { depthMax } from "./limits.ts";
import { EventTooComplexError } from "./pattern-error.ts";

/** A step in the paths that rules ask about. Those nobody asks about are not looked at in events. */
export interface PathStep {
  readonly parent: PathStep | undefined;
  readonly name: string;
  readonly next: Map<string, PathStep>;
  /** Rules that need this step or one below it. */
  useCount: number;
  /** Rules that ask for a value here. */
  askCount: number;
}

/** The values of one path in one event, and where in arrays each stands. */
export interface FieldValues {
  readonly path: PathStep;
  readonly values: Scalar[];
  /** Parallel to `values`. */
  readonly positions: Position[];
}

/** In which elements of which arrays: pairs of array and index, outermost first. Empty outside of arrays. */
export type Position = readonly number[];

export interface EventFields {
  readonly fields: Map<PathStep, FieldValues>;
  /** At which step each array lies. */
  readonly arrays: PathStep[];
  /** Whether any value stands in an object in an array. */
  isPositioned: boolean;
}

const nowhere: Position = [];

/**
 * The values in `event`, a JSON object, that rules ask about. Elements of arrays have the array's path; an
 * object in one remembers its element. Throws `EventTooComplexError` where values lie too deep.
 */
export function readEvent(event: object, root: PathStep): EventFields {
  const found: EventFields = { fields: new Map(), arrays: [], isPositioned: false };
  readObject(event, root, { found, position: nowhere, depth: 0 });
  return found;
}

interface Reading {
  readonly found: EventFields;
  readonly position: Position;
  readonly depth: number;
}

function readObject(object: object, step: PathStep, reading: Reading): void {
  // `for in` is the quickest way through an object of JSON.parse, which has no inherited names.
  for (const name in object) {
    const next = step.next.get(name) ?? (name.includes(".") ? walk(step, name) : undefined);
    if (next === undefined) continue;
    readValue((object as Readonly<Record<string, unknown>>)[name], next, reading); // names of its own
  }
}

/** A name that holds points is as many steps. */
function walk(from: PathStep, name: string): PathStep | undefined {
  let step: PathStep | undefined = from;
  for (const part of name.split(".")) step = step?.next.get(part);
  return step;
}

function readValue(value: unknown, step: PathStep, reading: Reading): void {
  if (typeof value !== "object" || value === null) {
    if (step.askCount > 0) note(value as Scalar, step, reading); // JSON has nothing else
    return;
  }
  if (reading.depth >= depthMax)
    throw new EventTooComplexError(`values lie deeper than ${depthMax} levels`);
  const depth = reading.depth + 1;
  if (!Array.isArray(value)) {
    readObject(value, step, { found: reading.found, position: reading.position, depth });
    return;
  }
  const { arrays } = reading.found;
  const array = arrays.length;
  arrays.push(step);
  for (let index = 0; index < value.length; index++) {
    const element: unknown = value[index];
    if (typeof element !== "object" || element === null) readValue(element, step, reading);
    else
      readValue(element, step, {
        found: reading.found,
        position: [...reading.position, array, index],
        depth,
      });
  }
}

function note(value: Scalar, step: PathStep, { found, position }: Reading): void {
  if (position.length > 0) found.isPositioned = true;
  const field = found.fields.get(step);
  if (field) {
    field.values.push(value);
    field.positions.push(position);
  } else found.fields.set(step, { path: step, values: [value], positions: [position] });
}
