/** Texts by their beginnings, or by their ends; asked which ones a text has. */
export class Trie<T> {
  readonly #root: TrieNode<T> = { items: [], next: new Map() };
  readonly #isBackwards: boolean;
  #size = 0;

  constructor(from: "start" | "end") {
    this.#isBackwards = from === "end";
  }

  get size(): number {
    return this.#size;
  }

  add(text: string, item: T): void {
    let node = this.#root;
    for (let at = 0; at < text.length; at++) {
      const code = this.#code(text, at);
      let next = node.next.get(code);
      if (!next) node.next.set(code, (next = { items: [], next: new Map() }));
      node = next;
    }
    node.items.push(item);
    this.#size++;
  }

  /** Removes one that was added alike, and the nodes that nobody needs any more. */
  delete(text: string, item: T): void {
    const passed = [this.#root];
    for (let at = 0; at < text.length; at++) {
      const next = passed.at(-1)?.next.get(this.#code(text, at));
      if (!next) return;
      passed.push(next);
    }
    const items = passed.at(-1)?.items ?? [];
    const found = items.indexOf(item);
    if (found < 0) return;
    items.splice(found, 1);
    this.#size--;
    for (let at = text.length; at > 0; at--) {
      const node = passed[at];
      if (!node || node.items.length > 0 || node.next.size > 0) return;
      passed[at - 1]?.next.delete(this.#code(text, at - 1));
    }
  }

  /** Adds to `found` the items of every text that `value` begins (or ends) with. */
  collect(value: string, found: T[]): void {
    let node: TrieNode<T> | undefined = this.#root;
    for (let at = 0; node; at++) {
      for (const item of node.items) found.push(item);
      if (at >= value.length) return;
      node = node.next.get(this.#code(value, at));
    }
  }

  #code(text: string, at: number): number {
    return text.charCodeAt(this.#isBackwards ? text.length - 1 - at : at);
  }
}

interface TrieNode<T> {
  readonly items: T[];
  readonly next: Map<number, TrieNode<T>>;
}
