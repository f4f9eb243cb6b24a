import { ListQueueTags$, TagQueue$, UntagQueue$ } from "@aws-sdk/client-sqs";
import type { OperationTable } from "#protocol/service/service.ts";
import type { RequestContext } from "#base/context.ts";
import { allowOwner } from "../access.ts";
import { addressOfUrl } from "../addresses.ts";
import type { Sqs, SqsDeps } from "../deps.ts";
import { invalidParameter } from "../errors.ts";
import { tagsMax } from "../limits.ts";
import { requireQueue, storeQueue } from "../queues.ts";
import type { QueueRecord } from "../records.ts";

type Tags = QueueRecord["tags"];

export function tagOperations(deps: SqsDeps): OperationTable<Sqs> {
  const change = async (
    url: string,
    context: RequestContext,
    { action, apply }: { readonly action: string; readonly apply: (tags: Tags) => Tags },
  ): Promise<void> => {
    const address = addressOfUrl(url, context);
    allowOwner(deps, address, { action, context });
    await deps.store.write((tx) => {
      const queue = requireQueue(tx, address);
      storeQueue(tx, { ...queue, tags: apply(queue.tags) }, queue);
    });
  };
  return {
    TagQueue: [
      TagQueue$,
      async ({ QueueUrl, Tags: added }, context) => {
        const apply = (tags: Tags): Tags => checkTags({ ...tags, ...added });
        await change(QueueUrl, context, { action: "TagQueue", apply });
        return {};
      },
    ],
    UntagQueue: [
      UntagQueue$,
      async ({ QueueUrl, TagKeys }, context) => {
        const apply = (tags: Tags): Tags =>
          Object.fromEntries(Object.entries(tags).filter(([name]) => !TagKeys.includes(name)));
        await change(QueueUrl, context, { action: "UntagQueue", apply });
        return {};
      },
    ],
    ListQueueTags: [
      ListQueueTags$,
      async ({ QueueUrl }, context) => {
        const address = addressOfUrl(QueueUrl, context);
        allowOwner(deps, address, { action: "ListQueueTags", context });
        const { tags } = await deps.store.read((reader) => requireQueue(reader, address));
        return Object.keys(tags).length === 0 ? {} : { Tags: { ...tags } };
      },
    ],
  };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html */
export function checkTags(tags: Tags): Tags {
  const entries = Object.entries(tags);
  if (entries.length > tagsMax) {
    throw invalidParameter(`Too many tags: a queue can have at most ${tagsMax}.`);
  }
  for (const [name, value] of entries) {
    if (/^aws:/i.test(name))
      throw invalidParameter(`Tag keys must not begin with 'aws:', which is reserved: '${name}'.`);
    if (name === "" || name.length > 128 || value.length > 256) {
      throw invalidParameter(
        `The tag '${name.slice(0, 128)}' is invalid: a key has 1 to 128 characters, a value at most 256.`,
      );
    }
  }
  return tags;
}
