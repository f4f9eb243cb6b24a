import * as limits from "./limits.ts";
import type { QueueRecord } from "./records.ts";
import { parseRedrivePolicy, type RedrivePolicy } from "./redrive.ts";

/** A queue's attributes as its rules need them. */
export interface QueueSettings {
  readonly delayMs: number;
  readonly visibilityMs: number;
  readonly retentionMs: number;
  readonly waitMs: number;
  readonly messageBytesMax: number;
  readonly redrive: RedrivePolicy | undefined;
  readonly deduplicatesByContent: boolean;
  readonly deduplicatesPerGroup: boolean;
}

/** What an attribute is when nobody has set it. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
export const defaults = {
  DelaySeconds: "0",
  MaximumMessageSize: String(limits.messageBytesMax),
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  VisibilityTimeout: "30",
} as const;

const settings = new WeakMap<QueueRecord, QueueSettings>();

/** Computed once per record. */
export function settingsOf(queue: QueueRecord): QueueSettings {
  let known = settings.get(queue);
  if (!known) settings.set(queue, (known = readSettings(queue.attributes)));
  return known;
}

function readSettings(attributes: QueueRecord["attributes"]): QueueSettings {
  const number = (name: keyof typeof defaults): number =>
    Number(attributes[name] ?? defaults[name]);
  const policy = attributes["RedrivePolicy"];
  return {
    delayMs: number("DelaySeconds") * 1_000,
    visibilityMs: number("VisibilityTimeout") * 1_000,
    retentionMs: number("MessageRetentionPeriod") * 1_000,
    waitMs: number("ReceiveMessageWaitTimeSeconds") * 1_000,
    messageBytesMax: number("MaximumMessageSize"),
    redrive: policy === undefined ? undefined : parseRedrivePolicy(policy),
    deduplicatesByContent: attributes["ContentBasedDeduplication"] === "true",
    deduplicatesPerGroup: attributes["DeduplicationScope"] === "messageGroup",
  };
}
