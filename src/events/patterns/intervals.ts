/** Closed intervals of numbers or texts, each with what it stands for; asked which ones hold a point. */
export class Intervals<P extends number | string, T> {
  #entries: Interval<P, T>[] = [];
  /** Of the sorted entries below and including each node of the implicit tree: the highest end. */
  #tops: P[] = [];
  #isSorted = true;

  get size(): number {
    return this.#entries.length;
  }

  add(low: P, high: P, item: T): void {
    this.#entries.push({ low, high, item });
    this.#isSorted = false;
  }

  /** Removes one that was added alike. */
  delete(low: P, high: P, item: T): void {
    const at = this.#entries.findIndex(
      (one) => one.item === item && one.low === low && one.high === high,
    );
    if (at < 0) return;
    this.#entries.splice(at, 1);
    this.#isSorted = false;
  }

  /** Adds to `found` what holds `point`; logarithmic in the intervals that do not. */
  collect(point: P, found: T[]): void {
    if (!this.#isSorted) this.#sort();
    this.#collect({ from: 0, to: this.#entries.length }, point, found);
  }

  #collect(range: { readonly from: number; readonly to: number }, point: P, found: T[]): void {
    const { from, to } = range;
    if (from >= to) return;
    const middle = (from + to) >>> 1;
    const top = this.#tops[middle];
    const entry = this.#entries[middle];
    if (top === undefined || entry === undefined || top < point) return;
    this.#collect({ from, to: middle }, point, found);
    if (entry.low > point) return;
    if (entry.high >= point) found.push(entry.item);
    this.#collect({ from: middle + 1, to }, point, found);
  }

  #sort(): void {
    this.#entries.sort((one, other) => (one.low < other.low ? -1 : one.low > other.low ? 1 : 0));
    this.#tops = Array.from({ length: this.#entries.length });
    this.#raise(0, this.#entries.length);
    this.#isSorted = true;
  }

  #raise(from: number, to: number): P | undefined {
    if (from >= to) return undefined;
    const middle = (from + to) >>> 1;
    let top = this.#entries[middle]?.high;
    for (const other of [this.#raise(from, middle), this.#raise(middle + 1, to)])
      if (other !== undefined && (top === undefined || other > top)) top = other;
    if (top !== undefined) this.#tops[middle] = top;
    return top;
  }
}

interface Interval<P, T> {
  readonly low: P;
  readonly high: P;
  readonly item: T;
}
