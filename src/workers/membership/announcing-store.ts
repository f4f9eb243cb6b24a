import type { KeyRange, Store } from "#storage/storage.ts";

/** A store whose changes every worker has noticed by the time a write resolves. */
export interface AnnouncingStore extends Store {
  /** Another worker has written: whoever watches looks again. */
  noticed(): void;
}

/**
 * For what every worker keeps in memory: the registry, settings of functions, identities. The store
 * itself tells other processes too, but a moment later; with this a deployment that has been answered
 * is what the next call runs, whichever worker is asked. Not for logs and queues, whose writes are many
 * and which nobody keeps.
 */
export function createAnnouncingStore(
  store: Store,
  /** Resolves when the others have looked, or are gone. Never rejects. */
  announce: () => Promise<void>,
): AnnouncingStore {
  const wakes = new Set<() => void>();
  return {
    read: (work) => store.read(work),
    usage: () => store.usage(),
    async write(work) {
      const result = await store.write(work);
      await announce();
      return result;
    },
    watch: (range, signal) => watchBoth(store, { range, signal }, wakes),
    noticed() {
      for (const wake of wakes) wake();
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Yields after commits the store tells of, and after announcements. */
async function* watchBoth(
  store: Store,
  { range, signal }: { readonly range: KeyRange; readonly signal: AbortSignal },
  wakes: Set<() => void>,
): AsyncGenerator<void> {
  const changes = store.watch(range, signal)[Symbol.asyncIterator]();
  let announced = Promise.withResolvers<"announced">();
  const wake = (): void => announced.resolve("announced");
  wakes.add(wake);
  try {
    for (let next = changes.next(); ;) {
      const what = await Promise.race([next, announced.promise]);
      if (what === "announced") announced = Promise.withResolvers();
      else if (what.done === true) return;
      else next = changes.next();
      yield;
    }
  } finally {
    wakes.delete(wake);
    await changes.return?.();
  }
}
