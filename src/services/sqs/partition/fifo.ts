import { keyBelow } from "#storage/keys.ts";
import { expiredMax, inFlightMax, settledMax } from "../limits.ts";
import {
  decodeState,
  encodeState,
  lastNumbers,
  messageCodec,
  type MessageRecord,
  rangeBelow,
  rangeUpTo,
} from "../records.ts";
import { moveToDeadLetters } from "./dead-letters.ts";
import { groupOf, makeVisible } from "./visible.ts";
import { forgetDuplicates, rememberMessage, sameMessage } from "./deduplication.ts";
import { updateGroup } from "./groups.ts";
import type {
  AcceptedMessage,
  Partition,
  Receipt,
  ReceiptOutcome,
  TakenMessage,
  TakeRequest,
} from "./partition.ts";
import {
  bytesOf,
  dueEntries,
  firstTimeMs,
  forget,
  isExpired,
  isWithinTotal,
  type Located,
  locate,
  point,
  readMessage,
  received,
  storeMessage,
  takenMessage,
} from "./places.ts";

/**
 * A queue's delay holds for messages already in it too, so what is delayed lies in the order of sending
 * and nothing overtakes it.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
 */
export function accept(partition: Partition, record: MessageRecord): AcceptedMessage {
  const { tx, keys, counts, nowMs, settings } = partition;
  const earlier = sameMessage(partition, record);
  if (earlier) return earlier;
  const { sequence, state } = storeMessage(partition, record, nowMs);
  rememberMessage(partition, record, sequence);
  if (settings.delayMs > 0 || counts.delayed > 0) {
    const delayed = encodeState({ ...state, isDelayed: true });
    tx.put(keyBelow(keys.delayed, nowMs, sequence), delayed);
    counts.delayed += 1;
  } else {
    makeVisible(partition, sequence, { state, sinceMs: nowMs });
  }
  return { messageId: record.id, sequence };
}

/**
 * As many of one group as there are, then of the next.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
 */
export function take(partition: Partition, request: TakeRequest): TakenMessage[] {
  const { tx, keys, counts, nowMs, givenOut } = partition;
  const taken: TakenMessage[] = [];
  const room = { ...request, byteCount: 0, isFull: false };
  // A list of its own: what is taken changes the index.
  const { limit } = request;
  const ready = Array.from(tx.list(rangeBelow(keys.ready), { limit: limit + givenOut.size }));
  for (const { value } of ready) {
    const left = Math.min(limit - taken.length, inFlightMax - counts.inFlight);
    if (left <= 0 || room.isFull) break;
    const group = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
    if (givenOut.has(group)) continue;
    const before = counts.inFlight;
    taken.push(
      ...takeOfGroup(partition, group, {
        ...room,
        limit: left,
        onFull: () => (room.isFull = true),
      }),
    );
    updateGroup(partition, group, { inFlight: counts.inFlight - before, sinceMs: nowMs });
  }
  return taken;
}

function takeOfGroup(
  partition: Partition,
  group: string,
  room: TakeRequest & { readonly onFull: () => void },
): TakenMessage[] {
  const { tx, keys } = partition;
  const taken: TakenMessage[] = [];
  let byteCount = 0;
  const waiting = rangeBelow(keyBelow(keys.waiting, group));
  // Dead letters and expired messages make room for those behind them: so without a limit, and lazily.
  for (const { key, value } of tx.list(waiting)) {
    if (taken.length === room.limit) break;
    const sequence = lastNumbers(key)[1];
    const state = decodeState(value);
    const record = readMessage(partition, sequence, state.sentMs);
    const isGone = !record || isExpired(partition, state.sentMs);
    byteCount += record ? bytesOf(record) : 0;
    if (!isGone && taken.length > 0 && byteCount > room.bytesMax) {
      room.onFull();
      break;
    }
    tx.delete(key);
    partition.counts.visible -= 1;
    if (isGone) forget(partition, sequence, state);
    else if (!moveToDeadLetters(partition, record, { sequence, state }))
      taken.push(giveOut(partition, record, { sequence, state, visibilityMs: room.visibilityMs }));
  }
  return taken;
}

function giveOut(
  partition: Partition,
  record: MessageRecord,
  at: Pick<Located, "sequence" | "state"> & { readonly visibilityMs: number },
): TakenMessage {
  const { tx, keys, counts, nowMs, givenOut } = partition;
  const { sequence, visibilityMs } = at;
  const state = received(partition, at.state);
  const dueMs = nowMs + visibilityMs;
  if (visibilityMs === 0) {
    tx.put(keyBelow(keys.waiting, groupOf(state), sequence), encodeState(state));
    counts.visible += 1;
    givenOut.add(groupOf(state));
  } else {
    tx.put(keyBelow(keys.timed, dueMs, sequence), encodeState(state));
    counts.inFlight += 1;
  }
  return takenMessage(partition, record, { dueMs, sequence, state });
}

