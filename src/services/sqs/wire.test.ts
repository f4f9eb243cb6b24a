import assert from "node:assert/strict";
import { test } from "node:test";
import * as sqs from "@aws-sdk/client-sqs";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { serve } from "#protocol/testing/serve.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createSqs } from "./sqs.ts";
import { accountId, region } from "./testing/set-up.ts";

async function setUp() {
  const made = createSqs({
    store: createMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
    mode: "open",
    isShared: false,
  });
  const loader = {
    name: "sqs",
    signingName: "sqs",
    endpointPrefix: "sqs",
    targetPrefix: "AmazonSQS",
    load: async () => made.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new sqs.SQSClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: accountId, secretAccessKey: "x" },
    maxAttempts: 1,
  });
  const query = async (fields: Record<string, string>, path = "/") => {
    const scope = `${accountId}/20260301/${region}/sqs/aws4_request`;
    const answer = await fetch(`${server.endpoint}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`,
      },
      body: new URLSearchParams({ Version: "2012-11-05", ...fields }).toString(),
    });
    return { status: answer.status, text: await answer.text() };
  };
  return { made, server, client, query };
}

test("the SDK's client, which checks every MD5, sends, receives, changes and deletes", async () => {
  const { made, server, client } = await setUp();
  await using _ = server;
  await using __ = made;
  const { QueueUrl } = await client.send(
    new sqs.CreateQueueCommand({ QueueName: "q", tags: { team: "a" } }),
  );
  assert.equal(QueueUrl, `${server.endpoint}/${accountId}/q`);
  const bytes = Uint8Array.of(0, 1, 255);
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "naïve ✓" },
    "number.1": { DataType: "Number.int", StringValue: "-1.5e3" },
    bytes: { DataType: "Binary.png", BinaryValue: bytes },
  };
  const sent = await client.send(
    new sqs.SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "1", MessageBody: "one", MessageAttributes },
        { Id: "2", MessageBody: "" },
        { Id: "3", MessageBody: "three", DelaySeconds: 901 },
        { Id: "4", MessageBody: "four \u{1f30a}" },
      ],
    }),
  );
  assert.deepEqual(
    sent.Successful?.map(({ Id }) => Id),
    ["1", "4"],
  );
  assert.deepEqual(
    sent.Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
    [
      ["2", "MissingParameter", true],
      ["3", "InvalidParameterValue", true],
    ],
  );
  const { Messages = [] } = await client.send(
    new sqs.ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ["All"],
      MessageSystemAttributeNames: ["All"],
    }),
  );
  assert.deepEqual(
    Messages.map(({ Body }) => Body),
    ["one", "four \u{1f30a}"],
  );
  assert.deepEqual(Messages[0]?.MessageAttributes, MessageAttributes);
  const handles = Messages.map(({ ReceiptHandle }) => ReceiptHandle ?? "");
  assert.match(handles[0] ?? "", /^AQEB/);
  const changed = await client.send(
    new sqs.ChangeMessageVisibilityBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "a", ReceiptHandle: handles[0], VisibilityTimeout: 100 },
        { Id: "b", ReceiptHandle: "forged", VisibilityTimeout: 100 },
      ],
    }),
  );
  assert.deepEqual(
    [changed.Successful?.length, changed.Failed?.[0]?.Code],
    [1, "ReceiptHandleIsInvalid"],
  );
  const deleted = await client.send(
    new sqs.DeleteMessageBatchCommand({
      QueueUrl,
      Entries: handles.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
    }),
  );
  assert.equal(deleted.Successful?.length, 2);
  const { Attributes } = await client.send(
    new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  assert.equal(Attributes?.ApproximateNumberOfMessages, "0");
  assert.equal(Attributes?.QueueArn, `arn:aws:sqs:${region}:${accountId}:q`);
  client.destroy();
});

test("errors are the SDK's classes with the service's status", async () => {
  const { made, server, client } = await setUp();
  await using _ = server;
  await using __ = made;
  await assert.rejects(client.send(new sqs.GetQueueUrlCommand({ QueueName: "none" })), (error) => {
    assert.ok(error instanceof sqs.QueueDoesNotExist);
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });
  const { QueueUrl } = await client.send(new sqs.CreateQueueCommand({ QueueName: "q" }));
  const differing = { QueueName: "q", Attributes: { DelaySeconds: "5" } };
  await assert.rejects(client.send(new sqs.CreateQueueCommand(differing)), sqs.QueueNameExists);
  await assert.rejects(
    client.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: "forged" })),
    sqs.ReceiptHandleIsInvalid,
  );
  await assert.rejects(
    client.send(new sqs.SendMessageBatchCommand({ QueueUrl, Entries: [] })),
    sqs.EmptyBatchRequest,
  );
  await assert.rejects(client.send(new sqs.ReceiveMessageCommand({ QueueUrl: undefined })), {
    name: "MissingParameter",
    message: "The request must contain the parameter QueueUrl.",
  });
  client.destroy();
});

test("a message of a whole mebibyte passes, in both protocols, and one byte more does not", async () => {
  const { made, server, client, query } = await setUp();
  await using _ = server;
  await using __ = made;
  const { QueueUrl = "" } = await client.send(new sqs.CreateQueueCommand({ QueueName: "q" }));
  const MessageBody = "%".repeat(1_048_576);
  await client.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody }));
  await assert.rejects(
    client.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: `${MessageBody}x` })),
    /One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes./,
  );
  const sent = await query({ Action: "SendMessage", QueueUrl, MessageBody });
  assert.equal(sent.status, 200, sent.text.slice(0, 500));
  const { Messages } = await client.send(
    new sqs.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
  );
  assert.deepEqual(
    Messages?.map(({ Body }) => Body === MessageBody),
    [true, true],
  );
  client.destroy();
});

test("the Query protocol answers in XML, finds the queue by the path, and has the old codes", async () => {
  const { made, server, query } = await setUp();
  await using _ = server;
  await using __ = made;
  const created = await query({
    Action: "CreateQueue",
    QueueName: "q",
    "Attribute.1.Name": "VisibilityTimeout",
    "Attribute.1.Value": "7",
    "Tag.1.Key": "team",
    "Tag.1.Value": "a",
  });
  assert.match(created.text, new RegExp(`<QueueUrl>${server.endpoint}/${accountId}/q</QueueUrl>`));
  assert.match(created.text, /xmlns="http:\/\/queue.amazonaws.com\/doc\/2012-11-05\/"/);
  const sent = await query(
    {
      Action: "SendMessage",
      MessageBody: "a & b",
      "MessageAttribute.1.Name": "n",
      "MessageAttribute.1.Value.DataType": "String",
      "MessageAttribute.1.Value.StringValue": "v",
    },
    `/${accountId}/q`,
  );
  assert.match(sent.text, /<MD5OfMessageAttributes>[0-9a-f]{32}</);
  const got = await query(
    { Action: "ReceiveMessage", "AttributeName.1": "All", "MessageAttributeName.1": "All" },
    `/${accountId}/q`,
  );
  assert.match(got.text, /<Body>a &amp; b<\/Body>/);
  assert.match(got.text, /<Attribute><Name>ApproximateReceiveCount<\/Name><Value>1<\/Value>/);
  const missing = await query({ Action: "GetQueueUrl", QueueName: "none" });
  assert.equal(missing.status, 400);
  assert.match(missing.text, /<Code>AWS.SimpleQueueService.NonExistentQueue<\/Code>/);
});
