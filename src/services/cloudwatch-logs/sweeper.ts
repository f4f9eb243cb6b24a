import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { keyAfter } from "#storage/keys.ts";
import type { KeyRange, Store, Transaction } from "#storage/storage.ts";
import { mergedColumns, toChunks } from "./chunks.ts";
import { addUsage, expiredBeforeMs, putChunk } from "./events.ts";
import { saveStream } from "./groups.ts";
import { describePageMax, sweepChunksMax, sweepIntervalMs } from "./limits.ts";
import { openChunk, packedHere } from "./packing.ts";
import { chunkOf } from "./read-events.ts";
import {
  endOfTime,
  groupCodec,
  keys,
  readRecord,
  remainsCodec,
  spanClassesOf,
  streamCodec,
  type GroupRecord,
  type RemainsRecord,
  type StreamRecord,
} from "./records.ts";

/** Removes expired events and what deleted groups and streams left, in small transactions. */
export interface Sweeper extends AsyncDisposable {
  /** One pass over everything; resolves when nothing is left to remove or the sweeper is disposed. */
  sweep(): Promise<void>;
}

export function createSweeper(deps: {
  readonly store: Store;
  readonly clock: Clock;
  /** By which events expire. */
  readonly expiryClock: Clock;
  readonly log: Logger;
}): Sweeper {
  let isStopped = false;
  let timer: Disposable | undefined;
  let running: Promise<void> | undefined;

  function arm(): void {
    if (isStopped) return;
    timer = deps.clock.timer(sweepIntervalMs, () => void run().finally(arm));
  }

  async function run(): Promise<void> {
    try {
      await sweeper.sweep();
    } catch (error) {
      deps.log.event("logs.sweep-failed", { level: "warn", error });
    }
  }

  async function pass(): Promise<void> {
    while (!isStopped && (await removeRemains(deps.store)));
    for (let after: Uint8Array | undefined; !isStopped;) {
      const page = await groupsAfter(deps.store, after);
      for (const { group } of page) {
        const beforeMs = expiredBeforeMs(group, deps.expiryClock.nowMs());
        if (beforeMs > 0) await expireGroup(deps.store, group, beforeMs, () => isStopped);
      }
      after = page.at(-1)?.key;
      if (after === undefined) return;
    }
  }

  const sweeper: Sweeper = {
    sweep() {
      running ??= pass().finally(() => (running = undefined));
      return running;
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      timer?.[Symbol.dispose]();
      await running?.catch(() => undefined); // reported by whoever started it
    },
  };
  arm();
  return sweeper;
}

async function groupsAfter(
  store: Store,
  after: Uint8Array | undefined,
): Promise<readonly { readonly key: Uint8Array; readonly group: GroupRecord }[]> {
  const range = keys.everyGroup();
  const rest = after ? { ...range, start: keyAfter(after) } : range;
  return store.read((reader) =>
    Array.from(reader.list(rest, { limit: describePageMax }), ({ key, value }) => ({
      key: Uint8Array.from(key),
      group: groupCodec.decode(value),
    })),
  );
}

async function expireGroup(
  store: Store,
  group: GroupRecord,
  beforeMs: number,
  isStopped: () => boolean,
): Promise<void> {
  for (let afterName: string | undefined; !isStopped();) {
    const range = keys.streams(group.id);
    const rest =
      afterName === undefined
        ? range
        : { ...range, start: keyAfter(keys.stream(group.id, afterName)) };
    const streams = await store.read((reader) =>
      Array.from(reader.list(rest, { limit: describePageMax }), ({ value }) =>
        streamCodec.decode(value),
      ),
    );
    for (const { name, firstEventMs } of streams) {
      if (firstEventMs === undefined || firstEventMs >= beforeMs) continue;
      while (!isStopped() && (await store.write((tx) => expireSome(tx, group, name, beforeMs))));
    }
    afterName = streams.at(-1)?.name;
    if (afterName === undefined) return;
  }
}

/** True when there may be more to remove. */
function expireSome(
  tx: Transaction,
  group: GroupRecord,
  streamName: string,
  beforeMs: number,
): boolean {
  const stream = readRecord(tx, keys.stream(group.id, streamName), streamCodec);
  if (!stream) return false;
  const removed = expireChunks(tx, stream, beforeMs);
  addUsage(tx, group.id, -removed.bytes);
  saveStream(tx, group.id, withFirstEvent(tx, removed.stream), stream);
  return removed.count === sweepChunksMax;
}

