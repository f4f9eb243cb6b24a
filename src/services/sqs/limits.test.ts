import assert from "node:assert/strict";
import { test } from "node:test";
import { arnOf, setUp, urlOf } from "./testing/set-up.ts";

const QueueUrl = urlOf("q");

async function withQueue(attributes: Record<string, string> = {}) {
  const made = setUp();
  await made.call("CreateQueue", { QueueName: "q", Attributes: attributes });
  return made;
}

const invalid = { name: "InvalidParameterValue" };

test("names of queues end at 80 characters, the suffix of FIFO queues among them", async () => {
  const { call } = setUp();
  const create = (QueueName: string, FifoQueue?: string) =>
    call("CreateQueue", { QueueName, Attributes: FifoQueue === undefined ? {} : { FifoQueue } });
  await create("a".repeat(80));
  await create(`${"a".repeat(75)}.fifo`, "true");
  for (const name of ["a".repeat(81), "a.b", "a.fifo", "ä", "../a", "a\0"])
    await assert.rejects(create(name), invalid, name);
  for (const name of [`${"a".repeat(76)}.fifo`, "a", ".fifo"])
    await assert.rejects(create(name, "true"), invalid, name);
  await assert.rejects(create("", "true"), /Queue name cannot be empty/);
  await assert.rejects(create("a.fifo", "false"), /Unknown Attribute FifoQueue/);
});

test("attributes are taken at the edges of their ranges and refused one past them", async () => {
  const { call } = await withQueue();
  const set = (Attributes: Record<string, string>) =>
    call("SetQueueAttributes", { QueueUrl, Attributes });
  const edges: readonly (readonly [string, number, number])[] = [
    ["DelaySeconds", 0, 900],
    ["MaximumMessageSize", 1_024, 1_048_576],
    ["MessageRetentionPeriod", 60, 1_209_600],
    ["ReceiveMessageWaitTimeSeconds", 0, 20],
    ["VisibilityTimeout", 0, 43_200],
    ["KmsDataKeyReusePeriodSeconds", 60, 86_400],
  ];
  for (const [name, min, max] of edges) {
    for (const value of [min, max]) await set({ [name]: String(value) });
    for (const value of [min - 1, max + 1, "", " 5", "5.5", "1e3", "abc"]) {
      await assert.rejects(set({ [name]: String(value) }), {
        name: "InvalidAttributeValue",
        message: `Invalid value for the parameter ${name}.`,
      });
    }
  }
  for (const name of ["QueueArn", "Nonsense", "All", "__proto__", "constructor"])
    await assert.rejects(set(Object.fromEntries([[name, "1"]])), { name: "InvalidAttributeName" });
  await assert.rejects(set({ DeduplicationScope: "queue" }), /only when FifoQueue is set to true/);
  await assert.rejects(set({}), /The request must contain the parameter Attribute.Name/);
  await assert.rejects(
    set({ SqsManagedSseEnabled: "true", KmsMasterKeyId: "alias/aws/sqs" }),
    /one type of server-side encryption/,
  );
  const asked = { QueueUrl, AttributeNames: ["Nonsense" as "All"] };
  await assert.rejects(call("GetQueueAttributes", asked), /Unknown Attribute Nonsense/);
});

test("encryption by one way ends the other, and an empty text removes what it names", async () => {
  const { call } = await withQueue();
  const set = (Attributes: Record<string, string>) =>
    call("SetQueueAttributes", { QueueUrl, Attributes });
  const get = async () => {
    const asked = { QueueUrl, AttributeNames: ["All" as const] };
    const { Attributes } = await call("GetQueueAttributes", asked);
    return [
      Attributes?.SqsManagedSseEnabled,
      Attributes?.KmsMasterKeyId,
      Attributes?.KmsDataKeyReusePeriodSeconds,
    ];
  };
  assert.deepEqual(await get(), ["true", undefined, undefined]);
  await set({ KmsMasterKeyId: "alias/aws/sqs" });
  assert.deepEqual(await get(), ["false", "alias/aws/sqs", "300"]);
  await set({ SqsManagedSseEnabled: "true" });
  assert.deepEqual(await get(), ["true", undefined, undefined]);
  await set({ KmsMasterKeyId: "key", KmsDataKeyReusePeriodSeconds: "60" });
  await set({ KmsMasterKeyId: "" });
  assert.equal((await get())[1], undefined);
});

