import { visibilitySecondsMax } from "../limits.ts";
import { keyBelow } from "#storage/keys.ts";
import { plainRecordCodec } from "#storage/records.ts";
import {
  decodeState,
  lastNumbers,
  type MessageRecord,
  messageCodec,
  type MessageState,
  rangeUpTo,
} from "../records.ts";
import type { Partition, Receipt, TakenMessage } from "./partition.ts";

/** A message in one of the indexes that say where it is. */
export interface Located {
  readonly key: Uint8Array;
  readonly atMs: number;
  readonly sequence: number;
  readonly state: MessageState;
}

const pointers = plainRecordCodec<readonly [isReady: 0 | 1, atMs: number]>(1);

/**
 * Where the message of a receipt is now, in flight or visible again: where the receipt says, or where a
 * pointer leads. Undefined when it is gone, or when it has been received again.
 */
export function locate(
  partition: Partition,
  receipt: Receipt,
): (Located & { readonly isReady: boolean }) | undefined {
  const { tx, keys, queue } = partition;
  const { dueMs, sequence } = receipt;
  const visibleAt = queue.isFifo ? undefined : keys.ready;
  const places: [Uint8Array | undefined, boolean, number][] = [
    [keys.timed, false, dueMs],
    [visibleAt, true, dueMs],
  ];
  for (let at = 0; at < places.length; at++) {
    const [prefix, isReady, atMs] = places[at] ?? [undefined, false, 0];
    const found = prefix && stateAt(partition, prefix, { atMs, sequence });
    if (found) return isSame(found.state, receipt) ? { ...found, isReady } : undefined;
    if (at !== 1) continue;
    const pointer = tx.get(keyBelow(keys.pointer, sequence));
    if (!pointer) return undefined;
    const [wasReady, wentMs] = pointers.decode(pointer);
    places.push([wasReady ? visibleAt : keys.timed, wasReady === 1, wentMs]);
    // A timeout that was changed and is over since has made it visible at its end.
    if (!wasReady) places.push([visibleAt, true, wentMs]);
  }
  return undefined;
}

function stateAt(
  { tx }: Partition,
  prefix: Uint8Array,
  { atMs, sequence }: { readonly atMs: number; readonly sequence: number },
): Located | undefined {
  const key = keyBelow(prefix, atMs, sequence);
  const bytes = tx.get(key);
  return bytes && { key, atMs, sequence, state: decodeState(bytes) };
}

function isSame(state: MessageState, receipt: Receipt): boolean {
  return state.receiveCount === receipt.receiveCount && state.sentMs === receipt.sentMs;
}

/** Leaves word where a message went that is no longer where its receipt says. */
export function point(
  { tx, keys }: Partition,
  sequence: number,
  to: { readonly isReady: boolean; readonly atMs: number },
): void {
  tx.put(keyBelow(keys.pointer, sequence), pointers.encode([to.isReady ? 1 : 0, to.atMs]));
}

/** The message itself and what may point to it; its place in an index is the caller's. */
export function forget(
  { tx, keys }: Partition,
  sequence: number,
  { sentMs, hasPointer }: MessageState,
): void {
  tx.delete(keyBelow(keys.message, sentMs, sequence));
  if (hasPointer) tx.delete(keyBelow(keys.pointer, sequence));
}

export function readMessage(
  { tx, keys }: Partition,
  sequence: number,
  sentMs: number,
): MessageRecord | undefined {
  const bytes = tx.get(keyBelow(keys.message, sentMs, sequence));
  return bytes && messageCodec.decode(bytes);
}

export function isExpired({ nowMs, settings }: Partition, sentMs: number): boolean {
  return sentMs + settings.retentionMs <= nowMs;
}

/** The state after one more receive. */
export function received({ nowMs }: Partition, state: MessageState): MessageState {
  return {
    ...state,
    receiveCount: state.receiveCount + 1,
    firstReceivedMs: state.firstReceivedMs || nowMs,
    receivedMs: nowMs,
    isDelayed: false,
    hasPointer: state.hasPointer,
  };
}

export function takenMessage(
  { queue }: Partition,
  record: MessageRecord,
  at: { readonly dueMs: number; readonly sequence: number; readonly state: MessageState },
): TakenMessage {
  const { state, sequence, dueMs } = at;
  const { sentMs, receiveCount } = state;
  const { id: queueId, generation } = queue;
  return {
    record,
    state,
    receipt: { queueId, generation, sentMs, sequence, dueMs, receiveCount },
  };
}

/** Whether a receiver may still have it for `visibilityMs`: twelve hours after it got it are the end. */
export function isWithinTotal(
  { nowMs }: Partition,
  { receivedMs }: MessageState,
  visibilityMs: number,
): boolean {
  return nowMs + visibilityMs - receivedMs <= visibilitySecondsMax * 1_000;
}

/** What is in a time-ordered index and due, at most `limit`. */
export function dueEntries(
  { tx }: Partition,
  prefix: Uint8Array,
  { upToMs, limit }: { readonly upToMs: number; readonly limit: number },
): Located[] {
  return [...tx.list(rangeUpTo(prefix, upToMs), { limit })].map(({ key, value }) => {
    const [atMs, sequence] = lastNumbers(key);
    return { key, atMs, sequence, state: decodeState(value) };
  });
}

/** The time of the first entry of a time-ordered index. */
export function firstTimeMs({ tx }: Partition, prefix: Uint8Array): number | undefined {
  for (const { key } of tx.list(rangeUpTo(prefix, Number.MAX_SAFE_INTEGER - 1), { limit: 1 })) {
    return lastNumbers(key)[0];
  }
  return undefined;
}

/** Stores what is never changed again. */
export function storeMessage(
  partition: Partition,
  record: MessageRecord,
  sentMs: number,
): { readonly sequence: number; readonly state: MessageState } {
  const { tx, keys, counts } = partition;
  const sequence = counts.nextSequence;
  counts.nextSequence += 1;
  tx.put(keyBelow(keys.message, sentMs, sequence), messageCodec.encode(record));
  const state = {
    sentMs,
    receiveCount: 0,
    firstReceivedMs: 0,
    receivedMs: 0,
    isDelayed: false,
    hasPointer: false,
    group: record.group,
  };
  return { sequence, state };
}

/** Bytes that count towards a receiver's limit. */
export function bytesOf(record: MessageRecord): number {
  let count = Buffer.byteLength(record.body);
  for (const [name, { type, value }] of Object.entries(record.attributes ?? {}))
    count += Buffer.byteLength(name) + type.length + Buffer.byteLength(value);
  return count;
}
