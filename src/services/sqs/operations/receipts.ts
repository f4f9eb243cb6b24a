import {
  ChangeMessageVisibility$,
  ChangeMessageVisibilityBatch$,
  DeleteMessage$,
  DeleteMessageBatch$,
} from "@aws-sdk/client-sqs";
import type { OperationTable } from "#protocol/service/service.ts";
import { allow } from "../access.ts";
import { addressOfUrl } from "../addresses.ts";
import { checkBatch, perEntry } from "../batches.ts";
import type { Sqs, SqsDeps } from "../deps.ts";
import { invalidValue, messageNotInflight, missingParameter } from "../errors.ts";
import { visibilitySecondsMax } from "../limits.ts";
import { changeVisibility, type Partition, remove } from "../partition/partition.ts";
import type { ReceiptCodec } from "../receipts.ts";
import { checkVisibility } from "./receive-message.ts";

/** What is done with a receipt handle: DeleteMessage, ChangeMessageVisibility, and both in batches. */
export function receiptOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    DeleteMessage: [
      DeleteMessage$,
      async ({ QueueUrl, ReceiptHandle }, context) => {
        const codec = await deps.receipts.codec();
        await deps.lanes.of(addressOfUrl(QueueUrl, context)).run((partition) => {
          allow(deps, partition.queue, { action: "DeleteMessage", context });
          deleteOne(partition, codec, ReceiptHandle);
        });
        return {};
      },
    ],
    DeleteMessageBatch: [
      DeleteMessageBatch$,
      async ({ QueueUrl, Entries }, context) => {
        checkBatch("DeleteMessageBatch", Entries);
        const codec = await deps.receipts.codec();
        return await deps.lanes.of(addressOfUrl(QueueUrl, context)).run((partition) => {
          allow(deps, partition.queue, { action: "DeleteMessage", context });
          return perEntry(Entries, ({ Id, ReceiptHandle }) => {
            deleteOne(partition, codec, ReceiptHandle);
            return { Id };
          });
        });
      },
    ],
    ChangeMessageVisibility: [
      ChangeMessageVisibility$,
      async ({ QueueUrl, ReceiptHandle, VisibilityTimeout }, context) => {
        checkVisibility(VisibilityTimeout);
        const codec = await deps.receipts.codec();
        await deps.lanes.of(addressOfUrl(QueueUrl, context)).run((partition) => {
          allow(deps, partition.queue, { action: "ChangeMessageVisibility", context });
          changeOne(partition, codec, { handle: ReceiptHandle, seconds: VisibilityTimeout });
        });
        return {};
      },
    ],
    ChangeMessageVisibilityBatch: [
      ChangeMessageVisibilityBatch$,
      async ({ QueueUrl, Entries }, context) => {
        checkBatch("ChangeMessageVisibilityBatch", Entries);
        const codec = await deps.receipts.codec();
        return await deps.lanes.of(addressOfUrl(QueueUrl, context)).run((partition) => {
          allow(deps, partition.queue, { action: "ChangeMessageVisibility", context });
          return perEntry(Entries, ({ Id, ReceiptHandle, VisibilityTimeout }) => {
            if (VisibilityTimeout === undefined) throw missingParameter("VisibilityTimeout");
            checkVisibility(VisibilityTimeout);
            changeOne(partition, codec, { handle: ReceiptHandle, seconds: VisibilityTimeout });
            return { Id };
          });
        });
      },
    ],
  };
}

function deleteOne(partition: Partition, codec: ReceiptCodec, handle = ""): void {
  const outcome = remove(partition, codec.decode(handle, partition.queue));
  if (outcome !== "expired") return;
  throw invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.");
}

function changeOne(
  partition: Partition,
  codec: ReceiptCodec,
  { handle = "", seconds }: { readonly handle: string | undefined; readonly seconds: number },
): void {
  const receipt = codec.decode(handle, partition.queue);
  const outcome = changeVisibility(partition, receipt, seconds * 1_000);
  if (outcome === "done") return;
  if (outcome === "visible") throw messageNotInflight();
  if (outcome === "too-long") {
    const reason = `Total VisibilityTimeout for the message is beyond the limit [${visibilitySecondsMax} seconds]`;
    throw invalidValue(seconds, "VisibilityTimeout", reason);
  }
  throw invalidValue(
    handle,
    "ReceiptHandle",
    "Message does not exist or is not available for visibility timeout change.",
  );
}