test("policies about dead letters are refused in the words of the service", async () => {
  const { call } = await withQueue();
  await call("CreateQueue", {
    QueueName: "closed",
    Attributes: {
      RedriveAllowPolicy: JSON.stringify({ redrivePermission: "denyAll" }),
    },
  });
  const set = (name: string, value: unknown) =>
    call("SetQueueAttributes", {
      QueueUrl,
      Attributes: { [name]: typeof value === "string" ? value : JSON.stringify(value) },
    });
  const redrive = (arn: string, maxReceiveCount: unknown = 5, more = {}) =>
    set("RedrivePolicy", { deadLetterTargetArn: arn, maxReceiveCount, ...more });
  await assert.rejects(set("RedrivePolicy", "no json"), /not a valid JSON map/);
  await assert.rejects(set("RedrivePolicy", []), /not a valid JSON map/);
  await assert.rejects(set("RedrivePolicy", {}), /mandatory attribute: maxReceiveCount/);
  await assert.rejects(
    set("RedrivePolicy", { maxReceiveCount: 1 }),
    /mandatory attribute: deadLetter/,
  );
  for (const count of [0, 1_001, "x", 1.5])
    await assert.rejects(redrive(arnOf("closed"), count), /valid values are from 1 to 1000/);
  await assert.rejects(redrive("arn:aws:sns:us-east-1:123456789012:t"), /Only SQS queues/);
  await assert.rejects(redrive(arnOf("x.fifo")), /must be same type of queue/);
  await assert.rejects(redrive(arnOf("none")), /Dead letter target does not exist/);
  await assert.rejects(redrive(arnOf("closed")), /does not allow this queue/);
  await assert.rejects(redrive(arnOf("closed"), 1, { more: 1 }), /Only following attributes/);
  for (const value of [
    "no json",
    [],
    {},
    { redrivePermission: "x" },
    { redrivePermission: "byQueue", sourceQueueArns: "x" },
  ])
    await assert.rejects(set("RedriveAllowPolicy", value), /unsupported format/);
  await assert.rejects(
    set("RedriveAllowPolicy", { redrivePermission: "byQueue", sourceQueueArns: [] }),
    /one or more sourceQueueArns/,
  );
  const eleven = Array.from({ length: 11 }, (_, index) => arnOf(`q${index}`));
  const byQueue = (sourceQueueArns: readonly string[]) =>
    set("RedriveAllowPolicy", { redrivePermission: "byQueue", sourceQueueArns });
  await byQueue(eleven.slice(1));
  await assert.rejects(byQueue(eleven), /up to 10/);
});

test("bodies have one to a mebibyte of bytes, of characters that are allowed in XML", async () => {
  const { call } = await withQueue({ MaximumMessageSize: "1024" });
  const send = (MessageBody: string, more = {}) =>
    call("SendMessage", { QueueUrl, MessageBody, ...more });
  await assert.rejects(send(""), /The request must contain the parameter MessageBody/);
  for (const body of ["\0", "\u{b}", "\u{fffe}", "\u{d800}"])
    await assert.rejects(send(body), { name: "InvalidMessageContents" });
  await send("\t\n\r \u{d7ff}\u{e000}\u{fffd}\u{10ffff}");
  await send("é".repeat(512));
  await assert.rejects(send(`${"é".repeat(512)}x`), /must be shorter than 1024 bytes/);
  const attribute = { DataType: "String", StringValue: "v".repeat(1_000) };
  // Names, types and values count.
  await send("x".repeat(17), { MessageAttributes: { a: attribute } });
  await assert.rejects(send("x".repeat(18), { MessageAttributes: { a: attribute } }), invalid);
  for (const DelaySeconds of [-1, 901])
    await assert.rejects(send("a", { DelaySeconds }), /must be >= 0 and <= 900/);
  await assert.rejects(send("a", { MessageDeduplicationId: "x" }), /not valid for this queue type/);
  await send("a", { MessageGroupId: "x".repeat(128) });
  for (const MessageGroupId of ["", "x".repeat(129), "ä", "a b"])
    await assert.rejects(send("a", { MessageGroupId }), /alphanumeric and punctuation/);
});

