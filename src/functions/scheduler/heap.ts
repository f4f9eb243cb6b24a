/** Values by rank, smallest first; each is found by its id. Every change costs O(log n). */
export class Heap<T> {
  readonly #entries: Entry<T>[] = [];
  readonly #places = new Map<string, number>();

  get size(): number {
    return this.#entries.length;
  }

  /** Adds, or moves what has this id already. */
  set(id: string, rank: number, value: T): void {
    this.delete(id);
    this.#entries.push({ id, rank, value });
    this.#places.set(id, this.#entries.length - 1);
    this.#rise(this.#entries.length - 1);
  }

  rankOf(id: string): number | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#entries[place]?.rank;
  }

  /** The smallest. */
  get first(): { readonly rank: number; readonly value: T } | undefined {
    return this.#entries[0];
  }

  delete(id: string): T | undefined {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const removed = this.#entries[place];
    const last = this.#entries.pop();
    this.#places.delete(id);
    if (last && removed !== last) {
      this.#entries[place] = last;
      this.#places.set(last.id, place);
      this.#sink(place);
      this.#rise(place);
    }
    return removed?.value;
  }

  /** Removes the smallest. */
  takeFirst(): { readonly rank: number; readonly value: T } | undefined {
    const first = this.#entries[0];
    if (first) this.delete(first.id);
    return first;
  }

  /** In order of rank, changing nothing: the first k cost O(k log k) whatever the size. */
  *ascending(): Generator<T> {
    const frontier = new Map<number, number>();
    const open = (place: number): void => {
      const entry = this.#entries[place];
      if (entry) frontier.set(place, entry.rank);
    };
    open(0);
    while (frontier.size > 0) {
      const place = smallest(frontier);
      frontier.delete(place);
      open(2 * place + 1);
      open(2 * place + 2);
      const entry = this.#entries[place];
      if (entry) yield entry.value;
    }
  }

  #rankAt(place: number): number {
    return this.#entries[place]?.rank ?? Infinity;
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#rankAt(parent) <= this.#rankAt(place)) return;
      this.#swap(parent, place);
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const child = this.#rankAt(left + 1) < this.#rankAt(left) ? left + 1 : left;
      if (this.#rankAt(child) >= this.#rankAt(place)) return;
      this.#swap(child, place);
      place = child;
    }
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#entries[a], this.#entries[b]];
    if (!first || !second) return;
    this.#entries[a] = second;
    this.#entries[b] = first;
    this.#places.set(second.id, a);
    this.#places.set(first.id, b);
  }
}

interface Entry<T> {
  readonly id: string;
  readonly rank: number;
  readonly value: T;
}

/** The frontier stays as small as what was taken: a scan is quicker than a heap of places. */
function smallest(frontier: ReadonlyMap<number, number>): number {
  let best = -1;
  let bestRank = Infinity;
  for (const [place, rank] of frontier)
    if (best < 0 || rank < bestRank) {
      best = place;
      bestRank = rank;
    }
  return best;
}
