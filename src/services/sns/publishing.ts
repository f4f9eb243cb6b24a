import { hash } from "node:crypto";
import type { RequestContext } from "#base/context.ts";
import type { DeliveryOrigin, EventRecord } from "#events/events.ts";
import type { Transaction } from "#storage/storage.ts";
import type { SnsDeps } from "./deps.ts";
import { invalidParameter } from "./errors.ts";
import { wants } from "./filters.ts";
import { publishOnce, type Published } from "./deduplication.ts";
import { awsEndpointRetry } from "./limits.ts";
import type { CheckedMessage } from "./message-input.ts";
import { envelope, functionEvent, type Notification, type Seal, textFor } from "./notification.ts";
import {
  type SubscriptionRecord,
  topicArn,
  type TopicAddress,
  type TopicRecord,
} from "./records.ts";
import { allow, requireTopic, subscriptionsOf } from "./topics.ts";

/** One message with the id it gets, unless it is a duplicate. */
export interface Publication {
  readonly id: string;
  readonly message: CheckedMessage;
}

interface Prepared extends Publication {
  readonly timestamp: string;
  readonly seal: Omit<Seal, "signature">;
  /** By text: protocols may have texts of their own. */
  readonly signatures: ReadonlyMap<string, string>;
}

/**
 * Puts messages into a topic: in one transaction each is on its way to every subscriber that wants it. Returns
 * what became of each, a refusal as the error; throws when the topic is not there or not for the caller.
 */
export async function publish(
  deps: SnsDeps,
  address: TopicAddress,
  request: {
    readonly publications: readonly Publication[];
    readonly context: RequestContext;
    readonly origin?: DeliveryOrigin | undefined;
    readonly trace?: RequestContext["trace"];
  },
): Promise<readonly (Published | Error)[]> {
  const { context, origin, trace = context.trace } = request;
  const topic = await deps.store.read((reader) => {
    const found = requireTopic(reader, address);
    allow(deps, found, { action: "Publish", context, origin });
    return found;
  });
  const nowMs = deps.clock.nowMs();
  const prepared = await Promise.all(
    request.publications.map((each) => prepare(deps, topic, { ...each, nowMs })),
  );
  return await deps.store.write((tx) => {
    const now = requireTopic(tx, address);
    const subscriptions = subscriptionsOf(tx, address);
    return prepared.map((each) => {
      const refusal = unfit(now, each.message);
      if (refusal) return refusal;
      const once = deduplicationIdOf(now, each.message);
      const message = { ...each.message, deduplicationId: once };
      const { published, isNew } = publishOnce(tx, now, { id: each.id, message, nowMs });
      if (isNew)
        send(deps, tx, { prepared: { ...each, message }, published, subscriptions, now, trace });
      return published;
    });
  });
}

/** Signing takes half a millisecond, and is not done while others wait for a transaction. */
async function prepare(
  deps: SnsDeps,
  topic: TopicRecord,
  { id, message, nowMs }: Publication & { readonly nowMs: number },
): Promise<Prepared> {
  const timestamp = new Date(nowMs).toISOString();
  const signatureVersion = topic.attributes["SignatureVersion"] === "2" ? "2" : "1";
  const arn = topicArn(topic);
  const fields = {
    MessageId: id,
    ...(message.subject !== undefined && { Subject: message.subject }),
    Timestamp: timestamp,
    TopicArn: arn,
    Type: "Notification",
  };
  const protocols = topic.isFifo ? [] : ["sqs", "lambda"];
  const { texts } = message;
  const distinct = new Set(protocols.map((each) => texts[each] ?? texts["default"] ?? ""));
  const signatures = await Promise.all(
    Array.from(distinct, async (text): Promise<[string, string]> => {
      const signed = { ...fields, Message: text };
      return [text, await deps.signer.sign(signed, signatureVersion)];
    }),
  );
  const seal = {
    signatureVersion,
    certificateUrl: `${deps.endpoint}/SimpleNotificationService.pem`,
    unsubscribeUrl: `${deps.endpoint}/?Action=Unsubscribe&SubscriptionArn=`,
  } as const;
  return { id, message, timestamp, seal, signatures: new Map(signatures) };
}

