import { CreateQueue$, DeleteQueue$, PurgeQueue$ } from "@aws-sdk/client-sqs";
import type { RequestContext } from "#base/context.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import { allow, allowOwner } from "../access.ts";
import { addressOfUrl, checkNewName, queueUrl } from "../addresses.ts";
import { checkAttributes, mergeAttributes, settledAttributes } from "../attributes.ts";
import type { Input, Sqs, SqsDeps } from "../deps.ts";
import {
  invalidParameter,
  purgeInProgress,
  queueDeletedRecently,
  queueNameExists,
} from "../errors.ts";
import * as limits from "../limits.ts";
import { loadQueue, removeQueue, requireQueue, storeQueue } from "../queues.ts";
import { keys, noBytes, type QueueAddress, type QueueRecord } from "../records.ts";
import { checkTags } from "./tags.ts";

export function queueOperations(deps: SqsDeps): OperationTable<Sqs> {
  const { store, lanes } = deps;
  return {
    CreateQueue: [
      CreateQueue$,
      async (input, context) => ({
        QueueUrl: queueUrl(await createQueue(deps, input, context), context),
      }),
    ],
    DeleteQueue: [
      DeleteQueue$,
      async ({ QueueUrl }, context) => {
        const address = addressOfUrl(QueueUrl, context);
        allowOwner(deps, address, { action: "DeleteQueue", context });
        const deletedMs = deps.clock.nowMs();
        await store.write((tx) => removeQueue(tx, requireQueue(tx, address), deletedMs));
        lanes.wake(address);
        return {};
      },
    ],
    PurgeQueue: [
      PurgeQueue$,
      async ({ QueueUrl }, context) => {
        const address = addressOfUrl(QueueUrl, context);
        await deps.lanes.of(address).run(({ tx, queue, counts, nowMs }) => {
          allow(deps, queue, { action: "PurgeQueue", context });
          if (queue.purgedMs !== undefined && queue.purgedMs + limits.purgeIntervalMs > nowMs)
            throw purgeInProgress(queue.name);
          purge(tx, queue, { nowMs, counts });
        });
        return {};
      },
    ],
  };
}

async function createQueue(
  deps: SqsDeps,
  input: Input<"CreateQueue">,
  context: RequestContext,
): Promise<QueueRecord> {
  const { QueueName: name, Attributes: attributes = {}, tags = {} } = input;
  const isFifo = attributes["FifoQueue"] === "true";
  const address = { accountId: context.principal.accountId, region: context.region, name };
  if (name === "") throw invalidParameter("Queue name cannot be empty");
  // The name of the attribute is refused before the name of the queue, as by the real service.
  checkAttributes(attributes, { ...address, isFifo });
  checkNewName(name, isFifo);
  checkTags(tags);
  const nowMs = deps.clock.nowMs();
  const id = Buffer.from(deps.random.bytes(6)).readUIntBE(0, 6);
  return await deps.store.write((tx) => {
    const known = loadQueue(tx, address);
    if (known) {
      checkSame(known, attributes);
      return known;
    }
    const deleted = tx.get(keys.deleted(address));
    if (deleted && deps.mode === "strict" && readMs(deleted) + limits.deletedNameMs > nowMs)
      throw queueDeletedRecently();
    if (deleted) tx.delete(keys.deleted(address));
    const queue: QueueRecord = {
      ...address,
      id,
      generation: 0,
      isFifo,
      createdMs: nowMs,
      modifiedMs: nowMs,
      attributes: mergeAttributes({}, attributes),
      tags,
    };
    storeQueue(tx, queue, undefined);
    tx.put(keys.region(address), noBytes);
    return queue;
  });
}

function readMs(bytes: Uint8Array): number {
  return Number(Buffer.from(bytes).toString());
}

/** Creating a queue that is there is no error when nothing asked for differs. */
function checkSame(queue: QueueRecord, wanted: Readonly<Record<string, string>>): void {
  const actual = settledAttributes(queue);
  for (const [name, value] of Object.entries(wanted))
    if ((actual[name] ?? "") !== value) throw queueNameExists(name);
}

/** A new generation begins; the sweep clears the old one away in small steps. Sequence numbers go on. */
function purge(
  tx: Transaction,
  queue: QueueRecord & QueueAddress,
  rest: { readonly nowMs: number; readonly counts: { nextSequence: number } },
): void {
  const { nowMs, counts } = rest;
  const next = { ...queue, generation: queue.generation + 1, purgedMs: nowMs };
  storeQueue(tx, next, queue, { firstSequence: counts.nextSequence });
}
