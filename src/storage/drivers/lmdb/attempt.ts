import type { Attempt } from "../../conflicts.ts";
import type { Transaction } from "../../storage.ts";
import { isThenable, trackTransaction } from "../../transaction.ts";
import type { Committer } from "./committer.ts";
import type { EnvironmentReader } from "./reader.ts";
import type { Snapshots } from "./snapshots.ts";

/** One try of a transaction: run it against a snapshot, then have its changes committed. */
export function createAttempt(snapshots: Snapshots, committer: Committer) {
  return async <T>(work: (tx: Transaction) => T | Promise<T>): Promise<Attempt<T>> => {
    // Opened by the first read: many transactions only write.
    let snapshot: EnvironmentReader | undefined;
    const tracked = trackTransaction({
      get: (key) => (snapshot ??= snapshots.open()).get(key),
      list: (range, options) => (snapshot ??= snapshots.open()).list(range, options),
    });
    let value: T;
    let isAsync: boolean;
    try {
      const result = work(tracked.transaction);
      isAsync = isThenable(result);
      value = await result;
    } finally {
      tracked.seal();
      snapshot?.end(); // before waiting for the disk: snapshots keep old pages in use
    }
    const { deletedRanges, entries } = tracked.changes();
    if (entries.length === 0 && deletedRanges.length === 0) return { kind: "committed", value };
    const outcome = await committer.commit({ tracked, rerun: isAsync ? undefined : work });
    if (outcome.kind === "conflict") return outcome;
    // `again` is what the same callback returned, so it is a T.
    return { kind: "committed", value: outcome.again ? (outcome.again.value as T) : value };
  };
}
