import { ReceiveMessage$ } from "@aws-sdk/client-sqs";
import type { RequestContext } from "#base/context.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import { allow } from "../access.ts";
import { addressOfUrl } from "../addresses.ts";
import type { Input, Output, Sqs, SqsDeps } from "../deps.ts";
import { invalidValue, overLimit } from "../errors.ts";
import * as limits from "../limits.ts";
import type { Partition } from "../partition/partition.ts";
import { toMessage } from "../views.ts";

export function receiveOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    ReceiveMessage: [
      ReceiveMessage$,
      async (input, context) => await receiveMessage(deps, input, context),
    ],
  };
}

async function receiveMessage(
  deps: SqsDeps,
  input: Input<"ReceiveMessage">,
  context: RequestContext,
): Promise<Output<"ReceiveMessage">> {
  checkInput(input);
  const { MaxNumberOfMessages: limit = 1, WaitTimeSeconds, VisibilityTimeout } = input;
  const codec = await deps.receipts.codec();
  const lane = deps.lanes.of(addressOfUrl(input.QueueUrl, context));
  const received = lane.receive({
    limit,
    bytesMax: Infinity,
    waitMs: milliseconds(WaitTimeSeconds),
    visibilityMs: milliseconds(VisibilityTimeout),
    attemptId: input.ReceiveRequestAttemptId,
    signal: context.signal,
    check(partition) {
      allow(deps, partition.queue, { action: "ReceiveMessage", context });
      checkQueue(partition, input);
    },
  });
  const { queue, messages } = await received.catch((error: unknown) => {
    // Nobody reads the answer of one who hung up: it is no failure either.
    if (context.signal.aborted) return nothing;
    throw error;
  });
  if (!queue || messages.length === 0) return {};
  const wanted = {
    system: [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])],
    user: input.MessageAttributeNames ?? [],
  };
  return {
    Messages: messages.map((taken) =>
      toMessage(taken, { queue, handle: codec.encode(taken.receipt), wanted }),
    ),
  };
}

const nothing = { queue: undefined, messages: [] };

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html */
function checkInput(input: Input<"ReceiveMessage">): void {
  const { MaxNumberOfMessages: count = 1, WaitTimeSeconds: waitSeconds = 0 } = input;
  if (!(count >= 1 && count <= limits.batchEntriesMax)) {
    const reason = `Must be between 1 and ${limits.batchEntriesMax}, if provided.`;
    throw invalidValue(count, "MaxNumberOfMessages", reason);
  }
  if (!(waitSeconds >= 0 && waitSeconds <= limits.waitSecondsMax)) {
    const reason = `Must be >= 0 and <= ${limits.waitSecondsMax}, if provided.`;
    throw invalidValue(waitSeconds, "WaitTimeSeconds", reason);
  }
  if (input.VisibilityTimeout !== undefined) checkVisibility(input.VisibilityTimeout);
}

export function checkVisibility(seconds: number): void {
  if (seconds >= 0 && seconds <= limits.visibilitySecondsMax) return;
  const reason = `Must be >= 0 and <= ${limits.visibilitySecondsMax}, if provided.`;
  throw invalidValue(seconds, "VisibilityTimeout", reason);
}

function checkQueue({ queue, counts }: Partition, input: Input<"ReceiveMessage">): void {
  const { ReceiveRequestAttemptId: attemptId } = input;
  if (attemptId !== undefined && !queue.isFifo) {
    throw invalidValue(
      attemptId,
      "ReceiveRequestAttemptId",
      "The request includes a parameter that is not valid for this queue type.",
    );
  }
  // A FIFO queue gives nothing and says nothing.
  if (!queue.isFifo && counts.inFlight >= limits.inFlightMax)
    throw overLimit("Too many messages in flight.");
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}
