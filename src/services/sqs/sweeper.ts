import { ignore } from "#base/ignore.ts";
import { keyAfter, keyParts } from "#storage/keys.ts";
import type { KeyRange } from "#storage/storage.ts";
import type { SqsDeps } from "./deps.ts";
import * as limits from "./limits.ts";
import {
  keys,
  moveTaskCodec,
  partitionRange,
  type Place,
  queueCodec,
  type QueueRecord,
} from "./records.ts";

/** Clears away what purges, deletions and the passing of time left behind, and takes up move tasks. */
export interface Sweeper extends AsyncDisposable {
  /** One whole round, now instead of within ten minutes. */
  sweep(): Promise<void>;
}

/** Disposing stops it between two transactions. */
export function createSweeper(deps: SqsDeps): Sweeper {
  const stopped = new AbortController();
  const { signal } = stopped;
  let timer: Disposable | undefined;
  let sweeping: Promise<void> = Promise.resolve();

  const sweep = async (): Promise<void> => {
    await clearTrash(deps, signal);
    for (const place of await regionsOf(deps)) {
      await takeUpMoveTasks(deps, place);
      for await (const queue of queuesOf(deps, place)) {
        if (signal.aborted) return;
        await expire(deps, queue, signal);
      }
    }
  };
  const next = (delayMs: number): void => {
    timer = deps.clock.timer(delayMs, () => {
      sweeping = sweep()
        .catch((error: unknown) => deps.log.event("sqs.sweep-failed", { level: "warn", error }))
        .finally(() => {
          if (!signal.aborted) next(limits.sweepIntervalMs);
        });
    });
  };
  next(limits.firstSweepMs);
  return {
    sweep,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      timer?.[Symbol.dispose]();
      await sweeping;
      ignore(sweeping, "it has ended");
    },
  };
}

async function clearTrash(deps: SqsDeps, signal: AbortSignal): Promise<void> {
  const found = await deps.store.read((reader) => Array.from(reader.list(keys.allTrash)));
  for (const { key, value } of found) {
    const [, , id, generation] = keyParts(key);
    const [accountId = "", region = ""] = Buffer.from(value).toString().split(" ");
    const range = partitionRange({ accountId, region, id: Number(id) }, Number(generation));
    while (await clearSome(deps, range)) if (signal.aborted) return;
    await deps.store.write((tx) => tx.delete(key));
  }
}

/** In small steps, so that other requests get their turn; false when nothing is left. */
async function clearSome({ store }: SqsDeps, range: KeyRange): Promise<boolean> {
  const last = await store.read((reader) => {
    let byteCount = 0;
    let end: Uint8Array | undefined;
    for (const { key, value } of reader.list(range, { limit: limits.sweepEntriesMax })) {
      end = Uint8Array.from(key);
      byteCount += value.byteLength;
      if (byteCount > limits.sweepBytesMax) break;
    }
    return end;
  });
  if (!last) return false;
  await store.write((tx) => tx.deleteRange({ start: range.start, end: keyAfter(last) }));
  return true;
}

async function regionsOf({ store }: SqsDeps): Promise<readonly Place[]> {
  const found = await store.read((reader) => Array.from(reader.list(keys.regions)));
  return found.map(({ key }) => {
    const [, , accountId, region] = keyParts(key);
    return { accountId: String(accountId), region: String(region) };
  });
}

async function* queuesOf({ store }: SqsDeps, place: Place): AsyncGenerator<QueueRecord> {
  let range = keys.queues(place);
  for (;;) {
    const from = range;
    const page = await store.read((reader) =>
      Array.from(reader.list(from, { limit: limits.pageEntriesMax })),
    );
    for (const { key, value } of page) {
      yield queueCodec.decode(value);
      range = { ...range, start: keyAfter(key) };
    }
    if (page.length < limits.pageEntriesMax) return;
  }
}

/** Every transaction of a lane begins with dropping what has expired. */
async function expire({ lanes }: SqsDeps, queue: QueueRecord, signal: AbortSignal): Promise<void> {
  try {
    while (await lanes.of(queue).run(({ hasMoreDue }) => hasMoreDue)) if (signal.aborted) return;
  } catch (error) {
    // Deleted meanwhile; what else may happen is for the log.
    if (!(error instanceof Error && error.name === "QueueDoesNotExist")) throw error;
  }
}

/** Tasks of a process that is gone. Alone on a store, there is no other that could run them. */
async function takeUpMoveTasks(deps: SqsDeps, place: Place): Promise<void> {
  const found = await deps.store.read((reader) =>
    Array.from(reader.list(keys.allMoveTasks(place))),
  );
  for (const { value } of found) {
    const task = moveTaskCodec.decode(value);
    const isOpen = task.status === "RUNNING" || task.status === "CANCELLING";
    const isFree = !deps.isShared || task.leaseMs <= deps.clock.nowMs();
    if (isOpen && isFree) deps.moveTasks.run(task);
  }
}
