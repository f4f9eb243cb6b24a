import { addressOfArn } from "./addresses.ts";
import {
  invalidAttributeName,
  invalidAttributeValue,
  invalidParameter,
  unknownAttribute,
} from "./errors.ts";
import * as limits from "./limits.ts";
import { checkRedriveAllowPolicy, checkRedrivePolicy, jsonObject } from "./redrive-input.ts";
import type { QueueRecord } from "./records.ts";
import { defaults } from "./settings.ts";

/**
 * The attributes of queues: what may be set to what, and what is shown.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
type Attributes = Readonly<Record<string, string>>;

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  DelaySeconds: [0, limits.delaySecondsMax],
  MaximumMessageSize: [limits.messageBytesMin, limits.messageBytesMax],
  MessageRetentionPeriod: [limits.retentionSecondsMin, limits.retentionSecondsMax],
  ReceiveMessageWaitTimeSeconds: [0, limits.waitSecondsMax],
  VisibilityTimeout: [0, limits.visibilitySecondsMax],
  KmsDataKeyReusePeriodSeconds: [limits.keyReuseSecondsMin, limits.keyReuseSecondsMax],
};
const choices: Readonly<Record<string, readonly string[]>> = {
  SqsManagedSseEnabled: ["true", "false"],
  ContentBasedDeduplication: ["true", "false"],
  DeduplicationScope: ["queue", "messageGroup"],
  FifoThroughputLimit: ["perQueue", "perMessageGroupId"],
};
const texts = ["KmsMasterKeyId", "Policy", "RedrivePolicy", "RedriveAllowPolicy"];
const ofFifoQueues = ["DeduplicationScope", "FifoThroughputLimit"];
const computed = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
  "ApproximateNumberOfMessagesNotVisible",
  "CreatedTimestamp",
  "LastModifiedTimestamp",
  "QueueArn",
];
const known = new Set([
  "All",
  "FifoQueue",
  ...computed,
  ...Object.keys(ranges),
  ...Object.keys(choices),
  ...texts,
]);

/** Throws what the service says of the first attribute that may not be set, or not to this. */
export function checkAttributes(
  attributes: Attributes,
  queue: Pick<QueueRecord, "accountId" | "region" | "name" | "isFifo">,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    checkName(name, queue.isFifo);
    checkValue(name, value, queue);
  }
  if (attributes["SqsManagedSseEnabled"] === "true" && attributes["KmsMasterKeyId"]) {
    throw invalidParameter(
      "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    );
  }
}

function checkName(name: string, isFifo: boolean): void {
  if (!isFifo && ofFifoQueues.includes(name)) {
    throw invalidAttributeName(`You can specify the ${name} only when FifoQueue is set to true.`);
  }
  const isOfFifo = name === "FifoQueue" || name === "ContentBasedDeduplication";
  const isSettable = known.has(name) && name !== "All" && !computed.includes(name);
  if (!isSettable || (isOfFifo && !isFifo)) throw unknownAttribute(name);
}

function checkValue(
  name: string,
  value: string,
  queue: Pick<QueueRecord, "accountId" | "region" | "name" | "isFifo">,
): void {
  const range = ranges[name];
  if (range && !(/^\d{1,9}$/.test(value) && Number(value) >= range[0] && Number(value) <= range[1]))
    throw invalidAttributeValue(name);
  if (choices[name]?.includes(value) === false) throw invalidAttributeValue(name);
  if (name === "FifoQueue" && value !== "true")
    throw invalidAttributeValue(name, "Modifying queue type is not supported.");
  if (value === "") return;
  if (name === "Policy") checkPolicy(value);
  if (name === "RedrivePolicy") checkRedrivePolicy(value, queue);
  if (name === "RedriveAllowPolicy") checkRedriveAllowPolicy(value, isArnOfQueue);
}

function isArnOfQueue(arn: string): boolean {
  return addressOfArn(arn) !== undefined;
}

/** Its form, not what it grants. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html */
function checkPolicy(text: string): void {
  const document = jsonObject(text);
  const statements = [document?.["Statement"] ?? []].flat();
  if (!document || statements.length === 0) throw invalidAttributeValue("Policy");
  const isKnown = Object.keys(document).every((name) =>
    ["Version", "Id", "Statement"].includes(name),
  );
  const version = document["Version"] ?? "2008-10-17";
  if (!isKnown || (version !== "2008-10-17" && version !== "2012-10-17"))
    throw invalidAttributeValue("Policy");
  if (statements.length > limits.policyStatementsMax) {
    throw invalidParameter(
      `${statements.length} statements were found in the submitted policy, max allowed is ${limits.policyStatementsMax}`,
    );
  }
  if (!statements.every(isStatement)) throw invalidAttributeValue("Policy");
}

const statementMembers = /^(Sid|Effect|(Not)?(Principal|Action|Resource)|Condition)$/;

function isStatement(statement: unknown): boolean {
  if (typeof statement !== "object" || statement === null || Array.isArray(statement)) return false;
  const names = Object.keys(statement);
  const { Effect: effect } = statement as { Effect?: unknown }; // an object, checked above
  const isWhole = ["Principal", "Action"].every((name) =>
    names.some((each) => each.replace(/^Not/, "") === name),
  );
  return (
    isWhole &&
    (effect === "Allow" || effect === "Deny") &&
    names.every((name) => statementMembers.test(name))
  );
}

/**
 * What is stored after `changes`: an empty text removes; of the two ways of encryption the one that is
 * set takes the place of the other.
 */
export function mergeAttributes(before: Attributes, changes: Attributes): Attributes {
  const after: Record<string, string> = { ...before, ...changes };
  for (const [name, value] of Object.entries(after))
    if (value === "" && texts.includes(name)) delete after[name];
  if (changes["KmsMasterKeyId"]) after["SqsManagedSseEnabled"] = "false";
  if (changes["SqsManagedSseEnabled"] === "true") {
    delete after["KmsMasterKeyId"];
    delete after["KmsDataKeyReusePeriodSeconds"];
  }
  const { FifoThroughputLimit: limit, DeduplicationScope: scope } = after;
  if (limit === "perMessageGroupId" && scope !== "messageGroup") {
    throw invalidAttributeValue(
      "FifoThroughputLimit",
      "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
    );
  }
  return after;
}

/** Set and default attributes of a queue, without those that are counted. */
export function settledAttributes(queue: QueueRecord): Attributes {
  const { attributes, isFifo } = queue;
  const fifo = {
    FifoQueue: "true",
    ContentBasedDeduplication: "false",
    DeduplicationScope: "queue",
    FifoThroughputLimit: "perQueue",
  };
  return {
    ...defaults,
    SqsManagedSseEnabled: "true",
    ...(isFifo && fifo),
    ...(attributes["KmsMasterKeyId"] && { KmsDataKeyReusePeriodSeconds: "300" }),
    ...attributes,
  };
}

/** The names asked for; throws for one that does not exist. */
export function wantedAttributes(names: readonly string[] | undefined): (name: string) => boolean {
  for (const name of names ?? []) if (!known.has(name)) throw unknownAttribute(name);
  const isAll = names?.includes("All") ?? false;
  return (name) => isAll || (names?.includes(name) ?? false);
}
