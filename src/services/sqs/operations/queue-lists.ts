import { GetQueueUrl$, ListDeadLetterSourceQueues$, ListQueues$ } from "@aws-sdk/client-sqs";
import type { OperationTable } from "#protocol/service/service.ts";
import { allow } from "../access.ts";
import { addressOfUrl, isQueueName, queueUrl } from "../addresses.ts";
import type { Sqs, SqsDeps } from "../deps.ts";
import { queueDoesNotExist } from "../errors.ts";
import { pageOfNames } from "../pages.ts";
import { requireQueue } from "../queues.ts";
import { keys } from "../records.ts";

/** How queues are found: by name, and as lists. */
export function queueListOperations(deps: SqsDeps): OperationTable<Sqs> {
  const { store } = deps;
  return {
    GetQueueUrl: [
      GetQueueUrl$,
      async ({ QueueName: name, QueueOwnerAWSAccountId: owner }, context) => {
        const accountId = owner ?? context.principal.accountId;
        const address = { accountId, region: context.region, name };
        if (!isQueueName(name)) throw queueDoesNotExist();
        const queue = await store.read((reader) => requireQueue(reader, address));
        allow(deps, queue, { action: "GetQueueUrl", context });
        return { QueueUrl: queueUrl(queue, context) };
      },
    ],
    ListQueues: [
      ListQueues$,
      async ({ QueueNamePrefix: prefix = "", ...page }, context) => {
        const place = { accountId: context.principal.accountId, region: context.region };
        const { names, nextToken } = await store.read((reader) =>
          pageOfNames(reader, keys.queues(place), { ...page, prefix }),
        );
        return {
          ...(names.length > 0 && {
            QueueUrls: names.map((name) => queueUrl({ ...place, name }, context)),
          }),
          ...(nextToken !== undefined && { NextToken: nextToken }),
        };
      },
    ],
    ListDeadLetterSourceQueues: [
      ListDeadLetterSourceQueues$,
      async ({ QueueUrl, ...page }, context) => {
        const address = addressOfUrl(QueueUrl, context);
        const { names, nextToken } = await store.read((reader) => {
          const queue = requireQueue(reader, address);
          allow(deps, queue, { action: "ListDeadLetterSourceQueues", context });
          return pageOfNames(reader, keys.sources(address), { ...page, prefix: "" });
        });
        return {
          queueUrls: names.map((name) => queueUrl({ ...address, name }, context)),
          ...(nextToken !== undefined && { NextToken: nextToken }),
        };
      },
    ],
  };
}
