import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import type { SourceRecord } from "#events/events.ts";
import { formatTraceHeader } from "#telemetry/trace-header.ts";
import { queueArn } from "./addresses.ts";
import type { TakenMessage } from "./partition/partition.ts";
import { md5OfAttributes } from "./md5.ts";
import type { MessageRecord, QueueRecord, StoredAttribute } from "./records.ts";

/** What a receiver asked to see beside the body. */
export interface WantedAttributes {
  /** System attributes; `All` is all of them. */
  readonly system: readonly string[];
  /** Names, `All`, `.*` or prefixes as `name.*`. */
  readonly user: readonly string[];
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html */
export function toMessage(
  taken: TakenMessage,
  { queue, handle, wanted }: { queue: QueueRecord; handle: string; wanted: WantedAttributes },
): Message {
  const { record } = taken;
  const system = systemAttributes(taken, queue, record.traceHeader);
  const isAll = wanted.system.includes("All");
  const shown = Object.entries(system).filter(([name]) => isAll || wanted.system.includes(name));
  const attributes = pick(record.attributes, wanted.user);
  const names = Object.keys(attributes);
  return {
    MessageId: record.id,
    ReceiptHandle: handle,
    MD5OfBody: record.bodyMd5,
    Body: record.body,
    ...(shown.length > 0 && { Attributes: Object.fromEntries(shown) }),
    ...(names.length > 0 && {
      // Of what is shown: clients compute it from what they got.
      MD5OfMessageAttributes: md5OfShown(record, attributes),
      MessageAttributes: Object.fromEntries(names.map((name) => [name, toValue(attributes[name])])),
    }),
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
export function toSourceRecord(
  taken: TakenMessage,
  { queue, handle }: { readonly queue: QueueRecord; readonly handle: string },
): SourceRecord {
  const { record, state } = taken;
  const traceHeader = record.traceHeader ?? formatTraceHeader(record.trace);
  const { attributes = {}, attributesMd5 } = record;
  const value = {
    messageId: record.id,
    receiptHandle: handle,
    body: record.body,
    attributes: systemAttributes(taken, queue, traceHeader),
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, each]) => [name, toLambdaValue(each)]),
    ),
    ...(attributesMd5 !== undefined && { md5OfMessageAttributes: attributesMd5 }),
    md5OfBody: record.bodyMd5,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn(queue),
    awsRegion: queue.region,
  };
  return {
    id: record.id,
    value,
    byteCount: Buffer.byteLength(JSON.stringify(value)),
    sentMs: state.sentMs,
    group: record.group,
    trace: record.trace,
    receipt: handle,
  };
}

function systemAttributes(
  { record, state, receipt }: TakenMessage,
  { isFifo }: QueueRecord,
  traceHeader: string | undefined,
): Record<string, string> {
  const receiveCount = state.receiveCount + (record.receivedBefore ?? 0);
  const { group, deduplicationId, deadLetterSourceArn } = record;
  return {
    ApproximateReceiveCount: String(receiveCount),
    ...(traceHeader !== undefined && { AWSTraceHeader: traceHeader }),
    SentTimestamp: String(state.sentMs),
    ...(isFifo && { SequenceNumber: sequenceNumber(receipt.sequence) }),
    ...(group !== undefined && { MessageGroupId: group }),
    SenderId: record.senderId,
    ...(deduplicationId !== undefined && { MessageDeduplicationId: deduplicationId }),
    ApproximateFirstReceiveTimestamp: String(state.firstReceivedMs),
    ...(deadLetterSourceArn !== undefined && { DeadLetterQueueSourceArn: deadLetterSourceArn }),
  };
}

/** Twenty digits, as the real ones have, growing with each message of the queue. */
export function sequenceNumber(sequence: number): string {
  return String(firstSequenceNumber + BigInt(sequence) * sequenceStep);
}

const firstSequenceNumber = 18_850_000_000_000_000_000n;
const sequenceStep = 256n;

function pick(
  attributes: MessageRecord["attributes"] = {},
  wanted: readonly string[],
): Readonly<Record<string, StoredAttribute>> {
  if (wanted.length === 0) return {};
  if (wanted.includes("All") || wanted.includes(".*")) return attributes;
  const prefixes = wanted.filter((name) => name.endsWith(".*")).map((name) => name.slice(0, -2));
  const isWanted = (name: string): boolean =>
    wanted.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => isWanted(name)));
}

function md5OfShown(record: MessageRecord, shown: MessageRecord["attributes"]): string | undefined {
  return shown === record.attributes ? record.attributesMd5 : md5OfAttributes(shown);
}

function toValue(attribute: StoredAttribute | undefined): MessageAttributeValue {
  const { type = "String", value = "" } = attribute ?? {};
  return type.startsWith("Binary")
    ? { DataType: type, BinaryValue: Buffer.from(value, "base64") }
    : { DataType: type, StringValue: value };
}

function toLambdaValue({ type, value }: StoredAttribute): object {
  const kind = type.startsWith("Binary") ? "binaryValue" : "stringValue";
  return { [kind]: value, stringListValues: [], binaryListValues: [], dataType: type };
}
