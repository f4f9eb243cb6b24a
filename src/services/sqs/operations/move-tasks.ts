import {
  CancelMessageMoveTask$,
  ListMessageMoveTasks$,
  type ListMessageMoveTasksResultEntry,
  StartMessageMoveTask$,
} from "@aws-sdk/client-sqs";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import { allowOwner } from "../access.ts";
import { addressOfArn } from "../addresses.ts";
import type { Input, Sqs, SqsDeps } from "../deps.ts";
import { invalidParameter, resourceNotFound } from "../errors.ts";
import * as limits from "../limits.ts";
import type { Partition } from "../partition/partition.ts";
import { loadQueue } from "../queues.ts";
import { jsonObject } from "../redrive-input.ts";
import { keys, type MoveTaskRecord, moveTaskCodec, type QueueAddress } from "../records.ts";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html */
export function moveTaskOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    StartMessageMoveTask: [
      StartMessageMoveTask$,
      async (input, context) => ({ TaskHandle: handleOf(await startTask(deps, input, context)) }),
    ],
    ListMessageMoveTasks: [
      ListMessageMoveTasks$,
      async ({ SourceArn, MaxResults: limit = 1 }, context) => {
        const source = sourceOf(SourceArn);
        allowOwner(deps, source, { action: "ListMessageMoveTasks", context });
        const range = limits.moveTasksListedMax;
        if (!(limit >= 1 && limit <= range)) {
          throw invalidParameter(
            `Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and ${range}.`,
          );
        }
        return await deps.store.read((reader) => {
          requireSource(reader, source);
          const newest = { limit, reverse: true };
          const entries = Array.from(reader.list(keys.moveTasks(source), newest));
          return { Results: entries.map(({ value }) => describe(moveTaskCodec.decode(value))) };
        });
      },
    ],
    CancelMessageMoveTask: [
      CancelMessageMoveTask$,
      async ({ TaskHandle }, context) => {
        const { id, source } = readHandle(TaskHandle);
        allowOwner(deps, source, { action: "CancelMessageMoveTask", context });
        const moved = await deps.store.write((tx) => {
          requireSource(tx, source);
          for (const { key, value } of tx.list(keys.moveTasks(source), { reverse: true })) {
            const task = moveTaskCodec.decode(value);
            if (task.id !== id) continue;
            if (task.status !== "RUNNING") break;
            tx.put(key, moveTaskCodec.encode({ ...task, status: "CANCELLING" }));
            return task.moved;
          }
          throw resourceNotFound("Task does not exist.");
        });
        return { ApproximateNumberOfMessagesMoved: moved };
      },
    ],
  };
}

async function startTask(
  deps: SqsDeps,
  input: Input<"StartMessageMoveTask">,
  context: RequestContext,
): Promise<MoveTaskRecord> {
  const { SourceArn: sourceArn, DestinationArn: destinationArn } = input;
  const { MaxNumberOfMessagesPerSecond: perSecondMax } = input;
  const source = sourceOf(sourceArn);
  allowOwner(deps, source, { action: "StartMessageMoveTask", context });
  if (
    perSecondMax !== undefined &&
    !(perSecondMax >= 1 && perSecondMax <= limits.movedPerSecondMax)
  ) {
    throw invalidParameter(
      `Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value between 1 and ${limits.movedPerSecondMax}.`,
    );
  }
  await deps.store.read((reader) => requireSource(reader, source));
  const id = uuid(deps.random);
  const task = await deps.lanes.of(source).run((partition): MoveTaskRecord => {
    checkStart(partition, destinationArn);
    const { tx, nowMs, counts, queue } = partition;
    const started: MoveTaskRecord = {
      id,
      sourceArn,
      ...(destinationArn !== undefined && { destinationArn }),
      ...(perSecondMax !== undefined && { perSecondMax }),
      status: "RUNNING",
      startedMs: nowMs,
      toMove: counts.visible,
      moved: 0,
      leaseMs: nowMs + limits.moveLeaseMs,
    };
    tx.put(keys.moveTask(queue, nowMs, id), moveTaskCodec.encode(started));
    return started;
  });
  deps.moveTasks.run(task);
  return task;
}

function checkStart({ tx, queue, other }: Partition, destinationArn: string | undefined): void {
  const [isDeadLetterQueue] = tx.list(keys.sources(queue), { limit: 1 });
  if (!isDeadLetterQueue)
    throw invalidParameter("Source queue must be configured as a Dead Letter Queue.");
  const destination = destinationArn === undefined ? undefined : addressOfArn(destinationArn);
  const to = destination && other(destination);
  if (destinationArn !== undefined && !to) {
    throw resourceNotFound(
      "The resource that you specified for the DestinationArn parameter doesn't exist.",
    );
  }
  if (to && to.queue.isFifo !== queue.isFifo)
    throw invalidParameter("Source and destination queues must be of the same type.");
  if (to?.queue.name === queue.name)
    throw invalidParameter("Source queue arn and destination queue arn cannot be the same.");
  for (const { value } of tx.list(keys.moveTasks(queue), { reverse: true })) {
    const { status } = moveTaskCodec.decode(value);
    if (status !== "RUNNING" && status !== "CANCELLING") continue;
    throw invalidParameter(
      "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    );
  }
}

function sourceOf(arn: string): QueueAddress {
  const source = addressOfArn(arn);
  if (source) return source;
  throw invalidParameter(
    "You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
  );
}

function requireSource(reader: Reader, source: QueueAddress): void {
  if (loadQueue(reader, source)) return;
  throw resourceNotFound(
    "The resource that you specified for the SourceArn parameter doesn't exist.",
  );
}

function handleOf({ id, sourceArn }: MoveTaskRecord): string {
  return Buffer.from(JSON.stringify({ taskId: id, sourceArn })).toString("base64");
}

function readHandle(handle: string): { readonly id: string; readonly source: QueueAddress } {
  const { taskId, sourceArn } = jsonObject(Buffer.from(handle, "base64").toString()) ?? {};
  const source = typeof sourceArn === "string" ? addressOfArn(sourceArn) : undefined;
  if (typeof taskId === "string" && source) return { id: taskId, source };
  throw invalidParameter("Value for parameter TaskHandle is invalid.");
}

function describe(task: MoveTaskRecord): ListMessageMoveTasksResultEntry {
  const { sourceArn, destinationArn, perSecondMax, status, failureReason } = task;
  return {
    ...(status === "RUNNING" && { TaskHandle: handleOf(task) }),
    Status: status,
    SourceArn: sourceArn,
    ...(destinationArn !== undefined && { DestinationArn: destinationArn }),
    ...(perSecondMax !== undefined && { MaxNumberOfMessagesPerSecond: perSecondMax }),
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.toMove,
    ...(failureReason !== undefined && { FailureReason: failureReason }),
    StartedTimestamp: task.startedMs,
  };
}