/** What the topic has against the message. */
function unfit(topic: TopicRecord, message: CheckedMessage): Error | undefined {
  const { group, deduplicationId } = message;
  if (!topic.isFifo) {
    if (deduplicationId === undefined) return undefined;
    return invalidParameter(
      "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
    );
  }
  if (group === undefined)
    return invalidParameter("The MessageGroupId parameter is required for FIFO topics");
  if (deduplicationId !== undefined || topic.attributes["ContentBasedDeduplication"] === "true")
    return undefined;
  return invalidParameter(
    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );
}

function deduplicationIdOf(topic: TopicRecord, message: CheckedMessage): string | undefined {
  if (!topic.isFifo) return undefined;
  return message.deduplicationId ?? hash("sha256", message.body);
}

function send(
  { outbox }: SnsDeps,
  tx: Transaction,
  what: {
    readonly prepared: Prepared;
    readonly published: Published;
    readonly subscriptions: readonly SubscriptionRecord[];
    readonly now: TopicRecord;
    readonly trace: RequestContext["trace"];
  },
): void {
  const { prepared, published, now: topic, trace } = what;
  const { message, timestamp, signatures } = prepared;
  const arn = topicArn(topic);
  const notification: Notification = {
    messageId: published.messageId,
    topicArn: arn,
    subject: message.subject,
    texts: message.texts,
    attributes: message.attributes,
    timestamp,
    sequenceNumber: published.sequenceNumber,
  };
  const { accountId, region } = topic;
  const origin = { service: "sns.amazonaws.com", arn, accountId, region };
  for (const subscription of what.subscriptions) {
    const body = textFor(notification, subscription.protocol);
    if (!wants(subscription, { body, attributes: message.attributes })) continue;
    const deadLetterArn = deadLetterOf(subscription);
    const seal = { ...prepared.seal, signature: signatures.get(body) };
    outbox.add(tx, {
      targetArn: subscription.endpoint,
      record: {
        id: `${published.messageId}:${subscription.id}`,
        trace,
        ...recordFor(notification, subscription, seal),
        ...(message.group !== undefined &&
          isFifoQueue(subscription) && {
            group: message.group,
            ...(message.deduplicationId !== undefined && {
              deduplicationId: message.deduplicationId,
            }),
          }),
      },
      origin,
      retry: awsEndpointRetry,
      ...(deadLetterArn !== undefined && { deadLetterArn, deadLetterForm: "topics" as const }),
      ...(topic.isFifo && { orderKey: `${subscription.arn} ${message.group ?? ""}` }),
    });
  }
}

function isFifoQueue({ protocol, endpoint }: SubscriptionRecord): boolean {
  return protocol === "sqs" && endpoint.endsWith(".fifo");
}

function recordFor(
  notification: Notification,
  subscription: SubscriptionRecord,
  seal: Seal,
): Pick<EventRecord, "event" | "attributes"> {
  const { protocol, attributes } = subscription;
  if (protocol === "lambda")
    return { event: Buffer.from(functionEvent(notification, subscription, seal)) };
  if (attributes["RawMessageDelivery"] !== "true")
    return { event: Buffer.from(envelope(notification, subscription, seal)) };
  return {
    event: Buffer.from(textFor(notification, protocol)),
    attributes: notification.attributes,
  };
}

function deadLetterOf({ attributes }: SubscriptionRecord): string | undefined {
  const policy = attributes["RedrivePolicy"];
  if (policy === undefined) return undefined;
  const { deadLetterTargetArn } = JSON.parse(policy) as { deadLetterTargetArn?: string }; // checked before it was stored
  return deadLetterTargetArn;
}
