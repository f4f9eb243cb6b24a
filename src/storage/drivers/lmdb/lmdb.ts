import { type Clock, systemClock } from "#base/clock.ts";
import { createActivity } from "../../activity.ts";
import { createConflictLane } from "../../conflicts.ts";
import { defaultReserveBytes, isFull } from "../../fullness.ts";
import type { Store } from "../../storage.ts";
import { isThenable } from "../../transaction.ts";
import { createWatchers } from "../../watchers.ts";
import { createAttempt } from "./attempt.ts";
import { createCommitter } from "./committer.ts";
import { openDoorbell } from "./doorbell.ts";
import { environmentStatus, openEnvironment } from "./environment.ts";
import { createSnapshots } from "./snapshots.ts";
import { createSpace } from "./space.ts";

export interface LmdbStoreDeps {
  /** A directory, made if missing. Several processes of one machine may share it; no network disks. */
  readonly path: string;
  /** Live data beyond which nothing is added; the file may be larger, it never shrinks. */
  readonly bytesMax: number;
  /** Room kept for deletions; by default a sixteenth of `bytesMax`, at most 64 MiB. */
  readonly reserveBytes?: number;
  /** For the safety net behind wake-ups between processes only; real time even in tests. */
  readonly clock?: Clock;
}

/**
 * The store of one machine. Reads are of memory-mapped snapshots; writes are optimistic and are
 * committed in groups, each group one flush, by `committer.ts`. What was acknowledged survives
 * kill -9 and power cuts, and what any process can read is durable. Disposing waits for the reads and
 * writes that are under way.
 */
export async function openLmdbStore(deps: LmdbStoreDeps): Promise<Store> {
  const { path: directory, bytesMax, clock = systemClock } = deps;
  const environment = await openEnvironment(directory, bytesMax);
  const reserveBytes = deps.reserveBytes ?? defaultReserveBytes(bytesMax);
  const space = createSpace({ environment, directory, bytesMax, reserveBytes });
  const snapshots = createSnapshots(environment);
  const untilCommitted = createConflictLane();
  const activity = createActivity();
  /** Every commit up to this one has been told to the watchers. */
  let announcedId = environmentStatus(environment).lastTransactionId;
  let closing: Promise<void> | undefined;

  const doorbell = openDoorbell({ directory, clock, onRing: () => announceOthers() });
  const watchers = createWatchers((count) => doorbell.listen(count > 0));
  const announceOthers = (): void => {
    const { lastTransactionId } = environmentStatus(environment);
    if (lastTransactionId <= announcedId) return;
    announcedId = lastTransactionId;
    watchers.somethingChanged();
  };
  const committer = createCommitter({
    environment,
    space,
    what: `the store ${directory}`,
    onCommitted(transactionId, changes) {
      if (transactionId > announcedId + 1) watchers.somethingChanged(); // others came in between
      else watchers.committed(changes);
      announcedId = Math.max(announcedId, transactionId);
      doorbell.ring();
    },
  });

  const attempt = createAttempt(snapshots, committer);
  const close = async (): Promise<void> => {
    watchers.close();
    await activity.close();
    await space.restoreBallast(); // waits for one under way
    doorbell[Symbol.dispose]();
    await environment.close();
  };

  await space.restoreBallast();
  return {
    async read(work) {
      activity.begin();
      const snapshot = snapshots.open();
      try {
        const result = work(snapshot);
        return isThenable(result) ? await result : result;
      } finally {
        snapshot.end();
        activity.end();
      }
    },
    write: (work) => activity.run(() => untilCommitted(() => attempt(work))),
    watch(range, signal) {
      activity.assertOpen();
      return watchers.watch(range, signal);
    },
    usage: async () => {
      activity.assertOpen();
      const room = space.measure();
      return { bytes: room.usedBytes, bytesMax, full: isFull(room) };
    },
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}
