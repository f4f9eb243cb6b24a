import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { fullError, mayCommit, removedBytes, type Room } from "../../fullness.ts";
import { batchBytesMax, batchWritesMax, pendingWritesMax } from "../../limits.ts";
import type { Reader, Transaction } from "../../storage.ts";
import {
  type Changes,
  isThenable,
  readsStillHold,
  type TrackedTransaction,
  trackTransaction,
} from "../../transaction.ts";
import type { Environment } from "./environment.ts";
import { createReader } from "./reader.ts";
import type { Space } from "./space.ts";

/**
 * Group commit. While one batch is being flushed the next collects; a batch is one LMDB transaction,
 * which takes what is waiting at the moment it gets the write lock, checks each transaction's reads
 * against the state the ones before it have made, and applies it.
 */
export interface Committer {
  /** Resolves when the changes are durable, or with "conflict" when nothing of them was applied. */
  commit(request: CommitRequest): Promise<CommitOutcome>;
}

export interface CommitRequest {
  readonly tracked: TrackedTransaction;
  /** A synchronous callback: after a conflict it is run again at once, inside the write lock. */
  readonly rerun: ((tx: Transaction) => unknown) | undefined;
}

export type CommitOutcome =
  | { readonly kind: "conflict" }
  /** `again` holds what the callback returned if it was run again. */
  | { readonly kind: "committed"; readonly again?: { readonly value: unknown } };

interface Pending extends CommitRequest {
  /** What to tell the caller once the batch is durable. */
  verdict: { readonly outcome: CommitOutcome } | { readonly error: unknown };
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly items: Pending[];
  readonly applied: Changes[];
  transactionId: number;
}

export function createCommitter(deps: {
  readonly environment: Environment;
  readonly space: Space;
  readonly what: string;
  readonly onCommitted: (transactionId: number, changes: readonly Changes[]) => void;
}): Committer {
  const { environment, space, what } = deps;
  let waiting: Pending[] = [];
  let draining = false;
  const current = createReader(environment, undefined, () => undefined);

  /** Inside the write lock. Must not throw once something of `item` is applied, unless all is lost. */
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
  const commitOnce = async (take: () => Pending[], room: Room): Promise<Batch> => {
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
  const settle = (batch: Batch): void => {
    for (const { verdict, resolve, reject } of batch.items)
      if ("error" in verdict) reject(verdict.error);
      else resolve(verdict.outcome);
    if (batch.applied.length > 0) deps.onCommitted(batch.transactionId, batch.applied);
  };
  /** One by one, so that each item gets its own answer; with no room but what it frees itself. */
  const salvage = async (failure: BatchFailure): Promise<void> => {
    const isFull = isDiskFull(failure.cause);
    if (isFull) await space.dropBallast();
    else if (failure.batch.items.length === 1)
      return failure.batch.items[0]?.reject(failed(what, failure.cause));
    for (const item of failure.batch.items) {
      try {
        const room = isFull ? { leftBytes: 0, reserveBytes: 1 } : space.measure();
        settle(await commitOnce(() => [item], room));
      } catch (error) {
        const cause = error instanceof BatchFailure ? error.cause : error;
        item.reject(isDiskFull(cause) ? fullError(what, cause) : failed(what, cause));
      }
    }
  };
  const take = (): Pending[] => {
    let byteCount = 0;
    let count = 0;
    while (count < Math.min(waiting.length, batchWritesMax) && byteCount < batchBytesMax)
      byteCount += waiting[count++]?.tracked.changes().putBytes ?? 0;
    return waiting.splice(0, count);
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      try {
        settle(await commitOnce(take, space.measure()));
        ignore(space.restoreBallast(), "made again at a later commit");
      } catch (error) {
        if (error instanceof BatchFailure && error.batch.items.length > 0) await salvage(error);
        else for (const item of take()) item.reject(failed(what, error));
      }
    }
    draining = false;
  };

  return {
    commit: (request) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= pendingWritesMax) {
          reject(new PlatformError("queue.full", `${what} has ${pendingWritesMax} writes waiting`));
          return;
        }
        const verdict = { outcome: { kind: "conflict" } } as const;
        waiting.push({ ...request, verdict, resolve, reject });
        if (draining) return;
        draining = true;
        ignore(drain(), "it answers every request itself");
      }),
  };
}

/** What cannot be run again inside the lock goes before what can, which would otherwise always win. */
function asyncFirst(items: readonly Pending[]): Pending[] {
  return [...items.filter((item) => !item.rerun), ...items.filter((item) => item.rerun)];
}

class BatchFailure extends Error {
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

function isDiskFull(cause: unknown): boolean {
  return (
    cause instanceof Error && /MAP_FULL|ENOSPC|EDQUOT|No space left|quota/i.test(cause.message)
  );
}

function failed(what: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError(
    "storage.failed",
    `${what} could not write (${reason}); nothing of this transaction was stored; check the disk`,
    { cause },
  );
}
