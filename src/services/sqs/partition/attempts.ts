import { keyBelow } from "#storage/keys.ts";
import { plainRecordCodec } from "#storage/records.ts";
import { deduplicationMs } from "../limits.ts";
import { decodeState, encodeState } from "../records.ts";
import type { Partition, Receipt, TakenMessage, TakeRequest } from "./partition.ts";
import { point, readMessage, takenMessage } from "./places.ts";

/** What one attempt to receive got, and until when it is invisible now. */
interface AttemptRecord {
  /** Named as in what is remembered of duplicates: both are forgotten by the same rule. */
  readonly sentMs: number;
  readonly taken: readonly { readonly receipt: Receipt; readonly untilMs: number }[];
}

const attemptCodec = plainRecordCodec<AttemptRecord>(1);

/**
 * A receiver whose answer got lost asks again with the same id, within five minutes, and gets the same
 * messages under the same handles for a new visibility timeout; undefined when one of them has been
 * deleted, changed or become visible, or when there was no such attempt.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
 */
export function repeatAttempt(
  partition: Partition,
  attemptId: string,
  { visibilityMs }: Pick<TakeRequest, "visibilityMs">,
): TakenMessage[] | undefined {
  const { tx, keys, nowMs } = partition;
  const bytes = tx.get(keyBelow(keys.attempt, attemptId));
  const attempt = bytes && attemptCodec.decode(bytes);
  if (!attempt || attempt.sentMs + deduplicationMs <= nowMs) return undefined;
  const found = attempt.taken.map(({ receipt, untilMs }) => {
    const key = keyBelow(keys.timed, untilMs, receipt.sequence);
    const stored = tx.get(key);
    const state = stored && decodeState(stored);
    const record = readMessage(partition, receipt.sequence, receipt.sentMs);
    const isSame = state?.receiveCount === receipt.receiveCount;
    return state && record && isSame ? { receipt, key, state, record } : undefined;
  });
  const all = found.filter((each) => each !== undefined);
  if (all.length < found.length || visibilityMs === 0) return undefined;
  const atMs = nowMs + visibilityMs;
  for (const { receipt, key, state } of all) {
    tx.delete(key);
    const moved = encodeState({ ...state, hasPointer: true });
    tx.put(keyBelow(keys.timed, atMs, receipt.sequence), moved);
    point(partition, receipt.sequence, { isReady: false, atMs });
  }
  const taken = attempt.taken.map(({ receipt }) => ({ receipt, untilMs: atMs }));
  tx.put(keyBelow(keys.attempt, attemptId), attemptCodec.encode({ ...attempt, taken }));
  return all.map(({ receipt, state, record }) => ({
    ...takenMessage(partition, record, { ...receipt, state }),
    receipt,
  }));
}

/** An attempt that got nothing is not remembered. */
export function rememberAttempt(
  { tx, keys, nowMs: sentMs }: Partition,
  attemptId: string,
  messages: readonly TakenMessage[],
): void {
  const [first] = messages;
  if (!first) return;
  const key = keyBelow(keys.attempt, attemptId);
  const taken = messages.map(({ receipt }) => ({ receipt, untilMs: receipt.dueMs }));
  tx.put(key, attemptCodec.encode({ sentMs, taken }));
  tx.put(keyBelow(keys.deduplicationAge, sentMs, first.receipt.sequence), key);
}
