import { queueArn } from "../addresses.ts";
import type { MessageRecord } from "../records.ts";
import type { Partition } from "./partition.ts";
import { forget, type Located, storeMessage } from "./places.ts";
import { makeVisible } from "./visible.ts";

/**
 * Moves a message that has been received as often as it may, in the same transaction; false when it has
 * not, or when there is no queue to move it to (then it stays). The caller has taken it out of its index.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
 */
export function moveToDeadLetters(
  partition: Partition,
  record: MessageRecord,
  { sequence, state }: Pick<Located, "sequence" | "state">,
): boolean {
  const { redrive } = partition.settings;
  if (!redrive || state.receiveCount < redrive.maxReceiveCount) return false;
  const to = partition.other(redrive.deadLetterQueue);
  if (!to || to.queue.isFifo !== partition.queue.isFifo) return false;
  const deadLetterSourceArn = queueArn(partition.queue);
  const receivedBefore = (record.receivedBefore ?? 0) + state.receiveCount;
  // A standard queue's message keeps its age, a FIFO queue's starts again (same page, "retention periods").
  const stored = storeMessage(
    to,
    { ...record, receivedBefore, deadLetterSourceArn },
    to.queue.isFifo ? to.nowMs : state.sentMs,
  );
  makeVisible(to, stored.sequence, {
    state: { ...stored.state, firstReceivedMs: state.firstReceivedMs },
    sinceMs: to.nowMs,
  });
  forget(partition, sequence, state);
  return true;
}

/**
 * Moves a dead letter that has been taken to a queue, where it is a new message: with another id, sent
 * now, never received. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
 */
export function redrive(to: Partition, record: MessageRecord, id: string): void {
  const { receivedBefore: _, deadLetterSourceArn: __, ...kept } = record;
  const { sequence, state } = storeMessage(to, { ...kept, id }, to.nowMs);
  makeVisible(to, sequence, { state, sinceMs: to.nowMs });
}
