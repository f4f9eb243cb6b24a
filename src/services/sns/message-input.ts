import type { MessageAttributeValue } from "@aws-sdk/client-sns";
import type { EventAttribute } from "#events/events.ts";
import { invalidParameter, invalidValue } from "./errors.ts";
import { messageBytesMax, subjectCharactersMax } from "./limits.ts";

/** What Publish and an entry of PublishBatch have in common. */
export interface MessageInput {
  readonly Message: string;
  readonly Subject?: string | undefined;
  readonly MessageStructure?: string | undefined;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttributeValue>> | undefined;
  readonly MessageDeduplicationId?: string | undefined;
  readonly MessageGroupId?: string | undefined;
}

/** A message that may be published, whatever the topic. */
export interface CheckedMessage {
  readonly body: string;
  readonly texts: Readonly<Record<string, string>>;
  readonly subject: string | undefined;
  readonly attributes: Readonly<Record<string, EventAttribute>>;
  readonly group: string | undefined;
  readonly deduplicationId: string | undefined;
  readonly byteCount: number;
}

/** https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export function readMessageInput(input: MessageInput): CheckedMessage {
  const { Message: body, Subject: subject, MessageStructure: structure } = input;
  if (body === "") throw invalidParameter("Empty message");
  if (subject !== undefined) checkSubject(subject);
  if (structure !== undefined && structure !== "json") throw invalidParameter("MessageStructure");
  checkId(input.MessageGroupId, "MessageGroupId");
  checkId(input.MessageDeduplicationId, "MessageDeduplicationId");
  const attributes = readAttributes(input.MessageAttributes ?? {});
  const byteCount = Buffer.byteLength(body) + attributeBytes(attributes);
  if (byteCount > messageBytesMax) throw invalidParameter("Message too long");
  return {
    body,
    texts: structure === "json" ? readTexts(body) : { default: body },
    subject,
    attributes,
    group: input.MessageGroupId,
    deduplicationId: input.MessageDeduplicationId,
    byteCount,
  };
}

/** ASCII, no control characters, beginning with a letter, a digit or a mark. */
function checkSubject(subject: string): void {
  const isFine = /^[!-~][ -~]*$/.test(subject) && subject.length <= subjectCharactersMax;
  if (!isFine) throw invalidParameter("Subject");
}

function checkId(id: string | undefined, name: string): void {
  if (id === undefined || /^[!-~]{1,128}$/.test(id)) return;
  throw invalidParameter(
    `${name} Reason: ${name} can only include alphanumeric and punctuation characters. 1 to 128 in length`,
  );
}

/** Values that are no text are left out, as the service does. */
function readTexts(body: string): Readonly<Record<string, string>> {
  const refuse = (reason: string): Error => invalidParameter(`Message Structure - ${reason}`);
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw refuse("JSON message body failed to parse");
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const texts = Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
  if (!Object.hasOwn(texts, "default")) throw refuse("No default entry in JSON message body");
  return texts;
}

/** https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html */
function readAttributes(
  input: Readonly<Record<string, MessageAttributeValue>>,
): Readonly<Record<string, EventAttribute>> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      const isFine = /^[\w\-.]{1,256}$/.test(name) && !/^(aws|amazon)\./i.test(name);
      if (!isFine || /^\.|\.$|\.\./.test(name))
        throw invalidValue(`Invalid message attribute name '${name.slice(0, 256)}'.`);
      return [name, readValue(name, value)];
    }),
  );
}

function readValue(name: string, value: MessageAttributeValue): EventAttribute {
  const { DataType: type = "", StringValue: text, BinaryValue: bytes } = value;
  if (!isType(type)) {
    throw invalidValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const empty = invalidValue(
    `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${type}'.`,
  );
  if (type.startsWith("Binary")) {
    if (!bytes || bytes.byteLength === 0) throw empty;
    return { type, value: Buffer.from(bytes).toString("base64") };
  }
  if (text === undefined || text === "") throw empty;
  if (type.startsWith("Number") && !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text))
    throw invalidValue(`Could not cast message attribute '${name}' value to number.`);
  if (type === "String.Array" && !isArray(text)) {
    throw invalidValue(`Message attribute '${name}' must be a JSON array of type 'String.Array'.`);
  }
  return { type, value: text };
}

function isType(type: string): type is EventAttribute["type"] {
  return /^(String|Number|Binary)(\..+)?$/s.test(type) && type.length <= 256;
}

function isArray(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

function attributeBytes(attributes: Readonly<Record<string, EventAttribute>>): number {
  let count = 0;
  for (const [name, { type, value }] of Object.entries(attributes))
    count += name.length + type.length + Buffer.byteLength(value);
  return count;
}
