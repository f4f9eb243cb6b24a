import { Publish$, PublishBatch$ } from "@aws-sdk/client-sns";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Published } from "../deduplication.ts";
import type { Input, Output, Sns, SnsDeps } from "../deps.ts";
import {
  batchTooLong,
  emptyBatch,
  entryIdsNotDistinct,
  invalidEntryId,
  invalidParameter,
  tooManyEntries,
} from "../errors.ts";
import { batchEntriesMax, messageBytesMax } from "../limits.ts";
import { type CheckedMessage, type MessageInput, readMessageInput } from "../message-input.ts";
import { publish } from "../publishing.ts";
import { readTopicArn } from "../topics.ts";

export function publishOperations(deps: SnsDeps): OperationTable<Sns> {
  return {
    Publish: [Publish$, async (input, context) => await publishOne(deps, input, context)],
    PublishBatch: [
      PublishBatch$,
      async (input, context) => await publishBatch(deps, input, context),
    ],
  };
}

async function publishOne(
  deps: SnsDeps,
  input: Input<"Publish">,
  context: RequestContext,
): Promise<Output<"Publish">> {
  if (input.PhoneNumber !== undefined)
    throw invalidParameter("PhoneNumber Reason: text messages are not supported by Skerry");
  const message = readMessageInput(input);
  const address = readTopicArn(input.TopicArn ?? input.TargetArn);
  const publications = [{ id: uuid(deps.random), message }];
  const [published] = await publish(deps, address, { publications, context });
  if (published instanceof Error || !published) throw published ?? invalidParameter("Message");
  return told(published);
}

function told({ messageId, sequenceNumber }: Published): Output<"Publish"> {
  return {
    MessageId: messageId,
    ...(sequenceNumber !== undefined && { SequenceNumber: sequenceNumber }),
  };
}

async function publishBatch(
  deps: SnsDeps,
  { TopicArn, PublishBatchRequestEntries: entries }: Input<"PublishBatch">,
  context: RequestContext,
): Promise<Output<"PublishBatch">> {
  const address = readTopicArn(TopicArn);
  checkEntries(entries.map(({ Id }) => Id ?? ""));
  const read = entries.map((entry) => {
    // The model requires id and message; the SDK's type only says they may be undefined.
    return { entryId: entry.Id ?? "", message: readOrError(entry as MessageInput) };
  });
  const good = read.flatMap(({ entryId, message }) =>
    message instanceof Error ? [] : [{ entryId, id: uuid(deps.random), message }],
  );
  const byteCount = good.reduce((sum, { message }) => sum + message.byteCount, 0);
  if (byteCount > messageBytesMax) throw batchTooLong();
  const outcomes = await publish(deps, address, { publications: good, context });
  const byEntry = new Map<string, Published | Error | undefined>(
    good.map(({ entryId }, index) => [entryId, outcomes[index]]),
  );
  for (const { entryId, message } of read)
    if (message instanceof Error) byEntry.set(entryId, message);
  const answer: Required<Output<"PublishBatch">> = { Successful: [], Failed: [] };
  for (const { entryId: Id } of read) {
    const outcome = byEntry.get(Id);
    if (outcome instanceof Error || !outcome)
      answer.Failed?.push({
        Id,
        Code: outcome?.name.replace(/Exception$/, "") ?? "InternalError",
        Message: outcome?.message ?? "",
        SenderFault: true,
      });
    else answer.Successful?.push({ Id, ...told(outcome) });
  }
  return answer;
}

function readOrError(entry: MessageInput): CheckedMessage | Error {
  try {
    return readMessageInput(entry);
  } catch (error) {
    if (error instanceof Error && "$fault" in error) return error;
    throw error;
  }
}

/** https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
function checkEntries(ids: readonly string[]): void {
  if (ids.length === 0) throw emptyBatch();
  if (ids.length > batchEntriesMax) throw tooManyEntries();
  if (new Set(ids).size < ids.length) throw entryIdsNotDistinct();
  if (!ids.every((id) => /^[\w-]{1,80}$/.test(id))) throw invalidEntryId();
}