test("attributes of messages have names, types and values, ten at most", async () => {
  const { call } = await withQueue();
  const send = (MessageAttributes: Record<string, object>, more = {}) =>
    call("SendMessage", {
      QueueUrl,
      MessageBody: "a",
      MessageAttributes: MessageAttributes as Record<string, { DataType: string }>, // wrong on purpose
      ...more,
    });
  const text = { DataType: "String", StringValue: "v" };
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, text]));
  await send(many(10));
  await assert.rejects(send(many(11)), /Number of message attributes \[11\] exceeds/);
  await send({ ["n".repeat(256)]: text });
  for (const name of ["n".repeat(257), "", "aws.x", "Amazon.x", ".a", "a.", "a..b", "a b"])
    await assert.rejects(send(Object.fromEntries([[name, text]])), invalid, name);
  await send({ a: { DataType: `Number.${"x".repeat(249)}`, StringValue: "-1.5E+10" } });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /non-empty message attribute type/],
    [{ DataType: `String.${"x".repeat(250)}`, StringValue: "v" }, /type must be shorter/],
    [{ DataType: "Text", StringValue: "v" }, /supported type prefixes/],
    [{ DataType: "String" }, /non-empty value of type 'String'/],
    [{ DataType: "String", StringValue: "" }, /non-empty value of type 'String'/],
    [{ DataType: "String", StringValue: "\0" }, /Invalid characters found/],
    [{ DataType: "Number", StringValue: "one" }, /Can't cast the value/],
    [{ DataType: "Binary", StringValue: "v" }, /non-empty value of type 'Binary'/],
    [{ DataType: "String", StringListValues: ["a"] }, /list values in SendMessage/],
  ];
  for (const [value, message] of wrong) await assert.rejects(send({ a: value }), message);
  const system = (name: string, value: object) =>
    send({}, { MessageSystemAttributes: Object.fromEntries([[name, value]]) });
  await system("AWSTraceHeader", { DataType: "String", StringValue: "Root=1-a" });
  await assert.rejects(system("Other", text), /Message system attribute name 'Other' is invalid/);
  await assert.rejects(
    system("AWSTraceHeader", { DataType: "Number", StringValue: "1" }),
    /must be 'String'/,
  );
});

test("batches have one to ten entries with ids of their own, a mebibyte in all", async () => {
  const { call } = await withQueue();
  const batch = (ids: readonly string[], MessageBody = "a") =>
    call("SendMessageBatch", { QueueUrl, Entries: ids.map((Id) => ({ Id, MessageBody })) });
  const ten = Array.from({ length: 10 }, (_, index) => String(index));
  assert.equal((await batch(ten)).Successful?.length, 10);
  await assert.rejects(batch([]), { name: "EmptyBatchRequest" });
  await assert.rejects(batch([...ten, "10"]), {
    name: "TooManyEntriesInBatchRequest",
    message: "Maximum number of entries per request are 10. You have sent 11.",
  });
  await assert.rejects(batch(["a", "a"]), { name: "BatchEntryIdsNotDistinct" });
  await batch(["a".repeat(80)]);
  for (const id of ["", "a".repeat(81), "a b", "ä"])
    await assert.rejects(batch([id]), { name: "InvalidBatchEntryId" });
  await batch(["a", "b"], "x".repeat(524_288));
  await assert.rejects(batch(["a", "b"], "x".repeat(524_289)), {
    name: "BatchRequestTooLong",
    message: "Batch requests cannot be longer than 1048576 bytes. You have sent 1048578 bytes.",
  });
});

test("receives, visibility and handles are held to their ranges", async () => {
  const { call } = await withQueue();
  const receive = (more: object) => call("ReceiveMessage", { QueueUrl, ...more });
  for (const MaxNumberOfMessages of [0, 11])
    await assert.rejects(receive({ MaxNumberOfMessages }), /Must be between 1 and 10, if provided/);
  for (const WaitTimeSeconds of [-1, 21])
    await assert.rejects(receive({ WaitTimeSeconds }), /Must be >= 0 and <= 20, if provided/);
  for (const VisibilityTimeout of [-1, 43_201])
    await assert.rejects(receive({ VisibilityTimeout }), /Must be >= 0 and <= 43200, if provided/);
  await assert.rejects(receive({ ReceiveRequestAttemptId: "x" }), /not valid for this queue type/);
  await call("CreateQueue", { QueueName: "other" });
  await call("SendMessage", { QueueUrl, MessageBody: "a" });
  const { Messages = [] } = await receive({});
  const handle = Messages[0]?.ReceiptHandle ?? "";
  const flipped = Buffer.from(handle, "base64");
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const forged = [flipped.toString("base64"), `${handle}=`, handle.slice(0, -4), "x", ""];
  const remove = (ReceiptHandle: string, queue = QueueUrl) =>
    call("DeleteMessage", { QueueUrl: queue, ReceiptHandle });
  for (const each of forged) await assert.rejects(remove(each), { name: "ReceiptHandleIsInvalid" });
  await assert.rejects(remove(handle, urlOf("other")), { name: "ReceiptHandleIsInvalid" });
  await remove(handle);
});

