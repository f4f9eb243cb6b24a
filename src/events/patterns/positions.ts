import type { PathStep, Position } from "./event-fields.ts";
import { comparisonsMax } from "./limits.ts";
import { EventTooComplexError } from "./pattern-error.ts";

/** What is known of where in arrays the fields of a rule have matched, for one event. */
export class Positions {
  readonly #arrays: readonly PathStep[];
  #comparisonCount = 0;

  constructor(arrays: readonly PathStep[]) {
    this.#arrays = arrays;
  }

  /**
   * What of `reached` a field at `path`, and those behind it, can contradict: elements of arrays that the
   * path leads through. Rules look at fields in the order of their paths, so an array that is left is
   * never entered again. Each is there once, which keeps the number below that of the event's elements.
   */
  project(reached: readonly Position[], path: PathStep): readonly Position[] {
    const [first] = reached;
    if (reached.length === 1 && first?.length === 0) return reached;
    const distinct = new Map<string, Position>();
    for (const position of reached) {
      this.#count(1);
      const kept: number[] = [];
      for (let at = 0; at < position.length; at += 2) {
        const array = position[at] ?? 0;
        if (this.#leadsThrough(path, array)) kept.push(array, position[at + 1] ?? 0);
      }
      distinct.set(kept.join(), kept);
    }
    return [...distinct.values()];
  }

  /** Each of `relevant` that agrees with `position`, joined with it. */
  join(relevant: readonly Position[], position: Position): readonly Position[] {
    this.#count(relevant.length);
    const joined: Position[] = [];
    for (const one of relevant) {
      const both = one.length === 0 ? position : join(one, position);
      if (both) joined.push(both);
    }
    return joined;
  }

  #leadsThrough(path: PathStep, array: number): boolean {
    const at = this.#arrays[array];
    for (let step: PathStep | undefined = path; step; step = step.parent)
      if (step === at) return true;
    return false;
  }

  #count(comparisons: number): void {
    this.#comparisonCount += comparisons;
    if (this.#comparisonCount > comparisonsMax)
      throw new EventTooComplexError(
        `matching takes more than ${comparisonsMax} comparisons of array positions`,
      );
  }
}

function join(one: Position, other: Position): Position | undefined {
  let both: number[] | undefined;
  for (let at = 0; at < other.length; at += 2) {
    const index = indexIn(one, other[at] ?? 0);
    if (index === undefined) (both ??= [...one]).push(other[at] ?? 0, other[at + 1] ?? 0);
    else if (index !== other[at + 1]) return undefined;
  }
  return both ?? one;
}

function indexIn(position: Position, array: number): number | undefined {
  for (let at = 0; at < position.length; at += 2)
    if (position[at] === array) return position[at + 1];
  return undefined;
}
