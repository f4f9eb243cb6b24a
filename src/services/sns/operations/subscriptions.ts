import {
  GetSubscriptionAttributes$,
  ListSubscriptions$,
  ListSubscriptionsByTopic$,
  SetSubscriptionAttributes$,
  Subscribe$,
  type Subscription,
  Unsubscribe$,
} from "@aws-sdk/client-sns";
import { parseArn } from "#base/arn.ts";
import type { RequestContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { OperationTable } from "#protocol/service/service.ts";
import type { Entry } from "#storage/storage.ts";
import { changeSubscription, subscriptionAttributes } from "../attributes.ts";
import type { Input, Sns, SnsDeps } from "../deps.ts";
import { invalidParameter, notFound } from "../errors.ts";
import { pageOfRange } from "../pages.ts";
import {
  addressOfSubscription,
  keys,
  type Protocol,
  type SubscriptionRecord,
  subscriptionCodec,
  topicArn,
} from "../records.ts";
import { allow, readTopicArn, requireSubscription, requireTopic } from "../topics.ts";

export function subscriptionOperations(deps: SnsDeps): OperationTable<Sns> {
  const { store } = deps;
  return {
    Subscribe: [
      Subscribe$,
      async (input, context) => ({ SubscriptionArn: await subscribe(deps, input, context) }),
    ],
    Unsubscribe: [
      Unsubscribe$,
      async ({ SubscriptionArn: arn }) => {
        const address = addressOfSubscription(arn);
        if (!address) throw invalidParameter("SubscriptionArn");
        const key = keys.subscription(address.topic, address.id);
        await store.write((tx) => {
          const bytes = tx.get(key);
          if (!bytes) return; // it is what was asked for
          const { topic, protocol, endpoint } = subscriptionCodec.decode(bytes);
          tx.delete(key);
          tx.delete(keys.endpoint(topic, protocol, endpoint));
        });
        return {};
      },
    ],
    GetSubscriptionAttributes: [
      GetSubscriptionAttributes$,
      async ({ SubscriptionArn: arn }) => {
        const subscription = await store.read((reader) => requireSubscription(reader, arn));
        return { Attributes: subscriptionAttributes(subscription) };
      },
    ],
    SetSubscriptionAttributes: [
      SetSubscriptionAttributes$,
      async ({ SubscriptionArn: arn, AttributeName: name, AttributeValue: value = "" }) => {
        await store.write((tx) => {
          const subscription = requireSubscription(tx, arn);
          const after = changeSubscription(subscription, { [name]: value });
          const key = keys.subscription(after.topic, after.id);
          tx.put(key, subscriptionCodec.encode(after));
        });
        return {};
      },
    ],
    ListSubscriptions: [
      ListSubscriptions$,
      async ({ NextToken }, context) => {
        const place = { accountId: context.principal.accountId, region: context.region };
        const range = keys.allSubscriptions(place);
        const { items, ...page } = await store.read((reader) =>
          pageOfRange(reader, range, { NextToken, read: toSubscription }),
        );
        return { Subscriptions: [...items], ...page };
      },
    ],
    ListSubscriptionsByTopic: [
      ListSubscriptionsByTopic$,
      async ({ TopicArn, NextToken }, context) => {
        const address = readTopicArn(TopicArn);
        const { items, ...page } = await store.read((reader) => {
          const topic = requireTopic(reader, address);
          allow(deps, topic, { action: "ListSubscriptionsByTopic", context });
          const range = keys.subscriptions(address);
          return pageOfRange(reader, range, { NextToken, read: toSubscription });
        });
        return { Subscriptions: [...items], ...page };
      },
    ],
  };
}

function toSubscription({ value }: Entry): Subscription {
  const { arn, owner, protocol, endpoint, topic } = subscriptionCodec.decode(value);
  return {
    SubscriptionArn: arn,
    Owner: owner,
    Protocol: protocol,
    Endpoint: endpoint,
    TopicArn: topicArn(topic),
  };
}

/** A topic has one subscription for each endpoint: asking again is no error when nothing differs. */
async function subscribe(
  deps: SnsDeps,
  input: Input<"Subscribe">,
  context: RequestContext,
): Promise<string> {
  const address = readTopicArn(input.TopicArn);
  const { Endpoint: endpoint, Attributes: attributes = {} } = input;
  const protocol = readProtocol(input.Protocol);
  if (endpoint === undefined || endpoint === "") throw invalidParameter("Endpoint");
  checkEndpoint(protocol, endpoint, address.name);
  const id = uuid(deps.random);
  return await deps.store.write((tx) => {
    const topic = requireTopic(tx, address);
    allow(deps, topic, { action: "Subscribe", context });
    const fresh = {
      arn: `${topicArn(topic)}:${id}`,
      id,
      topic: address,
      protocol,
      endpoint,
      owner: context.principal.accountId,
      principalArn: context.principal.arn,
      attributes: {},
    };
    const subscription = changeSubscription(fresh, attributes);
    const place = keys.endpoint(address, protocol, endpoint);
    const known = tx.get(place);
    if (known) {
      const knownArn = `${topicArn(topic)}:${Buffer.from(known).toString()}`;
      checkSame(requireSubscription(tx, knownArn), attributes);
      return knownArn;
    }
    tx.put(place, Buffer.from(id));
    tx.put(keys.subscription(address, id), subscriptionCodec.encode(subscription));
    return subscription.arn;
  });
}

/** All that the service knows; those that are not hosted here say so. */
const protocols = new Set([
  "http",
  "https",
  "email",
  "email-json",
  "sms",
  "sqs",
  "application",
  "lambda",
  "firehose",
]);

function readProtocol(text: string): Protocol {
  if (text === "sqs" || text === "lambda") return text;
  throw invalidParameter(
    protocols.has(text)
      ? `Protocol Reason: subscriptions with the protocol ${text} are not supported by Skerry`
      : `Amazon SNS does not support this protocol string: ${text}`,
  );
}

function checkEndpoint(protocol: Protocol, endpoint: string, topicName: string): void {
  const arn = parseArn(endpoint);
  if (arn?.service !== protocol)
    throw invalidParameter(protocol === "sqs" ? "SQS endpoint ARN" : "Lambda endpoint ARN");
  if (protocol === "sqs" && endpoint.endsWith(".fifo") && !topicName.endsWith(".fifo")) {
    throw invalidParameter(
      "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
    );
  }
  if (protocol === "lambda" && topicName.endsWith(".fifo")) {
    throw invalidParameter("Invalid protocol type: lambda. FIFO topics deliver to queues only.");
  }
  if (arn.resource === "") throw notFound("Endpoint does not exist");
}

function checkSame(known: SubscriptionRecord, wanted: Readonly<Record<string, string>>): void {
  const actual = subscriptionAttributes(known);
  if (Object.entries(wanted).every(([name, value]) => (actual[name] ?? "") === value)) return;
  throw invalidParameter(
    "Attributes Reason: Subscription already exists with different attributes",
  );
}
