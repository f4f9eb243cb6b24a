import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import type { KeyRange, Reader, Store, Transaction } from "#storage/storage.ts";
import { caughtUpMax, dueBatchMax, foreseenMs, storeTroubleMs } from "./limits.ts";
import type { Schedule } from "./schedules.ts";

/** Something that is due at a time, named by a few texts. */
export interface Due {
  readonly dueMs: number;
  readonly name: readonly string[];
}

/** Moments in the store, in order; a single timer waits for the first one. */
export interface DueTimes extends AsyncDisposable {
  /** Inside the caller's transaction. */
  add(tx: Transaction, due: Due): void;
  delete(tx: Transaction, due: Due): void;
}

const empty = new Uint8Array();

/**
 * Calls `fire` inside the transaction that takes a due time away, so that what it sends through the outbox
 * is sent once, whenever the process ends. Several processes may do so on one store. What became due while
 * none ran is due at the start. `fire` acts only through the transaction.
 */
export function createDueTimes(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** First part of the keys. */
  readonly prefix: string;
  readonly fire: (tx: Transaction, due: Due, nowMs: number) => void;
  /** Told of what is due within `foreseenMs`, at least once, in no order. Must not throw. */
  readonly foresee?: (reader: Reader, due: Due) => void;
}): DueTimes {
  const { store, clock, log, prefix, fire, foresee } = deps;
  const range = keyPrefix(prefix, "due");
  const stopped = new AbortController();
  let timer: Disposable | undefined;
  const keyOf = ({ dueMs, name }: Due): Uint8Array => key(prefix, "due", dueMs, ...name);

  const takeDue = (): Promise<number | undefined> =>
    store.write((tx) => {
      const nowMs = clock.nowMs();
      const entries = [...tx.list(range, { limit: dueBatchMax })].map((entry) =>
        readDue(entry.key),
      );
      for (const due of entries) {
        if (due.dueMs > nowMs) break;
        tx.delete(keyOf(due));
        fire(tx, due, nowMs);
      }
      const [first] = tx.list(range, { limit: 1 });
      return first && readDue(first.key).dueMs;
    });
  /** Until nothing is due any more. */
  const settle = async (): Promise<void> => {
    let firstMs = await firstDue(store, range);
    while (firstMs !== undefined && firstMs <= clock.nowMs() && !stopped.signal.aborted)
      firstMs = await takeDue();
    const soonMs = foresee && (await lookAhead(store, { range, nowMs: clock.nowMs(), foresee }));
    const nextMs = Math.min(firstMs ?? Infinity, soonMs ?? Infinity);
    wakeIn(nextMs === Infinity ? undefined : nextMs - clock.nowMs());
  };
  let running = Promise.resolve();
  const look = (): void => {
    running = running.then(settle).catch((error: unknown) => {
      if (stopped.signal.aborted) return;
      log.event("due-times.failed", { level: "error", prefix, error });
      wakeIn(storeTroubleMs);
    });
  };
  function wakeIn(delayMs: number | undefined): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (delayMs === undefined || stopped.signal.aborted) return;
    timer = clock.timer(Math.max(0, delayMs), look);
  }
  const watching = (async () => {
    for await (const _ of store.watch(range, stopped.signal)) look();
  })();
  return {
    add: (tx, due) => tx.put(keyOf(due), empty),
    delete: (tx, due) => tx.delete(keyOf(due)),
    async [Symbol.asyncDispose]() {
      stopped.abort();
      ignore(watching, "a watch ends with its signal");
      await watching.catch(() => undefined);
      await running;
      timer?.[Symbol.dispose]();
    },
  };
}

function firstDue(store: Store, range: KeyRange): Promise<number | undefined> {
  return store.read((reader) => {
    const [first] = reader.list(range, { limit: 1 });
    return first && readDue(first.key).dueMs;
  });
}

/** Tells of what is due soon; gives when something else will be. */
function lookAhead(
  store: Store,
  {
    range,
    nowMs,
    foresee,
  }: {
    readonly range: KeyRange;
    readonly nowMs: number;
    readonly foresee: (reader: Reader, due: Due) => void;
  },
): Promise<number | undefined> {
  return store.read((reader) => {
    for (const entry of reader.list(range, { limit: dueBatchMax })) {
      const due = readDue(entry.key);
      if (due.dueMs > nowMs + foreseenMs) return due.dueMs - foreseenMs;
      foresee(reader, due);
    }
    return undefined;
  });
}

function readDue(encoded: Uint8Array): Due {
  const [, , dueMs, ...name] = keyParts(encoded);
  return { dueMs: Number(dueMs), name: name.map(String) };
}

/**
 * When a schedule that was due at `dueMs`, and is handled now, is due again. Times that were missed are
 * made up for one by one, the last 1,440 of them.
 */
export function dueAgainMs(
  schedule: Schedule,
  {
    dueMs,
    anchorMs,
    nowMs,
  }: { readonly dueMs: number; readonly anchorMs: number; readonly nowMs: number },
): number | undefined {
  const nextMs = schedule.next(dueMs, anchorMs);
  if (nextMs === undefined) return undefined;
  const keptMs = nowMs - (nextMs - dueMs) * caughtUpMax;
  return nextMs >= keptMs ? nextMs : schedule.next(keptMs, anchorMs);
}
