import type { EventAttribute } from "#events/events.ts";
import type { SubscriptionRecord } from "./records.ts";

/** A message on its way to subscribers. */
export interface Notification {
  readonly messageId: string;
  readonly topicArn: string;
  readonly subject: string | undefined;
  /** By protocol; `default` is always there. */
  readonly texts: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, EventAttribute>>;
  /** ISO 8601 with milliseconds. */
  readonly timestamp: string;
  /** FIFO topics. */
  readonly sequenceNumber: string | undefined;
}

/** What goes with a notification that is not the sender's. */
export interface Seal {
  readonly signatureVersion: "1" | "2";
  /** Undefined in FIFO topics, whose notifications are not signed. */
  readonly signature: string | undefined;
  readonly certificateUrl: string;
  /** Without the subscription at its end. */
  readonly unsubscribeUrl: string;
}

/** What this subscriber's protocol gets to read. */
export function textFor({ texts }: Notification, protocol: string): string {
  return texts[protocol] ?? texts["default"] ?? "";
}

/** The body of a queue's message. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html#http-notification-json */
export function envelope(
  notification: Notification,
  { arn, protocol }: SubscriptionRecord,
  seal: Seal,
): string {
  const { messageId, topicArn, subject, attributes, timestamp, sequenceNumber } = notification;
  const shown = describeAttributes(attributes);
  return JSON.stringify({
    Type: "Notification",
    MessageId: messageId,
    ...(sequenceNumber !== undefined && { SequenceNumber: sequenceNumber }),
    TopicArn: topicArn,
    ...(subject !== undefined && { Subject: subject }),
    Message: textFor(notification, protocol),
    Timestamp: timestamp,
    ...(seal.signature !== undefined && {
      SignatureVersion: seal.signatureVersion,
      Signature: seal.signature,
      SigningCertURL: seal.certificateUrl,
    }),
    UnsubscribeURL: `${seal.unsubscribeUrl}${arn}`,
    ...(Object.keys(shown).length > 0 && { MessageAttributes: shown }),
  });
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html */
export function functionEvent(
  notification: Notification,
  { arn, protocol }: SubscriptionRecord,
  seal: Seal,
): string {
  const { messageId, topicArn, subject, attributes, timestamp } = notification;
  return JSON.stringify({
    Records: [
      {
        EventSource: "aws:sns",
        EventVersion: "1.0",
        EventSubscriptionArn: arn,
        Sns: {
          Type: "Notification",
          MessageId: messageId,
          TopicArn: topicArn,
          Subject: subject ?? null,
          Message: textFor(notification, protocol),
          Timestamp: timestamp,
          SignatureVersion: seal.signatureVersion,
          Signature: seal.signature ?? "",
          SigningCertUrl: seal.certificateUrl,
          UnsubscribeUrl: `${seal.unsubscribeUrl}${arn}`,
          MessageAttributes: describeAttributes(attributes),
        },
      },
    ],
  });
}

function describeAttributes(attributes: Notification["attributes"]): Record<string, object> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { type, value }]) => [
      name,
      { Type: type, Value: value },
    ]),
  );
}