test("a queue is found by every form of its address, and by no other", async () => {
  const { call } = await withQueue();
  const id = "123456789012";
  const forms = [
    `http://localhost:4566/${id}/q`,
    `https://sqs.us-east-1.amazonaws.com/${id}/q`,
    `https://sqs.us-east-1.amazonaws.com/${id}/q/`,
    `https://us-east-1.queue.amazonaws.com/${id}/q`,
    `http://queue.localhost:4566/${id}/q`,
    `http://localhost:4566/queue/us-east-1/${id}/q`,
    `/${id}/q`,
    "q",
  ];
  for (const url of forms) await call("ListQueueTags", { QueueUrl: url });
  const others = [
    `https://sqs.eu-central-1.amazonaws.com/${id}/q`,
    `http://localhost/999999999999/q`,
    `http://localhost/${id}/q/more`,
    `http://localhost/a/b/${id}/q`,
    `http://localhost/${id}/`,
    "",
    "q?x=1",
  ];
  for (const url of others)
    await assert.rejects(
      call("ListQueueTags", { QueueUrl: url }),
      { name: "QueueDoesNotExist" },
      url,
    );
});

test("queues are listed in pages by prefix, and a forged token only moves the start", async () => {
  const { call } = setUp();
  for (const QueueName of ["b2", "a1", "b1", "b3", "c"]) await call("CreateQueue", { QueueName });
  const names = (urls: readonly string[] = []) => urls.map((url) => url.split("/").at(-1));
  assert.deepEqual(names((await call("ListQueues", {})).QueueUrls), ["a1", "b1", "b2", "b3", "c"]);
  const first = await call("ListQueues", { QueueNamePrefix: "b", MaxResults: 2 });
  assert.deepEqual(names(first.QueueUrls), ["b1", "b2"]);
  const NextToken = first.NextToken ?? "";
  const second = await call("ListQueues", { QueueNamePrefix: "b", MaxResults: 2, NextToken });
  assert.deepEqual([names(second.QueueUrls), second.NextToken], [["b3"], undefined]);
  assert.deepEqual(await call("ListQueues", { QueueNamePrefix: "x" }), {});
  for (const MaxResults of [0, 1_001])
    await assert.rejects(call("ListQueues", { MaxResults }), /between 1 and 1000/);
  await assert.rejects(call("ListQueues", { NextToken: "!" }), /next token/);
});

test("permissions are statements of the policy, by label", async () => {
  const { call } = await withQueue();
  const add = (Label: string, Actions = ["SendMessage"], AWSAccountIds = ["999999999999"]) =>
    call("AddPermission", { QueueUrl, Label, Actions, AWSAccountIds });
  await add("one");
  await add("two", ["ReceiveMessage", "DeleteMessage"], ["999999999999", "888888888888"]);
  await assert.rejects(add("one"), /Already exists/);
  await assert.rejects(add("x", ["CreateQueue"]), /Value SQS:CreateQueue for parameter ActionName/);
  await assert.rejects(add("x", ["SendMessage"], ["1"]), /PrincipalId/);
  await assert.rejects(add("a b"), /parameter Label/);
  const asked = { QueueUrl, AttributeNames: ["Policy" as const] };
  const { Attributes } = await call("GetQueueAttributes", asked);
  const { Statement } = JSON.parse(Attributes?.Policy ?? "") as { Statement: object[] }; // our own
  assert.deepEqual(Statement[0], {
    Sid: "one",
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::999999999999:root" },
    Action: "SQS:SendMessage",
    Resource: arnOf("q"),
  });
  assert.equal(Statement.length, 2);
  await assert.rejects(call("RemovePermission", { QueueUrl, Label: "x" }), /can't find label/);
  for (const Label of ["one", "two"]) await call("RemovePermission", { QueueUrl, Label });
  assert.deepEqual(await call("GetQueueAttributes", asked), {});
});

test("tags are added, listed and removed, fifty at most", async () => {
  const { call } = await withQueue();
  await call("TagQueue", { QueueUrl, Tags: { a: "1", b: "2" } });
  await call("UntagQueue", { QueueUrl, TagKeys: ["a", "none"] });
  assert.deepEqual(await call("ListQueueTags", { QueueUrl }), { Tags: { b: "2" } });
  const Tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, "x"]));
  await assert.rejects(call("TagQueue", { QueueUrl, Tags }), /at most 50/);
  await assert.rejects(call("TagQueue", { QueueUrl, Tags: { "aws:x": "1" } }), /reserved/);
});
