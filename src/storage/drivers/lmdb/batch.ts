import { ignore } from "#base/ignore.ts";
import { fullError, mayCommit, removedBytes, type Room } from "../../fullness.ts";
import type { Reader, Transaction } from "../../storage.ts";
import {
  type Changes,
  isThenable,
  readsStillHold,
  type TrackedTransaction,
  trackTransaction,
} from "../../transaction.ts";
import type { Environment } from "./environment.ts";
import { EnvironmentReader } from "./reader.ts";

export interface CommitRequest {
  readonly tracked: TrackedTransaction;
  /** A synchronous callback: after a conflict it is run again at once, inside the write lock. */
  readonly rerun: ((tx: Transaction) => unknown) | undefined;
}

export type CommitOutcome =
  | { readonly kind: "conflict" }
  /** `again` holds what the callback returned if it was run again. */
  | { readonly kind: "committed"; readonly again?: { readonly value: unknown } };

export interface Pending extends CommitRequest {
  /** What to tell the caller once the batch is durable. */
  verdict: { readonly outcome: CommitOutcome } | { readonly error: unknown };
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface Batch {
  readonly items: Pending[];
  readonly applied: Changes[];
  transactionId: number;
}

/** Commits what `take` gives it, once it has the write lock, as one LMDB transaction. */
export type CommitBatch = (take: () => Pending[], room: Room) => Promise<Batch>;

/** Resolves when the batch is durable; rejects with `BatchFailure` when nothing of it was applied. */
export function createBatchCommit(environment: Environment, what: string): CommitBatch {
  const current = new EnvironmentReader(environment, undefined);

  /** Inside the write lock; bytes it put. What it throws undoes the whole batch. */
  const decide = (item: Pending, batch: Batch, room: Room): number => {
    let changes = item.tracked.changes();
    let outcome: CommitOutcome = { kind: "committed" };
    if (!readsStillHold(item.tracked.reads, current)) {
      const again = runAgain(item, current);
      item.verdict = again.verdict;
      if (!again.changes) return 0;
      changes = again.changes;
      outcome = again.verdict.outcome;
    }
    const allowed = mayCommit(room, {
      putBytes: changes.putBytes,
      removedBytes: () => removedBytes(changes, current),
    });
    item.verdict = allowed ? { outcome } : { error: fullError(what) };
    if (!allowed) return 0;
    apply(environment, changes, current);
    batch.applied.push(changes);
    return changes.putBytes;
  };
  return async (take, room) => {
    const batch: Batch = { items: [], applied: [], transactionId: 0 };
    try {
      // A child transaction: if a native call fails half-way, all of it is undone.
      await environment.childTransaction(() => {
        batch.items.push(...asyncFirst(take()));
        batch.transactionId = environment.getWriteTxnId();
        let { leftBytes } = room;
        for (const item of batch.items) leftBytes -= decide(item, batch, { ...room, leftBytes });
      });
    } catch (error) {
      throw new BatchFailure(batch, await causeOf(error));
    }
    return batch;
  };
}

/** What cannot be run again inside the lock goes before what can, which would otherwise always win. */
function asyncFirst(items: readonly Pending[]): Pending[] {
  return [...items.filter((item) => !item.rerun), ...items.filter((item) => item.rerun)];
}

export class BatchFailure extends Error {
  override readonly name = "BatchFailure";
  readonly batch: Batch;

  constructor(batch: Batch, cause: unknown) {
    super("a batch could not be committed", { cause });
    this.batch = batch;
  }
}

/** Changes are absent when there is nothing to apply: it failed, or it became asynchronous. */
function runAgain(
  item: Pending,
  current: Reader,
):
  | { readonly changes: Changes; readonly verdict: { readonly outcome: CommitOutcome } }
  | { readonly changes: undefined; readonly verdict: Pending["verdict"] } {
  if (!item.rerun) return { changes: undefined, verdict: { outcome: { kind: "conflict" } } };
  const tracked = trackTransaction(current);
  try {
    const value = item.rerun(tracked.transaction);
    if (isThenable(value)) {
      ignore(Promise.resolve(value), "it is run once more, outside the lock");
      return { changes: undefined, verdict: { outcome: { kind: "conflict" } } };
    }
    const outcome = { kind: "committed", again: { value } } as const;
    return { changes: tracked.changes(), verdict: { outcome } };
  } catch (error) {
    return { changes: undefined, verdict: { error } };
  } finally {
    tracked.seal();
  }
}

function apply(environment: Environment, changes: Changes, current: Reader): void {
  for (const range of changes.deletedRanges)
    for (const { key } of current.list(range)) ignoreResult(environment.remove(key));
  for (const { key, value } of changes.entries)
    ignoreResult(value ? environment.put(key, value) : environment.remove(key));
}

/** Inside a transaction the library works at once and throws; its promise is already settled. */
function ignoreResult(_settled: Promise<boolean>): void {}

/** The library rejects with a general error that carries a promise which rejects with the cause. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
