import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { fullError } from "../../fullness.ts";
import { batchBytesMax, batchWritesMax, pendingWritesMax } from "../../limits.ts";
import type { Changes } from "../../transaction.ts";
import {
  type Batch,
  BatchFailure,
  type CommitOutcome,
  type CommitRequest,
  createBatchCommit,
  type Pending,
} from "./batch.ts";
import type { Environment } from "./environment.ts";
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

export function createCommitter(deps: {
  readonly environment: Environment;
  readonly space: Space;
  readonly what: string;
  readonly onCommitted: (transactionId: number, changes: readonly Changes[]) => void;
}): Committer {
  const { environment, space, what } = deps;
  const waiting: Pending[] = [];
  let draining = false;
  const commitBatch = createBatchCommit(environment, what);

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
        settle(await commitBatch(() => [item], room));
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
        settle(await commitBatch(take, space.measure()));
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
