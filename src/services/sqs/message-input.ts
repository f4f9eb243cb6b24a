import { hash } from "node:crypto";
import type { MessageAttributeValue } from "@aws-sdk/client-sqs";
import type { RequestContext } from "#base/context.ts";
import { invalidContents, invalidParameter, invalidValue, missingParameter } from "./errors.ts";
import * as limits from "./limits.ts";
import { md5, md5OfAttributes } from "./md5.ts";
import type { MessageRecord, QueueRecord, StoredAttribute } from "./records.ts";
import { settingsOf } from "./settings.ts";

/** What SendMessage and an entry of SendMessageBatch have in common. */
export interface MessageInput {
  readonly MessageBody: string;
  readonly DelaySeconds?: number | undefined;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttributeValue>> | undefined;
  readonly MessageSystemAttributes?: Readonly<Record<string, MessageAttributeValue>> | undefined;
  readonly MessageDeduplicationId?: string | undefined;
  readonly MessageGroupId?: string | undefined;
}

/** A message that may be stored, whatever the queue; `readMessageInput` made it. */
export interface CheckedMessage {
  readonly record: MessageRecord;
  readonly systemAttributesMd5: string | undefined;
  readonly delaySeconds: number | undefined;
  readonly byteCount: number;
}

const contents = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;

/**
 * All that can be said of a message without its queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export function readMessageInput(
  input: MessageInput,
  { id, context }: { readonly id: string; readonly context: RequestContext },
): CheckedMessage {
  const { MessageBody: body, MessageGroupId: group, MessageDeduplicationId: once } = input;
  if (body === "") throw missingParameter("MessageBody");
  if (!contents.test(body)) throw invalidContents();
  checkId(group, "MessageGroupId");
  checkId(once, "MessageDeduplicationId");
  checkDelay(input.DelaySeconds);
  const attributes = readAttributes(input.MessageAttributes);
  const system = readSystemAttributes(input.MessageSystemAttributes);
  const traceHeader = system?.["AWSTraceHeader"]?.value;
  const attributesMd5 = md5OfAttributes(attributes);
  return {
    record: {
      id,
      body,
      bodyMd5: md5(body),
      ...(attributes && { attributes }),
      ...(attributesMd5 !== undefined && { attributesMd5 }),
      senderId: context.principal.accountId,
      ...(traceHeader !== undefined && { traceHeader }),
      trace: context.trace,
      ...(group !== undefined && { group }),
      ...(once !== undefined && { deduplicationId: once }),
    },
    systemAttributesMd5: md5OfAttributes(system),
    delaySeconds: input.DelaySeconds,
    byteCount: Buffer.byteLength(body) + attributeBytes(attributes),
  };
}

/** What depends on the queue; returns the message as it is to be stored there, and its delay. */
export function fitMessage(
  { record, delaySeconds, byteCount }: CheckedMessage,
  queue: QueueRecord,
): { readonly record: MessageRecord; readonly delayMs: number } {
  const settings = settingsOf(queue);
  if (byteCount > settings.messageBytesMax) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${settings.messageBytesMax} bytes.`,
    );
  }
  const delayMs = delaySeconds === undefined ? settings.delayMs : delaySeconds * 1_000;
  if (!queue.isFifo) {
    if (record.deduplicationId === undefined) return { record, delayMs };
    throw invalidValue(
      record.deduplicationId,
      "MessageDeduplicationId",
      "The request includes a parameter that is not valid for this queue type.",
    );
  }
  if (delaySeconds !== undefined && delaySeconds !== 0) {
    throw invalidValue(
      delaySeconds,
      "DelaySeconds",
      "The request include parameter that is not valid for this queue type.",
    );
  }
  if (record.group === undefined) throw missingParameter("MessageGroupId");
  if (record.deduplicationId !== undefined) return { record, delayMs };
  if (settings.deduplicatesByContent) {
    return { record: { ...record, deduplicationId: hash("sha256", record.body) }, delayMs };
  }
  throw invalidParameter(
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );
}

function checkId(id: string | undefined, parameter: string): void {
  if (id === undefined || /^[!-~]{1,128}$/.test(id)) return;
  const reason = `${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`;
  throw invalidValue(id, parameter, reason);
}

function checkDelay(delaySeconds: number | undefined): void {
  if (delaySeconds === undefined) return;
  if (delaySeconds >= 0 && delaySeconds <= limits.delaySecondsMax) return;
  const reason = `DelaySeconds must be >= 0 and <= ${limits.delaySecondsMax}.`;
  throw invalidValue(delaySeconds, "DelaySeconds", reason);
}

type Attributes = Readonly<Record<string, StoredAttribute>>;
type AttributesInput = MessageInput["MessageAttributes"];

function readAttributes(input: AttributesInput): Attributes | undefined {
  const entries = Object.entries(input ?? {});
  if (entries.length === 0) return undefined;
  if (entries.length > limits.messageAttributesMax) {
    throw invalidParameter(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${limits.messageAttributesMax}].`,
    );
  }
  return Object.fromEntries(
    entries.map(([name, value]) => {
      checkName(name);
      return [name, readValue(name, value, "user")];
    }),
  );
}

