import type { Transaction } from "#storage/storage.ts";
import {
  type Counts,
  decodeCounts,
  encodeCounts,
  type MessageRecord,
  type MessageState,
  type PartitionKeys,
  partitionKeys,
  type QueueAddress,
  type QueueRecord,
} from "../records.ts";
import { type QueueSettings, settingsOf } from "../settings.ts";
import { rememberAttempt, repeatAttempt } from "./attempts.ts";
import * as fifo from "./fifo.ts";
import * as standard from "./standard.ts";

/**
 * The messages of one queue within one transaction: every rule about them works on this, and acts only
 * through `tx`. Cheap to make; `close` writes what was counted.
 */
export interface Partition {
  readonly tx: Transaction;
  readonly queue: QueueRecord;
  readonly settings: QueueSettings;
  readonly keys: PartitionKeys;
  readonly nowMs: number;
  readonly counts: { -readonly [Name in keyof Counts]: Counts[Name] };
  /** The queue at another address, in the same transaction; undefined when there is none. */
  readonly other: (address: QueueAddress) => Partition | undefined;
  /** What receives of this transaction have read ahead; a standard queue's. */
  ahead: standard.ReadAhead | undefined;
  /** More is due than one transaction makes visible, so the counts lag behind. */
  hasMoreDue: boolean;
  /** Messages received with a visibility timeout of zero, which one transaction gives out only once. */
  readonly givenOut: Set<string>;
}

/** Where a message was when it was received; what a receipt handle carries. */
export interface Receipt {
  readonly queueId: number;
  readonly generation: number;
  readonly sentMs: number;
  readonly sequence: number;
  /** When it becomes visible again unless that is changed. */
  readonly dueMs: number;
  readonly receiveCount: number;
}

export interface TakenMessage {
  readonly record: MessageRecord;
  readonly state: MessageState;
  readonly receipt: Receipt;
}

export interface TakeRequest {
  readonly limit: number;
  readonly visibilityMs: number;
  /** Bytes of bodies and attributes; one message is given out however large it is. */
  readonly bytesMax: number;
  /** Of a FIFO queue. */
  readonly attemptId?: string | undefined;
}

export type AcceptedMessage = { readonly messageId: string; readonly sequence: number };

/** `expired`: the message is there and the receipt is not good any more. */
export type ReceiptOutcome = "done" | "gone" | "expired" | "visible" | "too-long";

const keysOf = new WeakMap<QueueRecord, PartitionKeys>();

export function openPartition(
  tx: Transaction,
  queue: QueueRecord,
  rest: Pick<Partition, "nowMs" | "other">,
): Partition {
  let keys = keysOf.get(queue);
  if (!keys) keysOf.set(queue, (keys = partitionKeys(queue)));
  const stored = tx.get(keys.counts);
  return {
    tx,
    queue,
    settings: settingsOf(queue),
    keys,
    counts: stored
      ? decodeCounts(stored)
      : { nextSequence: 1, visible: 0, inFlight: 0, delayed: 0 },
    ahead: undefined,
    hasMoreDue: false,
    givenOut: new Set(),
    ...rest,
  };
}

/** Writes the counts, if something has changed them. */
export function closePartition({ tx, keys, counts }: Partition): void {
  const bytes = encodeCounts(counts);
  const before = tx.get(keys.counts);
  if (!before || Buffer.compare(before, bytes) !== 0) tx.put(keys.counts, bytes);
}

/** Stores a message that has passed all checks. `delayMs` is a standard queue's matter. */
export function accept(
  partition: Partition,
  record: MessageRecord,
  delayMs: number,
): AcceptedMessage {
  return partition.queue.isFifo
    ? fifo.accept(partition, record)
    : standard.accept(partition, record, delayMs);
}

/** Up to `limit` messages, now in flight. Dead letters are moved on the way, expired messages dropped. */
export function take(partition: Partition, request: TakeRequest): TakenMessage[] {
  if (!partition.queue.isFifo) return standard.take(partition, request);
  const { attemptId } = request;
  if (attemptId === undefined) return fifo.take(partition, request);
  const again = repeatAttempt(partition, attemptId, request);
  if (again) return again;
  const taken = fifo.take(partition, request);
  rememberAttempt(partition, attemptId, taken);
  return taken;
}

export function remove(partition: Partition, receipt: Receipt): ReceiptOutcome {
  if (receipt.generation !== partition.queue.generation) return "gone";
  return partition.queue.isFifo
    ? fifo.remove(partition, receipt)
    : standard.remove(partition, receipt);
}

/** Counted from now; zero makes it visible. */
export function changeVisibility(
  partition: Partition,
  receipt: Receipt,
  visibilityMs: number,
): ReceiptOutcome {
  if (receipt.generation !== partition.queue.generation) return "gone";
  return partition.queue.isFifo
    ? fifo.changeVisibility(partition, receipt, visibilityMs)
    : standard.changeVisibility(partition, receipt, visibilityMs);
}

/** Makes visible what is due and forgets what is outdated; true when there is more than fits into one transaction. */
export function settle(partition: Partition): boolean {
  return partition.queue.isFifo ? fifo.settle(partition) : standard.settle(partition);
}

/** When something becomes visible by itself; undefined when nothing will. */
export function nextDueMs(partition: Partition): number | undefined {
  return partition.queue.isFifo ? fifo.nextDueMs(partition) : standard.nextDueMs(partition);
}
