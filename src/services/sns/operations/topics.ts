import {
  CreateTopic$,
  DeleteTopic$,
  GetTopicAttributes$,
  ListTopics$,
  SetTopicAttributes$,
  type Tag,
} from "@aws-sdk/client-sns";
import type { RequestContext } from "#base/context.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import { checkTopicAttribute, topicAttributes } from "../attributes.ts";
import type { Input, Sns, SnsDeps } from "../deps.ts";
import { invalidParameter } from "../errors.ts";
import { pageOfRange } from "../pages.ts";
import { isTopicName, keys, topicArn, topicCodec, type TopicRecord } from "../records.ts";
import { allow, loadTopic, readTopicArn, requireTopic, subscriptionsOf } from "../topics.ts";
import { readTags } from "./tags.ts";

export function topicOperations(deps: SnsDeps): OperationTable<Sns> {
  const { store } = deps;
  return {
    CreateTopic: [
      CreateTopic$,
      async (input, context) => ({ TopicArn: topicArn(await createTopic(deps, input, context)) }),
    ],
    DeleteTopic: [
      DeleteTopic$,
      async ({ TopicArn }, context) => {
        const address = readTopicArn(TopicArn);
        await store.write((tx) => {
          const topic = loadTopic(tx, address);
          if (!topic) return; // deleting what is not there is no error
          allow(deps, topic, { action: "DeleteTopic", context });
          tx.delete(keys.topic(address));
          tx.delete(keys.sequence(address));
          const { subscriptions, endpoints, allOnce, onceAges } = keys;
          for (const range of [subscriptions, endpoints, allOnce, onceAges])
            tx.deleteRange(range(address));
        });
        return {};
      },
    ],
    ListTopics: [
      ListTopics$,
      async ({ NextToken }, context) => {
        const place = { accountId: context.principal.accountId, region: context.region };
        const { items, ...page } = await store.read((reader) =>
          pageOfRange(reader, keys.topics(place), {
            NextToken,
            read: ({ value }) => ({ TopicArn: topicArn(topicCodec.decode(value)) }),
          }),
        );
        return { Topics: [...items], ...page };
      },
    ],
    GetTopicAttributes: [
      GetTopicAttributes$,
      async ({ TopicArn }, context) => {
        const address = readTopicArn(TopicArn);
        return await store.read((reader) => {
          const topic = requireTopic(reader, address);
          allow(deps, topic, { action: "GetTopicAttributes", context });
          const { length } = subscriptionsOf(reader, address);
          return { Attributes: topicAttributes(topic, length) };
        });
      },
    ],
    SetTopicAttributes: [
      SetTopicAttributes$,
      async ({ TopicArn, AttributeName: name, AttributeValue: value = "" }, context) => {
        const address = readTopicArn(TopicArn);
        await store.write((tx) => {
          const topic = requireTopic(tx, address);
          allow(deps, topic, { action: "SetTopicAttributes", context });
          if (name === "FifoTopic") throw invalidParameter("AttributeName");
          checkTopicAttribute(name, value, topic.isFifo);
          const attributes = { ...topic.attributes, [name]: value };
          tx.put(keys.topic(address), topicCodec.encode({ ...topic, attributes }));
        });
        return {};
      },
    ],
  };
}

/** Creating a topic that is there is no error when nothing asked for differs. */
async function createTopic(
  deps: SnsDeps,
  input: Input<"CreateTopic">,
  context: RequestContext,
): Promise<TopicRecord> {
  const { Name: name, Attributes: attributes = {} } = input;
  const isFifo = attributes["FifoTopic"] === "true";
  if (!isTopicName(name)) throw invalidParameter("Topic Name");
  if (isFifo !== name.endsWith(".fifo")) {
    throw invalidParameter(
      isFifo
        ? "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
        : "Topic Name",
    );
  }
  for (const [attribute, value] of Object.entries(attributes))
    checkTopicAttribute(attribute, value, isFifo);
  const tags = readTags(input.Tags ?? []);
  const address = { accountId: context.principal.accountId, region: context.region, name };
  return await deps.store.write((tx) => {
    const known = loadTopic(tx, address);
    if (known) {
      checkSame(known, attributes, input.Tags);
      return known;
    }
    const topic: TopicRecord = { ...address, isFifo, attributes, tags };
    tx.put(keys.topic(address), topicCodec.encode(topic));
    return topic;
  });
}

function checkSame(
  known: TopicRecord,
  wanted: Readonly<Record<string, string>>,
  tags: readonly Tag[] | undefined,
): void {
  const actual = topicAttributes(known, 0);
  for (const [name, value] of Object.entries(wanted)) {
    if (actual[name] !== value)
      throw invalidParameter("Attributes Reason: Topic already exists with different attributes");
  }
  if (tags?.some(({ Key, Value }) => known.tags[Key ?? ""] !== Value))
    throw invalidParameter("Tags Reason: Topic already exists with different tags");
}
