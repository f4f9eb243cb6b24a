import { keyBelow } from "#storage/keys.ts";
import { readyPageEntries, settledMax } from "../limits.ts";
import {
  decodeState,
  encodeState,
  lastNumbers,
  type MessageRecord,
  rangeBelow,
} from "../records.ts";
import { moveToDeadLetters } from "./dead-letters.ts";
import { makeVisible } from "./visible.ts";
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

/** The next visible messages, as far as this transaction has read them. */
export interface ReadAhead {
  readonly entries: readonly Located[];
  at: number;
  /** Nothing visible lies behind them. */
  readonly isLast: boolean;
}

export function accept(
  partition: Partition,
  record: MessageRecord,
  delayMs: number,
): AcceptedMessage {
  const { tx, keys, counts, nowMs } = partition;
  const { sequence, state } = storeMessage(partition, record, nowMs);
  if (delayMs > 0) {
    tx.put(
      keyBelow(keys.timed, nowMs + delayMs, sequence),
      encodeState({ ...state, isDelayed: true }),
    );
    counts.delayed += 1;
  } else {
    makeVisible(partition, sequence, { state, sinceMs: nowMs });
  }
  return { messageId: record.id, sequence };
}

export function take(partition: Partition, request: TakeRequest): TakenMessage[] {
  const taken: TakenMessage[] = [];
  let byteCount = 0;
  while (taken.length < request.limit) {
    const next = nextVisible(partition);
    if (!next) break;
    const record = readMessage(partition, next.sequence, next.state.sentMs);
    if (!record || isExpired(partition, next.state.sentMs)) {
      leaveVisible(partition, next);
      forget(partition, next.sequence, next.state);
      continue;
    }
    byteCount += bytesOf(record);
    if (taken.length > 0 && byteCount > request.bytesMax) {
      if (partition.ahead) partition.ahead.at -= 1;
      break;
    }
    leaveVisible(partition, next);
    if (!moveToDeadLetters(partition, record, next))
      taken.push(giveOut(partition, record, { ...next, visibilityMs: request.visibilityMs }));
  }
  return taken;
}

function giveOut(
  partition: Partition,
  record: MessageRecord,
  { sequence, state, visibilityMs }: Located & { readonly visibilityMs: number },
): TakenMessage {
  const { tx, keys, counts, nowMs } = partition;
  const after = received(partition, state);
  const dueMs = nowMs + visibilityMs;
  if (visibilityMs === 0) {
    makeVisible(partition, sequence, { state: after, sinceMs: nowMs });
    partition.givenOut.add(String(sequence));
  } else {
    tx.put(keyBelow(keys.timed, dueMs, sequence), encodeState(after));
    counts.inFlight += 1;
  }
  return takenMessage(partition, record, { dueMs, sequence, state: after });
}

/** Reads pages, because one transaction often serves many receivers. */
function nextVisible(partition: Partition): Located | undefined {
  for (;;) {
    const ahead = (partition.ahead ??= readAhead(partition, undefined));
    const next = ahead.entries[ahead.at];
    if (next) {
      ahead.at += 1;
      if (!partition.givenOut.has(String(next.sequence))) return next;
    } else if (ahead.isLast) {
      return undefined;
    } else {
      partition.ahead = readAhead(partition, ahead.entries.at(-1));
    }
  }
}

function readAhead({ tx, keys }: Partition, after: Located | undefined): ReadAhead {
  const range = rangeBelow(keys.ready);
  const start = after ? keyBelow(keys.ready, after.atMs, after.sequence + 1) : range.start;
  const found = [...tx.list({ start, end: range.end }, { limit: readyPageEntries })];
  const entries = found.map(({ key, value }) => {
    const [atMs, sequence] = lastNumbers(key);
    return { key, atMs, sequence, state: decodeState(value) };
  });
  return { entries, at: 0, isLast: entries.length < readyPageEntries };
}

function leaveVisible({ tx, counts }: Partition, { key }: Located): void {
  tx.delete(key);
  counts.visible -= 1;
}

/** An old receipt of a message that was received again deletes nothing, and says nothing, as in the real service. */
export function remove(partition: Partition, receipt: Receipt): ReceiptOutcome {
  const found = locate(partition, receipt);
  if (!found) return "gone";
  partition.tx.delete(found.key);
  if (found.isReady) partition.counts.visible -= 1;
  else partition.counts.inFlight -= 1;
  forget(partition, found.sequence, found.state);
  return "done";
}

export function changeVisibility(
  partition: Partition,
  receipt: Receipt,
  visibilityMs: number,
): ReceiptOutcome {
  const { tx, keys, counts, nowMs } = partition;
  const found = locate(partition, receipt);
  if (!found) return "gone";
  if (found.isReady) return "visible";
  if (!isWithinTotal(partition, found.state, visibilityMs)) return "too-long";
  const state = { ...found.state, hasPointer: true };
  const atMs = nowMs + visibilityMs;
  tx.delete(found.key);
  if (visibilityMs === 0) {
    counts.inFlight -= 1;
    makeVisible(partition, found.sequence, { state, sinceMs: nowMs });
  } else {
    tx.put(keyBelow(keys.timed, atMs, found.sequence), encodeState(state));
  }
  point(partition, found.sequence, { isReady: visibilityMs === 0, atMs });
  return "done";
}

export function settle(partition: Partition): boolean {
  const { tx, keys, counts, nowMs } = partition;
  const due = dueEntries(partition, keys.timed, { upToMs: nowMs, limit: settledMax });
  for (const { key, atMs, sequence, state } of due) {
    tx.delete(key);
    if (state.isDelayed) counts.delayed -= 1;
    else counts.inFlight -= 1;
    if (isExpired(partition, state.sentMs)) forget(partition, sequence, state);
    else makeVisible(partition, sequence, { state, sinceMs: atMs });
  }
  return dropExpired(partition) === settledMax || due.length === settledMax;
}

/**
 * Visible messages whose time is over, as far as their place tells: one that was in flight stands further
 * back than its age, and is dropped when somebody would receive it. Number of messages.
 */
function dropExpired(partition: Partition): number {
  const { keys, nowMs, settings } = partition;
  const upToMs = nowMs - settings.retentionMs;
  const expired = dueEntries(partition, keys.ready, { upToMs, limit: settledMax });
  for (const entry of expired) {
    leaveVisible(partition, entry);
    forget(partition, entry.sequence, entry.state);
  }
  return expired.length;
}

export function nextDueMs(partition: Partition): number | undefined {
  return firstTimeMs(partition, partition.keys.timed);
}