/** Whole chunks go; of those with younger events as well, the younger ones stay. */
function expireChunks(
  tx: Transaction,
  stream: StreamRecord,
  beforeMs: number,
): { readonly stream: StreamRecord; readonly count: number; readonly bytes: number } {
  let { spanClasses } = stream;
  let count = 0;
  let bytes = 0;
  for (const range of oldest(stream, beforeMs)) {
    const found = Array.from(tx.list(range, { limit: sweepChunksMax - count }));
    for (const entry of found) {
      const chunk = chunkOf(entry);
      count++;
      bytes += chunk.storedBytes;
      tx.delete(entry.key);
      if (chunk.maxMs < beforeMs) continue;
      for (const rest of toChunks(mergedColumns([openChunk(chunk)], beforeMs))) {
        bytes -= rest.storedBytes;
        spanClasses = putChunk(tx, { ...stream, spanClasses }, packedHere(rest)).classes
          .spanClasses;
      }
    }
  }
  return { stream: { ...stream, spanClasses }, count, bytes };
}

/** Where the chunks are that begin before this moment. */
function* oldest(stream: StreamRecord, beforeMs: number): Generator<KeyRange> {
  for (const spanClass of spanClassesOf(stream)) {
    const first = { spanClass, minMs: 0, firstSequence: 0 };
    const end = keys.chunk(stream.id, { ...first, minMs: beforeMs });
    yield { start: keys.chunk(stream.id, first), end };
  }
}

function withFirstEvent(tx: Transaction, stream: StreamRecord): StreamRecord {
  const { firstEventMs: oldFirst, lastEventMs: oldLast, ...rest } = stream;
  let firstEventMs = Infinity;
  for (const range of oldest(stream, endOfTime.ms)) {
    const [first] = tx.list(range, { limit: 1 });
    if (first) firstEventMs = Math.min(firstEventMs, chunkOf(first).minMs);
  }
  if (firstEventMs === Infinity || oldFirst === undefined || oldLast === undefined) return rest;
  return { ...rest, firstEventMs, lastEventMs: oldLast };
}

function removeChunks(
  tx: Transaction,
  range: KeyRange,
): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  let last: Uint8Array | undefined;
  for (const entry of tx.list(range, { limit: sweepChunksMax })) {
    count++;
    bytes += chunkOf(entry).storedBytes;
    last = Uint8Array.from(entry.key);
  }
  if (last) tx.deleteRange({ start: range.start, end: keyAfter(last) });
  return { count, bytes };
}

/** Clears away part of one deleted group or stream. False when nothing deleted is left. */
async function removeRemains(store: Store): Promise<boolean> {
  return store.write((tx) => {
    const [entry] = tx.list(keys.everyRemains(), { limit: 1 });
    if (!entry) return false;
    const remains = remainsCodec.decode(entry.value);
    const isEmpty = remains.kind === "stream" ? removeSome(tx, remains) : scatter(tx, remains);
    if (isEmpty) tx.delete(keys.remains(remains.id));
    return true;
  });
}

function removeSome(tx: Transaction, remains: RemainsRecord): boolean {
  const removed = removeChunks(tx, keys.chunks(remains.id));
  const { groupId } = remains;
  const isCounted = groupId !== undefined && tx.get(keys.usage(groupId)) !== undefined;
  if (isCounted) addUsage(tx, groupId, -removed.bytes);
  return removed.count < sweepChunksMax;
}

/** A deleted group becomes its streams, each deleted on its own. */
function scatter(tx: Transaction, remains: RemainsRecord): boolean {
  const streams = Array.from(tx.list(keys.streams(remains.id), { limit: describePageMax }));
  for (const { value } of streams) {
    const stream = streamCodec.decode(value);
    tx.delete(keys.stream(remains.id, stream.name));
    tx.delete(keys.recent(remains.id, stream));
    tx.put(keys.remains(stream.id), remainsCodec.encode({ kind: "stream", id: stream.id }));
  }
  return streams.length < describePageMax;
}
