import { assert } from "#base/assert.ts";
import { createActivity } from "../../activity.ts";
import { assertKey, copyBytes } from "../../bytes.ts";
import { type Attempt, createConflictLane } from "../../conflicts.ts";
import { defaultReserveBytes, fullError, isFull, mayCommit, removedBytes } from "../../fullness.ts";
import type { Reader, Store } from "../../storage.ts";
import { readsStillHold, trackTransaction } from "../../transaction.ts";
import { createWatchers } from "../../watchers.ts";
import {
  applyChanges,
  entriesInside,
  find,
  noEntries,
  type SortedEntries,
} from "./sorted-entries.ts";

const bytesMaxDefault = 1024 * 1024 * 1024;

/**
 * A store that lives and dies with the process: for tests, simulations and throw-away servers. Same
 * promises as the durable ones, except that what was acknowledged is gone with the process.
 */
export function createMemoryStore(deps: { readonly bytesMax?: number } = {}): Store {
  const bytesMax = deps.bytesMax ?? bytesMaxDefault;
  const watchers = createWatchers();
  const untilCommitted = createConflictLane();
  const activity = createActivity();
  let state = noEntries;

  const room = () => ({
    leftBytes: bytesMax - state.byteCount,
    reserveBytes: defaultReserveBytes(bytesMax),
  });
  const attempt = async <T>(work: Parameters<Store["write"]>[0]): Promise<Attempt<T>> => {
    const tracked = trackTransaction(readerOf(state));
    let value: T;
    try {
      value = (await work(tracked.transaction)) as T; // `write` below is what knows the type
    } finally {
      tracked.seal();
    }
    const current = readerOf(state);
    if (!readsStillHold(tracked.reads, current)) return { kind: "conflict" };
    const changes = tracked.changes();
    const allowed = mayCommit(room(), {
      putBytes: changes.putBytes,
      removedBytes: () => removedBytes(changes, current),
    });
    if (!allowed) throw fullError("the store in memory");
    state = applyChanges(state, changes);
    watchers.committed([changes]);
    return { kind: "committed", value };
  };

  return {
    read: (work) =>
      activity.run(async () => {
        let ended = false;
        const reader = readerOf(state, () =>
          assert(!ended, "a reader is not used after its callback has ended"),
        );
        try {
          return await work(reader);
        } finally {
          ended = true;
        }
      }),
    write: (work) => activity.run(() => untilCommitted(() => attempt(work))),
    watch(range, signal) {
      activity.assertOpen();
      return watchers.watch(range, signal);
    },
    usage: async () => {
      activity.assertOpen();
      return { bytes: state.byteCount, bytesMax, full: isFull(room()) };
    },
    async [Symbol.asyncDispose]() {
      watchers.close();
      await activity.close();
    },
  };
}

/** Hands out copies: what a caller does to them must not reach the store. */
function readerOf(entries: SortedEntries, assertUsable: () => void = () => undefined): Reader {
  function* list(...[range, options = {}]: Parameters<Reader["list"]>) {
    assertUsable();
    const { limit = Infinity, reverse = false } = options;
    let count = 0;
    if (limit <= 0) return;
    for (const { key, value } of entriesInside(entries, range, reverse)) {
      yield { key: copyBytes(key), value: copyBytes(value) };
      if (++count >= limit) return;
      assertUsable();
    }
  }
  return {
    get(key) {
      assertUsable();
      assertKey(key);
      const value = find(entries, key);
      return value && copyBytes(value);
    },
    list: (range, options) => ({ [Symbol.iterator]: () => list(range, options) }),
  };
}
