import {
  SendMessage$,
  SendMessageBatch$,
  type SendMessageBatchResultEntry,
} from "@aws-sdk/client-sqs";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import { addressOfUrl } from "../addresses.ts";
import { allow } from "../access.ts";
import { checkBatch, type EntryResults, perEntry } from "../batches.ts";
import type { Input, Output, Sqs, SqsDeps } from "../deps.ts";
import { batchTooLong } from "../errors.ts";
import { messageBytesMax } from "../limits.ts";
import {
  type CheckedMessage,
  fitMessage,
  type MessageInput,
  readMessageInput,
} from "../message-input.ts";
import { accept, type Partition } from "../partition/partition.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import { sequenceNumber } from "../views.ts";

export function sendOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    SendMessage: [SendMessage$, async (input, context) => await sendMessage(deps, input, context)],
    SendMessageBatch: [
      SendMessageBatch$,
      async (input, context) => await sendMessageBatch(deps, input, context),
    ],
  };
}

async function sendMessage(
  deps: SqsDeps,
  input: Input<"SendMessage">,
  context: RequestContext,
): Promise<Output<"SendMessage">> {
  const message = readMessageInput(input, { id: uuid(deps.random), context });
  return await deps.lanes.of(addressOfUrl(input.QueueUrl, context)).run((partition) => {
    allow(deps, partition.queue, { action: "SendMessage", context });
    return send(partition, message);
  });
}

async function sendMessageBatch(
  deps: SqsDeps,
  input: Input<"SendMessageBatch">,
  context: RequestContext,
): Promise<Output<"SendMessageBatch">> {
  const { Entries: entries } = input;
  checkBatch("SendMessageBatch", entries);
  type Read = { readonly Id: string; readonly message: CheckedMessage };
  const read = perEntry(entries, (entry): Read => {
    // The model requires body and id; the SDK's type only says they may be undefined.
    const message = readMessageInput(entry as MessageInput, { id: uuid(deps.random), context });
    return { Id: entry.Id ?? "", message };
  });
  checkTotal(read.Successful.map(({ message }) => message.byteCount));
  const address = addressOfUrl(input.QueueUrl, context);
  const sent = await deps.lanes.of(address).run((partition) => {
    allow(deps, partition.queue, { action: "SendMessage", context });
    return perEntry(read.Successful, ({ Id, message }) => ({ Id, ...send(partition, message) }));
  });
  return inOrder(entries, { ...sent, Failed: [...read.Failed, ...sent.Failed] });
}

function checkTotal(byteCounts: readonly number[]): void {
  const byteCount = byteCounts.reduce((sum, each) => sum + each, 0);
  if (byteCount > messageBytesMax) throw batchTooLong(byteCount, messageBytesMax);
}

type Sent = Omit<SendMessageBatchResultEntry, "Id">;

function send(partition: Partition, message: CheckedMessage): Sent {
  const { record, delayMs } = fitMessage(message, partition.queue);
  const { messageId, sequence } = accept(partition, record, delayMs);
  const { attributesMd5 } = record;
  const { systemAttributesMd5 } = message;
  return {
    MessageId: messageId,
    MD5OfMessageBody: record.bodyMd5,
    ...(attributesMd5 !== undefined && { MD5OfMessageAttributes: attributesMd5 }),
    ...(systemAttributesMd5 !== undefined && {
      MD5OfMessageSystemAttributes: systemAttributesMd5,
    }),
    ...(partition.queue.isFifo && { SequenceNumber: sequenceNumber(sequence) }),
  };
}

/** In the order of the request; a list that is empty is left out. */
function inOrder<T extends { readonly Id: string | undefined }>(
  entries: readonly { readonly Id: string | undefined }[],
  results: EntryResults<T>,
): EntryResults<T> {
  const places = new Map(entries.map(({ Id }, index) => [Id, index]));
  const byPlace = (a: { Id: string | undefined }, b: { Id: string | undefined }): number =>
    (places.get(a.Id) ?? 0) - (places.get(b.Id) ?? 0);
  return {
    Successful: results.Successful.toSorted(byPlace),
    Failed: results.Failed.toSorted(byPlace),
  };
}
