import type { Transaction } from "#storage/storage.ts";
import {
  streamCodec,
  streamHeadCodec,
  streamKeys,
  type StreamDescription,
} from "../stream-records.ts";
import type { StreamsDeps } from "./deps.ts";
import { streamRetentionMs, trimmedRecordsMax } from "./limits.ts";
import { isTooOld, rangeUpTo, readStream, recordsFrom, type StreamState } from "./reading.ts";

/**
 * Removes records that are a day old, shards that have none left, and streams a day after they were disabled.
 * It looks at start and when something is due by the clock: the oldest record of a stream tells when, and of an
 * empty or new stream, or one that was disabled just now, nothing can be due before a day is over. So a change of
 * the streams arms the timer where there is none, and is no reason to look otherwise. Disposing ends it between
 * two transactions.
 */
export interface Trimmer extends AsyncDisposable {
  /** Resolves when nothing is left to trim now. */
  settle(): Promise<void>;
}

export function createTrimmer(deps: StreamsDeps): Trimmer {
  const { store, clock, log } = deps;
  const stop = new AbortController();
  let timer: Disposable | undefined;
  let running: Promise<void> = Promise.resolve();

  function wake(): Promise<void> {
    running = running.then(sweep).catch((error: unknown) => {
      log.event("dynamodb.trim-failed", { level: "warn", error: String(error) });
    });
    return running;
  }

  async function sweep(): Promise<void> {
    let dueMs: number | undefined;
    const streams = await store.read((reader) =>
      Array.from(reader.list(streamKeys.everyStream()), ({ value }) => streamCodec.decode(value)),
    );
    for (const stream of streams) {
      const streamDueMs = await trimAll(stream);
      if (streamDueMs !== undefined) dueMs = Math.min(dueMs ?? streamDueMs, streamDueMs);
    }
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (dueMs !== undefined) arm(dueMs - clock.nowMs());
  }

  function arm(delayMs: number): void {
    if (stop.signal.aborted) return;
    timer = clock.timer(Math.max(1, delayMs), () => void wake());
  }

  /** When there is something to do next; undefined when the stream is gone. */
  async function trimAll(stream: StreamDescription): Promise<number | undefined> {
    while (!stop.signal.aborted) {
      const outcome = await store.write((tx) => trimSome(tx, stream, clock.nowMs()));
      if (outcome !== "more") return outcome;
    }
    return undefined;
  }

  const watching = (async () => {
    await wake();
    for await (const _ of store.watch(streamKeys.everyStream(), stop.signal)) {
      if (timer === undefined) arm(streamRetentionMs + 1);
    }
  })().catch((error: unknown) =>
    log.event("dynamodb.watch-failed", { level: "warn", error: String(error) }),
  );
  return {
    settle: wake,
    async [Symbol.asyncDispose]() {
      stop.abort();
      timer?.[Symbol.dispose]();
      await watching;
      await running;
      timer?.[Symbol.dispose]();
    },
  };
}

function trimSome(
  tx: Transaction,
  stream: StreamDescription,
  nowMs: number,
): number | "more" | undefined {
  const state = readStream(tx, stream);
  if (!state || state.stream.streamId !== stream.streamId) return undefined;
  const { disabledMs } = state.stream;
  if (disabledMs !== undefined && disabledMs < nowMs - streamRetentionMs) {
    removeStream(tx, state);
    return undefined;
  }
  let last: number | undefined;
  let count = 0;
  let dueMs = (disabledMs ?? nowMs) + streamRetentionMs + 1;
  for (const record of recordsFrom(tx, stream.streamId, 0)) {
    if (!isTooOld(record, nowMs)) {
      dueMs = Math.min(dueMs, record.createdMs + streamRetentionMs + 1);
      break;
    }
    last = record.sequence;
    if (++count === trimmedRecordsMax) break;
  }
  if (last === undefined) return dueMs;
  tx.deleteRange(rangeUpTo(stream.streamId, last));
  dropShards(tx, state, last);
  return count === trimmedRecordsMax ? "more" : dueMs;
}

/** Closed shards whose last record is gone. */
function dropShards(tx: Transaction, { stream, head }: StreamState, lastTrimmed: number): void {
  const shards = head.shards.filter(({ last }) => last === undefined || last > lastTrimmed);
  if (shards.length === head.shards.length) return;
  tx.put(streamKeys.head(stream.streamId), streamHeadCodec.encode({ ...head, shards }));
}

function removeStream(tx: Transaction, { stream }: StreamState): void {
  tx.delete(streamKeys.stream(stream));
  tx.delete(streamKeys.head(stream.streamId));
  tx.deleteRange(streamKeys.records(stream.streamId));
}