/** A receipt is good for as long as its message is in flight. */
export function remove(partition: Partition, receipt: Receipt): ReceiptOutcome {
  const { tx, counts, nowMs } = partition;
  const found = locate(partition, receipt);
  if (!found) return isThere(partition, receipt) ? "expired" : "gone";
  tx.delete(found.key);
  counts.inFlight -= 1;
  forget(partition, found.sequence, found.state);
  updateGroup(partition, groupOf(found.state), { inFlight: -1, sinceMs: nowMs });
  return "done";
}

function isThere({ tx, keys }: Partition, { sentMs, sequence }: Receipt): boolean {
  return tx.get(keyBelow(keys.message, sentMs, sequence)) !== undefined;
}

export function changeVisibility(
  partition: Partition,
  receipt: Receipt,
  visibilityMs: number,
): ReceiptOutcome {
  const { tx, keys, nowMs } = partition;
  const found = locate(partition, receipt);
  if (!found) return isThere(partition, receipt) ? "visible" : "gone";
  if (!isWithinTotal(partition, found.state, visibilityMs)) return "too-long";
  const atMs = nowMs + visibilityMs;
  tx.delete(found.key);
  if (visibilityMs === 0) {
    comeBack(partition, found, nowMs);
  } else {
    const state = { ...found.state, hasPointer: true };
    tx.put(keyBelow(keys.timed, atMs, found.sequence), encodeState(state));
    point(partition, found.sequence, { isReady: false, atMs });
  }
  return "done";
}

/** From flight to its place in its group, which is blocked until none of it is in flight. */
function comeBack(partition: Partition, { sequence, state }: Located, sinceMs: number): void {
  const { tx, keys, counts } = partition;
  const group = groupOf(state);
  counts.inFlight -= 1;
  tx.put(keyBelow(keys.waiting, group, sequence), encodeState(state));
  counts.visible += 1;
  updateGroup(partition, group, { inFlight: -1, sinceMs });
}

export function settle(partition: Partition): boolean {
  const { tx, keys, counts, nowMs, settings } = partition;
  const limit = settledMax;
  const back = dueEntries(partition, keys.timed, { upToMs: nowMs, limit });
  for (const entry of back) {
    tx.delete(entry.key);
    if (isExpired(partition, entry.state.sentMs)) {
      counts.inFlight -= 1;
      forget(partition, entry.sequence, entry.state);
      updateGroup(partition, groupOf(entry.state), { inFlight: -1, sinceMs: entry.atMs });
    } else {
      comeBack(partition, entry, entry.atMs);
    }
  }
  const upToMs = nowMs - settings.delayMs;
  const ripe = counts.delayed > 0 ? dueEntries(partition, keys.delayed, { upToMs, limit }) : [];
  for (const { key, sequence, atMs, state } of ripe) {
    tx.delete(key);
    counts.delayed -= 1;
    makeVisible(partition, sequence, { state, sinceMs: atMs + settings.delayMs });
  }
  dropExpired(partition);
  const hasMore = forgetDuplicates(partition);
  return hasMore || back.length === limit || ripe.length === limit;
}

/** Waiting messages whose time is over, the oldest first; what is in flight goes when it comes back. */
function dropExpired(partition: Partition): void {
  const { tx, keys, counts, nowMs, settings } = partition;
  const range = rangeUpTo(keys.message, nowMs - settings.retentionMs);
  for (const { key, value } of Array.from(tx.list(range, { limit: expiredMax }))) {
    const [sentMs, sequence] = lastNumbers(key);
    const { group = "" } = messageCodec.decode(value);
    const place = keyBelow(keys.waiting, group, sequence);
    const waiting = tx.get(place);
    if (!waiting) continue;
    tx.delete(place);
    counts.visible -= 1;
    forget(partition, sequence, { ...decodeState(waiting), sentMs });
    updateGroup(partition, group, { inFlight: 0, sinceMs: nowMs });
  }
}

export function nextDueMs(partition: Partition): number | undefined {
  const { keys, counts, settings } = partition;
  const backMs = firstTimeMs(partition, keys.timed);
  const sentMs = counts.delayed > 0 ? firstTimeMs(partition, keys.delayed) : undefined;
  if (sentMs === undefined) return backMs;
  return Math.min(backMs ?? Infinity, sentMs + settings.delayMs);
}
