import { GetQueueAttributes$, SetQueueAttributes$ } from "@aws-sdk/client-sqs";
import type { OperationTable } from "#protocol/service/service.ts";
import { allow, allowOwner } from "../access.ts";
import { addressOfUrl, queueArn } from "../addresses.ts";
import {
  checkAttributes,
  mergeAttributes,
  settledAttributes,
  wantedAttributes,
} from "../attributes.ts";
import type { Sqs, SqsDeps } from "../deps.ts";
import { missingParameter } from "../errors.ts";
import type { Partition } from "../partition/partition.ts";
import { requireQueue, storeQueue } from "../queues.ts";

export function attributeOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    GetQueueAttributes: [
      GetQueueAttributes$,
      async ({ QueueUrl, AttributeNames }, context) => {
        const isWanted = wantedAttributes(AttributeNames);
        const lane = deps.lanes.of(addressOfUrl(QueueUrl, context));
        for (;;) {
          const { all, hasMoreDue } = await lane.run((partition) => {
            allow(deps, partition.queue, { action: "GetQueueAttributes", context });
            return { all: describe(partition), hasMoreDue: partition.hasMoreDue };
          });
          // Each turn makes more of what is due visible.
          if (hasMoreDue) continue;
          const shown = Object.entries(all).filter(([name]) => isWanted(name));
          return shown.length === 0 ? {} : { Attributes: Object.fromEntries(shown) };
        }
      },
    ],
    SetQueueAttributes: [
      SetQueueAttributes$,
      async ({ QueueUrl, Attributes }, context) => {
        if (Object.keys(Attributes).length === 0) throw missingParameter("Attribute.Name");
        const address = addressOfUrl(QueueUrl, context);
        allowOwner(deps, address, { action: "SetQueueAttributes", context });
        const modifiedMs = deps.clock.nowMs();
        await deps.store.write((tx) => {
          const queue = requireQueue(tx, address);
          checkAttributes(Attributes, queue);
          const attributes = mergeAttributes(queue.attributes, Attributes);
          storeQueue(tx, { ...queue, attributes, modifiedMs }, queue);
        });
        // A shorter delay may have made something visible.
        deps.lanes.wake(address);
        return {};
      },
    ],
  };
}

function describe({ queue, counts }: Partition): Readonly<Record<string, string>> {
  return {
    ...settledAttributes(queue),
    QueueArn: queueArn(queue),
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: seconds(queue.createdMs),
    LastModifiedTimestamp: seconds(queue.modifiedMs),
  };
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1_000));
}
