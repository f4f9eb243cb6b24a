import type { RequestContext } from "#base/context.ts";
import { type DeliveryOrigin, readPolicyVerdict } from "#events/events.ts";
import type { Reader } from "#storage/storage.ts";
import type { SnsOuterDeps } from "./deps.ts";
import { invalidParameter, notAuthorized, subscriptionNotFound, topicNotFound } from "./errors.ts";
import {
  addressOfSubscription,
  addressOfTopic,
  keys,
  type SubscriptionRecord,
  subscriptionCodec,
  topicArn,
  topicCodec,
  type TopicAddress,
  type TopicRecord,
} from "./records.ts";

/** The topic an ARN names; throws when it names none. */
export function readTopicArn(arn: string | undefined): TopicAddress {
  const address = addressOfTopic(arn ?? "");
  if (!address) throw invalidParameter("TopicArn");
  return address;
}

export function loadTopic(reader: Reader, address: TopicAddress): TopicRecord | undefined {
  const bytes = reader.get(keys.topic(address));
  return bytes && topicCodec.decode(bytes);
}

/** Throws `NotFound`. */
export function requireTopic(reader: Reader, address: TopicAddress): TopicRecord {
  const topic = loadTopic(reader, address);
  if (!topic) throw topicNotFound();
  return topic;
}

/** All subscriptions of a topic, in no order anybody may count on. */
export function subscriptionsOf(reader: Reader, topic: TopicAddress): SubscriptionRecord[] {
  return Array.from(reader.list(keys.subscriptions(topic)), ({ value }) =>
    subscriptionCodec.decode(value),
  );
}

/** Throws `InvalidParameter` or `NotFound`. */
export function requireSubscription(reader: Reader, arn: string): SubscriptionRecord {
  const address = addressOfSubscription(arn);
  if (!address) throw invalidParameter("SubscriptionArn");
  const bytes = reader.get(keys.subscription(address.topic, address.id));
  if (!bytes) throw subscriptionNotFound();
  return subscriptionCodec.decode(bytes);
}

/**
 * Whether the topic's policy lets the caller do it; throws `AuthorizationError`. Asked in strict mode only,
 * about callers that are not of the topic's own account, and about services.
 */
export function allow(
  { mode }: Pick<SnsOuterDeps, "mode">,
  topic: TopicRecord,
  request: {
    readonly action: string;
    readonly context: RequestContext;
    readonly origin?: DeliveryOrigin | undefined;
  },
): void {
  if (mode === "open") return;
  const { action, context, origin } = request;
  const { arn, accountId } = context.principal;
  const resourceArn = topicArn(topic);
  const verdict = readPolicyVerdict(topic.attributes["Policy"], {
    principalArn: origin?.service ?? arn,
    accountId,
    isService: origin !== undefined,
    action: `sns:${action}`,
    resourceArn,
    ...(origin && { sourceArn: origin.arn, sourceAccount: origin.accountId }),
  });
  const isOwn = !origin && accountId === topic.accountId;
  if (verdict === "allow" || (verdict === "silent" && isOwn)) return;
  throw notAuthorized(
    `User: ${origin?.service ?? arn} is not authorized to perform: SNS:${action} on resource: ${resourceArn} because no resource-based policy allows the SNS:${action} action`,
  );
}
