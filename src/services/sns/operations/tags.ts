import { ListTagsForResource$, type Tag, TagResource$, UntagResource$ } from "@aws-sdk/client-sns";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Sns, SnsDeps } from "../deps.ts";
import { invalidParameter, resourceNotFound, tooManyTags } from "../errors.ts";
import { tagsMax } from "../limits.ts";
import { keys, topicCodec, type TopicRecord } from "../records.ts";
import { loadTopic, readTopicArn } from "../topics.ts";

type Tags = TopicRecord["tags"];

export function tagOperations(deps: SnsDeps): OperationTable<Sns> {
  const change = async (arn: string, apply: (tags: Tags) => Tags): Promise<void> => {
    await deps.store.write((tx) => {
      const topic = requireResource(tx, arn);
      const after = { ...topic, tags: apply(topic.tags) };
      if (Object.keys(after.tags).length > tagsMax) throw tooManyTags();
      tx.put(keys.topic(topic), topicCodec.encode(after));
    });
  };
  return {
    TagResource: [
      TagResource$,
      async ({ ResourceArn, Tags: added }) => {
        const read = readTags(added);
        await change(ResourceArn, (tags) => ({ ...tags, ...read }));
        return {};
      },
    ],
    UntagResource: [
      UntagResource$,
      async ({ ResourceArn, TagKeys }) => {
        await change(ResourceArn, (tags) =>
          Object.fromEntries(Object.entries(tags).filter(([name]) => !TagKeys.includes(name))),
        );
        return {};
      },
    ],
    ListTagsForResource: [
      ListTagsForResource$,
      async ({ ResourceArn }) => {
        const { tags } = await deps.store.read((reader) => requireResource(reader, ResourceArn));
        return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
      },
    ],
  };
}

function requireResource(reader: Reader, arn: string): TopicRecord {
  const topic = loadTopic(reader, readTopicArn(arn));
  if (!topic) throw resourceNotFound();
  return topic;
}

/** https://docs.aws.amazon.com/sns/latest/api/API_Tag.html */
export function readTags(tags: readonly Tag[]): Tags {
  const read: Record<string, string> = {};
  for (const { Key: name = "", Value: value = "" } of tags) {
    if (name === "" || name.length > 128 || value.length > 256 || /^aws:/i.test(name))
      throw invalidParameter("Tags");
    if (Object.hasOwn(read, name)) throw invalidParameter("Duplicated keys are not allowed.");
    Object.defineProperty(read, name, { value, enumerable: true });
  }
  if (Object.keys(read).length > tagsMax) throw tooManyTags();
  return read;
}
