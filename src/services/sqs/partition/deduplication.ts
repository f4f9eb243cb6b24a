import { keyBelow } from "#storage/keys.ts";
import { deduplicationMs, settledMax } from "../limits.ts";
import { deduplicationCodec, lastNumbers, type MessageRecord, rangeUpTo } from "../records.ts";
import type { AcceptedMessage, Partition } from "./partition.ts";

/**
 * For five minutes after a message was accepted its id makes others the same message, received and
 * deleted or not. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
 */
export function sameMessage(
  partition: Partition,
  record: MessageRecord,
): AcceptedMessage | undefined {
  const bytes = partition.tx.get(idKey(partition, record));
  if (!bytes) return undefined;
  const { messageId, sequence, sentMs } = deduplicationCodec.decode(bytes);
  return sentMs + deduplicationMs > partition.nowMs ? { messageId, sequence } : undefined;
}

export function rememberMessage(
  partition: Partition,
  record: MessageRecord,
  sequence: number,
): void {
  const { tx, keys, nowMs: sentMs } = partition;
  const key = idKey(partition, record);
  tx.put(key, deduplicationCodec.encode({ messageId: record.id, sequence, sentMs }));
  tx.put(keyBelow(keys.deduplicationAge, sentMs, sequence), key);
}

/** True when there are more of them than fits into one transaction. */
export function forgetDuplicates({ tx, keys, nowMs }: Partition): boolean {
  const range = rangeUpTo(keys.deduplicationAge, nowMs - deduplicationMs);
  const outdated = [...tx.list(range, { limit: settledMax })];
  for (const { key, value } of outdated) {
    tx.delete(key);
    const bytes = tx.get(value);
    // The id may have been used again since.
    const [sentMs] = lastNumbers(key);
    if (bytes && deduplicationCodec.decode(bytes).sentMs === sentMs) tx.delete(value);
  }
  return outdated.length === settledMax;
}

/** The scope is the queue or, in high-throughput mode, the group. */
function idKey({ keys, settings }: Partition, record: MessageRecord): Uint8Array {
  const id = record.deduplicationId ?? "";
  return settings.deduplicatesPerGroup
    ? keyBelow(keys.deduplication, record.group ?? "", id)
    : keyBelow(keys.deduplication, id);
}
