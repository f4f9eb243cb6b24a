import type { Transaction } from "#storage/storage.ts";
import { deduplicationMs, forgottenMax } from "./limits.ts";
import type { CheckedMessage } from "./message-input.ts";
import { deduplicationCodec, keys, type TopicRecord } from "./records.ts";

/** What the publisher is told. */
export interface Published {
  readonly messageId: string;
  /** FIFO topics. */
  readonly sequenceNumber: string | undefined;
}

/**
 * In a FIFO topic a message gets a number and is remembered for five minutes, in which another with its id is the
 * same. https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
 */
export function publishOnce(
  tx: Transaction,
  topic: TopicRecord,
  {
    id,
    message,
    nowMs,
  }: { readonly id: string; readonly message: CheckedMessage; readonly nowMs: number },
): { readonly published: Published; readonly isNew: boolean } {
  if (!topic.isFifo)
    return { published: { messageId: id, sequenceNumber: undefined }, isNew: true };
  forgetSome(tx, topic, nowMs);
  const once = message.deduplicationId ?? "";
  const perGroup = topic.attributes["FifoThroughputScope"] === "MessageGroup";
  const key = perGroup ? keys.once(topic, message.group ?? "", once) : keys.once(topic, once);
  const known = tx.get(key);
  const before = known && deduplicationCodec.decode(known);
  if (before && before.publishedMs + deduplicationMs > nowMs) {
    const { messageId, sequence } = before;
    return { published: { messageId, sequenceNumber: numberOf(sequence) }, isNew: false };
  }
  const sequence = nextSequence(tx, topic);
  tx.put(key, deduplicationCodec.encode({ messageId: id, sequence, publishedMs: nowMs }));
  tx.put(keys.onceAge(topic, nowMs, sequence), key);
  return { published: { messageId: id, sequenceNumber: numberOf(sequence) }, isNew: true };
}

function nextSequence(tx: Transaction, topic: TopicRecord): number {
  const key = keys.sequence(topic);
  const last = tx.get(key);
  const sequence = last ? Number(Buffer.from(last).toString()) + 1 : 1;
  tx.put(key, Buffer.from(String(sequence)));
  return sequence;
}

/** Twenty digits, as the real ones have. */
function numberOf(sequence: number): string {
  return String(10_000_000_000_000_000_000n + BigInt(sequence) * 1_000n);
}

function forgetSome(tx: Transaction, topic: TopicRecord, nowMs: number): void {
  const { start } = keys.onceAges(topic);
  const end = keys.onceAge(topic, Math.max(0, nowMs - deduplicationMs) + 1, 0);
  const outdated = Array.from(tx.list({ start, end }, { limit: forgottenMax }));
  for (const { key, value } of outdated) {
    tx.delete(key);
    const bytes = tx.get(value);
    // The id may have been used again since.
    const isOld = bytes && deduplicationCodec.decode(bytes).publishedMs + deduplicationMs <= nowMs;
    if (isOld) tx.delete(value);
  }
}
