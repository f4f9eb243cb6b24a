import { parseArn } from "#base/arn.ts";
import { checkFilterPolicy } from "./filters.ts";
import { invalidParameter } from "./errors.ts";
import { policyCharactersMax } from "./limits.ts";
import { type SubscriptionRecord, topicArn, type TopicRecord } from "./records.ts";

/** What may be set on a topic. https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html */
const choices: Readonly<Record<string, readonly string[]>> = {
  SignatureVersion: ["1", "2"],
  TracingConfig: ["Active", "PassThrough"],
  ContentBasedDeduplication: ["true", "false"],
  FifoTopic: ["true", "false"],
  FifoThroughputScope: ["Topic", "MessageGroup"],
};
const ofFifoTopics = new Set(["ContentBasedDeduplication", "FifoThroughputScope"]);
const texts = new Set(["DisplayName", "Policy", "DeliveryPolicy", "KmsMasterKeyId"]);
const feedback =
  /^(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback(RoleArn|SampleRate)$/;

/** Throws what the service says of an attribute that may not be set, or not to this. */
export function checkTopicAttribute(name: string, value: string, isFifo: boolean): void {
  const isKnown = Object.hasOwn(choices, name) || texts.has(name) || feedback.test(name);
  if (!isKnown || (ofFifoTopics.has(name) && !isFifo)) throw invalidParameter("AttributeName");
  const allowed = choices[name];
  if (allowed && !allowed.includes(value))
    throw invalidParameter(
      `${name}: Invalid value [${value}]. Must be one of [${allowed.join(", ")}].`,
    );
  if (name === "DisplayName" && value.length > 100)
    throw invalidParameter("DisplayName is too long");
  if (name === "Policy" && (!isObject(value) || value.length > policyCharactersMax))
    throw invalidParameter("Policy Error: null");
  if (name === "DeliveryPolicy" && value !== "" && !isObject(value))
    throw invalidParameter("DeliveryPolicy: failed to parse JSON.");
}

/** https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html */
export function topicAttributes(
  topic: TopicRecord,
  confirmedCount: number,
): Record<string, string> {
  const arn = topicArn(topic);
  const fifo = { FifoTopic: "true", ContentBasedDeduplication: "false" };
  return {
    Policy: JSON.stringify(defaultPolicy(topic)),
    Owner: topic.accountId,
    TopicArn: arn,
    DisplayName: "",
    SubscriptionsPending: "0",
    SubscriptionsConfirmed: String(confirmedCount),
    SubscriptionsDeleted: "0",
    EffectiveDeliveryPolicy: JSON.stringify(defaultDeliveryPolicy),
    ...(topic.isFifo && fifo),
    ...topic.attributes,
  };
}

export interface Statement {
  readonly Sid?: string;
}

/** What a topic has until somebody sets another: its owner may do everything. */
export function defaultPolicy(topic: TopicRecord): {
  readonly Version: string;
  readonly Id: string;
  readonly Statement: readonly Statement[];
} {
  const actions = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
  ];
  const statement = {
    Sid: "__default_statement_ID",
    Effect: "Allow",
    Principal: { AWS: "*" },
    Action: actions.map((action) => `SNS:${action}`),
    Resource: topicArn(topic),
    Condition: { StringEquals: { "AWS:SourceOwner": topic.accountId } },
  };
  return { Version: "2008-10-17", Id: "__default_policy_ID", Statement: [statement] };
}

const defaultDeliveryPolicy = {
  http: {
    defaultHealthyRetryPolicy: {
      minDelayTarget: 20,
      maxDelayTarget: 20,
      numRetries: 3,
      numMaxDelayRetries: 0,
      numNoDelayRetries: 0,
      numMinDelayRetries: 0,
      backoffFunction: "linear",
    },
    disableSubscriptionOverrides: false,
    defaultRequestPolicy: { headerContentType: "text/plain; charset=UTF-8" },
  },
};

const subscriptionAttributeNames = new Set([
  "FilterPolicy",
  "FilterPolicyScope",
  "RawMessageDelivery",
  "RedrivePolicy",
]);

/** What is stored after the change; an empty text removes. https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html */
export function changeSubscription(
  subscription: SubscriptionRecord,
  changes: Readonly<Record<string, string>>,
): SubscriptionRecord {
  for (const [name, value] of Object.entries(changes)) checkChange(subscription, name, value);
  const attributes = Object.fromEntries(
    Object.entries({ ...subscription.attributes, ...changes }).filter(([, value]) => value !== ""),
  );
  const { FilterPolicy: policy, FilterPolicyScope: scope } = attributes;
  if (policy !== undefined) checkFilterPolicy(policy, scope);
  return { ...subscription, attributes };
}

function checkChange({ protocol }: SubscriptionRecord, name: string, value: string): void {
  if (!subscriptionAttributeNames.has(name)) throw invalidParameter("AttributeName");
  if (name === "FilterPolicyScope" && !["MessageAttributes", "MessageBody"].includes(value)) {
    throw invalidParameter(
      `FilterPolicyScope: Invalid value [${value}]. Please use either MessageBody or MessageAttributes`,
    );
  }
  if (name === "RawMessageDelivery") {
    if (!/^(true|false)$/i.test(value))
      throw invalidParameter(
        `RawMessageDelivery: Invalid value [${value}]. Must be true or false.`,
      );
    if (/^true$/i.test(value) && protocol === "lambda") {
      throw invalidParameter(
        `RawMessageDelivery Reason: Delivery protocol [${protocol}] does not support raw message delivery.`,
      );
    }
  }
  if (name === "RedrivePolicy" && value !== "") checkRedrivePolicy(value);
}

function checkRedrivePolicy(text: string): void {
  if (!isObject(text)) throw invalidParameter("RedrivePolicy: failed to parse JSON.");
  const { deadLetterTargetArn: arn } = JSON.parse(text) as { deadLetterTargetArn?: unknown }; // an object, just checked
  if (typeof arn !== "string" || parseArn(arn)?.service !== "sqs")
    throw invalidParameter("RedrivePolicy: deadLetterTargetArn is an invalid arn");
}

/** https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html */
export function subscriptionAttributes(subscription: SubscriptionRecord): Record<string, string> {
  const { arn, topic, protocol, endpoint, owner, principalArn, attributes } = subscription;
  const hasFilter = attributes["FilterPolicy"] !== undefined;
  const { FilterPolicyScope: scope = "MessageAttributes", ...others } = attributes;
  return {
    SubscriptionArn: arn,
    TopicArn: topicArn(topic),
    Protocol: protocol,
    Endpoint: endpoint,
    Owner: owner,
    ConfirmationWasAuthenticated: "true",
    PendingConfirmation: "false",
    SubscriptionPrincipal: principalArn,
    RawMessageDelivery: "false",
    ...others,
    ...(hasFilter && { FilterPolicyScope: scope }),
  };
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
