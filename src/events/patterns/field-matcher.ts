import { addressKey } from "./addresses.ts";
import { butHolds, fold, type Condition, type Scalar } from "./conditions.ts";
import { globMatches, type Glob } from "./glob.ts";
import { Intervals } from "./intervals.ts";
import { Trie } from "./trie.ts";

/**
 * Many conditions on one field, each with an item it stands for. What a value is asked does not grow with
 * the number of conditions: exact values are looked up, beginnings and ends walk a trie, ranges a tree.
 * Wildcards are tried only where their fixed beginning or end is there. Negations hold for nearly every
 * value, so each is asked.
 */
export class FieldMatcher<T> {
  #exact: Map<Scalar, T | T[]> | undefined;
  #folded: Map<string, T[]> | undefined;
  #prefixes: Trie<T> | undefined;
  #suffixes: Trie<T> | undefined;
  #foldedPrefixes: Trie<T> | undefined;
  #foldedSuffixes: Trie<T> | undefined;
  #globs: Globs<T> | undefined;
  #numbers: Intervals<number, T> | undefined;
  #addresses: Intervals<string, T> | undefined;
  #negations: Negation<T>[] | undefined;
  #present: T[] | undefined;
  /** Most fields are only asked for exact values. */
  #hasMoreThanExact = false;

  /** `exists: false` is not for values, and none of this class's. */
  add(condition: Condition, item: T): void {
    if (condition.kind !== "exact") this.#hasMoreThanExact = true;
    switch (condition.kind) {
      case "exact":
        return addTo((this.#exact ??= new Map()), condition.value, item);
      case "equals-ignore-case": {
        const items = (this.#folded ??= new Map()).get(condition.text);
        if (items) items.push(item);
        else this.#folded.set(condition.text, [item]);
        return;
      }
      case "prefix":
      case "suffix":
        return this.#ends(condition).add(condition.text, item);
      case "wildcard":
        return (this.#globs ??= new Globs()).add(condition.glob, item);
      case "numeric":
        return (this.#numbers ??= new Intervals()).add(condition.low, condition.high, item);
      case "address":
        return (this.#addresses ??= new Intervals()).add(condition.low, condition.high, item);
      case "anything-but":
      case "none-of":
        (this.#negations ??= []).push({ condition, item });
        return;
      case "exists":
        (this.#present ??= []).push(item);
        return;
    }
  }

  /** Removes one that was added alike. */
  delete(condition: Condition, item: T): void {
    switch (condition.kind) {
      case "exact":
        return removeFrom(this.#exact, condition.value, item);
      case "equals-ignore-case": {
        const items = this.#folded?.get(condition.text);
        if (!items) return;
        remove(items, (one) => one === item);
        if (items.length === 0) this.#folded?.delete(condition.text);
        return;
      }
      case "prefix":
      case "suffix":
        return this.#ends(condition).delete(condition.text, item);
      case "wildcard":
        return this.#globs?.delete(condition.glob, item);
      case "numeric":
        return this.#numbers?.delete(condition.low, condition.high, item);
      case "address":
        return this.#addresses?.delete(condition.low, condition.high, item);
      case "anything-but":
      case "none-of":
        return remove(this.#negations, (one) => one.item === item && one.condition === condition);
      case "exists":
        return remove(this.#present, (one) => one === item);
    }
  }

  /** Adds to `found` the item of every condition that holds for `value`; one may come more than once. */
  collect(value: Scalar, found: T[]): void {
    const exact = this.#exact?.get(value);
    if (Array.isArray(exact)) for (const item of exact) found.push(item);
    else if (exact !== undefined) found.push(exact);
    if (!this.#hasMoreThanExact) return;
    if (typeof value === "string") this.#collectText(value, found);
    else if (typeof value === "number") this.#numbers?.collect(value, found);
    if (this.#present) for (const item of this.#present) found.push(item);
    if (this.#negations)
      for (const { condition, item } of this.#negations)
        if (butHolds(condition, value)) found.push(item);
  }

  #collectText(value: string, found: T[]): void {
    this.#prefixes?.collect(value, found);
    this.#suffixes?.collect(value, found);
    this.#globs?.collect(value, found);
    if (this.#folded || this.#foldedPrefixes || this.#foldedSuffixes) {
      const folded = fold(value);
      for (const item of this.#folded?.get(folded) ?? []) found.push(item);
      this.#foldedPrefixes?.collect(folded, found);
      this.#foldedSuffixes?.collect(folded, found);
    }
    if (!this.#addresses) return;
    const key = addressKey(value);
    if (key !== undefined) this.#addresses.collect(key, found);
  }

  #ends(condition: Condition & { readonly kind: "prefix" | "suffix" }): Trie<T> {
    if (condition.kind === "prefix")
      return condition.ignoresCase
        ? (this.#foldedPrefixes ??= new Trie("start"))
        : (this.#prefixes ??= new Trie("start"));
    return condition.ignoresCase
      ? (this.#foldedSuffixes ??= new Trie("end"))
      : (this.#suffixes ??= new Trie("end"));
  }
}

interface Negation<T> {
  readonly condition: Condition & { readonly kind: "anything-but" | "none-of" };
  readonly item: T;
}

/** Wildcards, found by what they begin with, or else by what they end with, or else tried one by one. */
class Globs<T> {
  readonly #byStart = new Trie<GlobItem<T>>("start");
  readonly #byEnd = new Trie<GlobItem<T>>("end");
  readonly #known = new Map<T, GlobItem<T>[]>();

  add(glob: Glob, item: T): void {
    const entry = { glob, item };
    const known = this.#known.get(item);
    if (known) known.push(entry);
    else this.#known.set(item, [entry]);
    const { trie, text } = this.#place(glob);
    trie.add(text, entry);
  }

  delete(glob: Glob, item: T): void {
    const known = this.#known.get(item) ?? [];
    const entry = known.find((one) => one.glob === glob);
    if (!entry) return;
    known.splice(known.indexOf(entry), 1);
    if (known.length === 0) this.#known.delete(item);
    const { trie, text } = this.#place(glob);
    trie.delete(text, entry);
  }

  collect(value: string, found: T[]): void {
    const candidates: GlobItem<T>[] = [];
    this.#byStart.collect(value, candidates);
    if (this.#byEnd.size > 0) this.#byEnd.collect(value, candidates);
    for (const { glob, item } of candidates) if (globMatches(glob, value)) found.push(item);
  }

  #place({ parts }: Glob): { readonly trie: Trie<GlobItem<T>>; readonly text: string } {
    const first = parts[0] ?? "";
    const last = parts.at(-1) ?? "";
    return first.length >= last.length
      ? { trie: this.#byStart, text: first }
      : { trie: this.#byEnd, text: last };
  }
}

interface GlobItem<T> {
  readonly glob: Glob;
  readonly item: T;
}

/** A list only where there are several: with a million rules nearly all keys have one. */
function addTo<K, T>(map: Map<K, T | T[]>, key: K, item: T): void {
  const before = map.get(key);
  if (before === undefined) map.set(key, item);
  else if (Array.isArray(before)) before.push(item);
  else map.set(key, [before, item]);
}

function removeFrom<K, T>(map: Map<K, T | T[]> | undefined, key: K, item: T): void {
  const before = map?.get(key);
  if (Array.isArray(before)) remove(before, (one) => one === item);
  if (before === item || (Array.isArray(before) && before.length === 0)) map?.delete(key);
}

function remove<T>(items: T[] | undefined, is: (item: T) => boolean): void {
  const at = items?.findIndex(is) ?? -1;
  if (at >= 0) items?.splice(at, 1);
}
