/**
 * Something that happens at most once and that one after another races with. A race with a promise that
 * stays pending would be remembered by it for ever, a little for each invocation; of this nothing stays.
 */
export class Latch<T> {
  readonly #waiting = new Set<(value: T) => void>();
  #happened: { readonly value: T } | undefined;

  /** The first value counts. */
  set(value: T): void {
    if (this.#happened) return;
    this.#happened = { value };
    for (const tell of this.#waiting) tell(value);
    this.#waiting.clear();
  }

  /** Undefined until it has happened. */
  get value(): T | undefined {
    return this.#happened?.value;
  }

  /** How many wait now. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** What `work` settles with, or the latch's value if that came first. */
  async race<R>(work: Promise<R>): Promise<R | T> {
    if (this.#happened) {
      work.catch(() => undefined); // its outcome no longer counts
      return this.#happened.value;
    }
    const { promise, resolve, reject } = Promise.withResolvers<R | T>();
    this.#waiting.add(resolve);
    work.then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(resolve);
    }
  }
}
