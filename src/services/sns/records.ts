import { parseArn } from "#base/arn.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { plainRecordCodec } from "#storage/records.ts";

/** Where topics live. */
export interface Place {
  /** Twelve digits. */
  readonly accountId: string;
  readonly region: string;
}

export interface TopicAddress extends Place {
  readonly name: string;
}

export interface TopicRecord extends TopicAddress {
  readonly isFifo: boolean;
  /** What was set, as it was written. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export type Protocol = "sqs" | "lambda";

export interface SubscriptionRecord {
  /** Of the topic, with the id behind it. */
  readonly arn: string;
  readonly id: string;
  readonly topic: TopicAddress;
  readonly protocol: Protocol;
  readonly endpoint: string;
  readonly owner: string;
  /** Of whoever subscribed. */
  readonly principalArn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface DeduplicationRecord {
  readonly messageId: string;
  readonly sequence: number;
  readonly publishedMs: number;
}

export const topicCodec = plainRecordCodec<TopicRecord>(1);
export const subscriptionCodec = plainRecordCodec<SubscriptionRecord>(1);
export const deduplicationCodec = plainRecordCodec<DeduplicationRecord>(1);

export const keys = {
  /** The installation's key for signatures, in PEM. */
  signingKey: key("sns", "signing-key"),
  topic: ({ accountId, region, name }: TopicAddress) =>
    key("sns", accountId, region, "topic", name),
  topics: ({ accountId, region }: Place) => keyPrefix("sns", accountId, region, "topic"),
  subscription: ({ accountId, region, name }: TopicAddress, id: string) =>
    key("sns", accountId, region, "subscription", name, id),
  subscriptions: ({ accountId, region, name }: TopicAddress) =>
    keyPrefix("sns", accountId, region, "subscription", name),
  allSubscriptions: ({ accountId, region }: Place) =>
    keyPrefix("sns", accountId, region, "subscription"),
  /** Protocol and endpoint → id: a topic has one subscription for each. */
  endpoint: ({ accountId, region, name }: TopicAddress, protocol: string, endpoint: string) =>
    key("sns", accountId, region, "endpoint", name, protocol, endpoint),
  endpoints: ({ accountId, region, name }: TopicAddress) =>
    keyPrefix("sns", accountId, region, "endpoint", name),
  /** FIFO: the number of the last message. */
  sequence: ({ accountId, region, name }: TopicAddress) =>
    key("sns", accountId, region, "sequence", name),
  /** FIFO: [group,] deduplication id → DeduplicationRecord */
  once: ({ accountId, region, name }: TopicAddress, ...id: readonly string[]) =>
    key("sns", accountId, region, "once", name, ...id),
  allOnce: ({ accountId, region, name }: TopicAddress) =>
    keyPrefix("sns", accountId, region, "once", name),
  /** FIFO: publishedMs, sequence → the key above, to forget it in time */
  onceAge: ({ accountId, region, name }: TopicAddress, publishedMs: number, sequence: number) =>
    key("sns", accountId, region, "once-age", name, publishedMs, sequence),
  onceAges: ({ accountId, region, name }: TopicAddress) =>
    keyPrefix("sns", accountId, region, "once-age", name),
} as const;

const topicNameForm = /^[\w-]{1,256}$|^[\w-]{1,251}\.fifo$/;

export function isTopicName(name: string): boolean {
  return topicNameForm.test(name);
}

export function topicArn({ region, accountId, name }: TopicAddress): string {
  return `arn:aws:sns:${region}:${accountId}:${name}`;
}

/** Undefined when it is no ARN of a topic. */
export function addressOfTopic(text: string): TopicAddress | undefined {
  const arn = parseArn(text);
  if (arn?.service !== "sns" || !isTopicName(arn.resource)) return undefined;
  return { accountId: arn.accountId, region: arn.region, name: arn.resource };
}

/** Undefined when it is no ARN of a subscription. */
export function addressOfSubscription(
  text: string,
): { readonly topic: TopicAddress; readonly id: string } | undefined {
  const at = text.lastIndexOf(":");
  const topic = addressOfTopic(text.slice(0, at));
  const id = text.slice(at + 1);
  return topic && /^[0-9a-f-]{36}$/.test(id) ? { topic, id } : undefined;
}