function readSystemAttributes(input: AttributesInput): Attributes | undefined {
  const entries = Object.entries(input ?? {});
  if (entries.length === 0) return undefined;
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name !== "AWSTraceHeader") {
        throw invalidParameter(`Message system attribute name '${name}' is invalid.`);
      }
      const read = readValue(name, value, "system");
      if (read.type === "String") return [name, read];
      throw invalidParameter(
        `The data type of message system attribute '${name}' must be 'String'.`,
      );
    }),
  );
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#message-attribute-components */
function checkName(name: string): void {
  if (name === "") {
    throw invalidParameter("The request must contain non-empty message (user) attribute names.");
  }
  if (Buffer.byteLength(name) > limits.attributeNameBytesMax) {
    throw invalidParameter(
      `Message (user) attribute name must be shorter than ${limits.attributeNameBytesMax} bytes.`,
    );
  }
  if (/^(aws\.|amazon\.)/i.test(name)) {
    throw invalidParameter(
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for internal use.",
    );
  }
  if (/^[\w\-.]+$/.test(name) && !/^\.|\.$|\.\./.test(name)) return;
  throw invalidParameter(
    `Invalid characters were found in message (user) attribute name '${name}'; it may have letters, digits, hyphens, underscores and single periods within.`,
  );
}

function readValue(
  name: string,
  value: MessageAttributeValue,
  whose: "user" | "system",
): StoredAttribute {
  const { DataType: type, StringValue: text, BinaryValue: bytes } = value;
  const what = `essage (${whose}) attribute`;
  if (value.StringListValues?.length || value.BinaryListValues?.length) {
    throw invalidParameter(
      "Message attribute list values in SendMessage operation are not supported.",
    );
  }
  if (!type) {
    throw invalidParameter(
      `The m${what} '${name}' must contain a non-empty message attribute type.`,
    );
  }
  if (Buffer.byteLength(type) > limits.attributeNameBytesMax) {
    throw invalidParameter(
      `M${what} type must be shorter than ${limits.attributeNameBytesMax} bytes.`,
    );
  }
  const kind = /^(String|Number|Binary)(\.|$)/.exec(type)?.[1];
  if (kind === undefined) {
    throw invalidParameter(
      `The type of m${what} '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  }
  if (kind === "Binary") {
    if (bytes && bytes.byteLength > 0)
      return { type, value: Buffer.from(bytes).toString("base64") };
    throw invalidParameter(`M${what} '${name}' must contain a non-empty value of type 'Binary'.`);
  }
  if (text === undefined || text === "") {
    throw invalidParameter(`M${what} '${name}' must contain a non-empty value of type 'String'.`);
  }
  if (!contents.test(text)) throw invalidParameter(invalidContents().message);
  if (kind === "Number" && !isNumber(text)) {
    throw invalidParameter(`Can't cast the value of m${what} '${name}' to a number.`);
  }
  return { type, value: text };
}

/** Up to 38 digits, between 10^-128 and 10^126; same page, "Number". */
function isNumber(text: string): boolean {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$/.test(text);
}

function attributeBytes(attributes: Attributes | undefined): number {
  let count = 0;
  for (const [name, { type, value }] of Object.entries(attributes ?? {})) {
    const encoding = type.startsWith("Binary") ? "base64" : "utf8";
    count += Buffer.byteLength(name) + Buffer.byteLength(type) + Buffer.byteLength(value, encoding);
  }
  return count;
}
