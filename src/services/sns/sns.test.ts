import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { keys } from "./records.ts";
import { queueArnOf, setUp, topicArnOf } from "./testing/set-up.ts";

const TopicArn = topicArnOf("t");

async function withTopic(...queues: readonly string[]) {
  const made = setUp();
  await made.call("CreateTopic", { Name: "t" });
  const subscribe = async (queue: string, Attributes = {}) => {
    const input = { TopicArn, Protocol: "sqs", Endpoint: queueArnOf(queue), Attributes };
    return (await made.call("Subscribe", input)).SubscriptionArn ?? "";
  };
  for (const queue of queues) await subscribe(queue);
  const publish = (Message: string, more = {}) =>
    made.call("Publish", { TopicArn, Message, ...more });
  return { ...made, subscribe, publish };
}

test("a queue gets the envelope, signed by a key of the installation", async () => {
  const { publish, arrivals, store, outbox } = await withTopic("q");
  await using _ = outbox;
  const MessageAttributes = { n: { DataType: "Number", StringValue: "1" } };
  const { MessageId = "" } = await publish("hello", { Subject: "greeting", MessageAttributes });
  const [arrival] = await arrivals();
  assert.equal(arrival?.to, "q");
  const { Signature, UnsubscribeURL, ...envelope } = JSON.parse(arrival.text) as Record<
    string,
    string
  >; // our own
  assert.deepEqual(envelope, {
    Type: "Notification",
    MessageId,
    TopicArn,
    Subject: "greeting",
    Message: "hello",
    Timestamp: "2026-11-25T10:00:00.000Z",
    SignatureVersion: "1",
    SigningCertURL: "http://localhost:4566/SimpleNotificationService.pem",
    MessageAttributes: { n: { Type: "Number", Value: "1" } },
  });
  assert.match(UnsubscribeURL ?? "", /\?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:/);
  const pem = await store.read((reader) => reader.get(keys.signingKey));
  const signed = `Message\nhello\nMessageId\n${MessageId}\nSubject\ngreeting\nTimestamp\n2026-11-25T10:00:00.000Z\nTopicArn\n${TopicArn}\nType\nNotification\n`;
  const key = createPublicKey(Buffer.from(pem ?? []));
  assert.ok(verify("sha1", Buffer.from(signed), key, Buffer.from(Signature ?? "", "base64")));
  assert.equal(arrival.record.attributes, undefined);
  assert.equal(arrival.record.trace?.traceId, "1-67891233-abcdef012345678912345678");
});

test("raw delivery is the text with the attributes beside it", async () => {
  const { publish, arrivals, subscribe, outbox } = await withTopic();
  await using _ = outbox;
  await subscribe("q", { RawMessageDelivery: "true" });
  const bytes = Uint8Array.of(0, 1);
  await publish("hello", { MessageAttributes: { b: { DataType: "Binary", BinaryValue: bytes } } });
  const [arrival] = await arrivals();
  assert.equal(arrival?.text, "hello");
  assert.deepEqual(arrival.record.attributes, { b: { type: "Binary", value: "AAE=" } });
});

test("a function gets the event of the guide", async () => {
  const { call, publish, arrivals, outbox } = await withTopic();
  await using _ = outbox;
  const Endpoint = "arn:aws:lambda:us-east-1:123456789012:function:f";
  const { SubscriptionArn } = await call("Subscribe", { TopicArn, Protocol: "lambda", Endpoint });
  const { MessageId } = await publish("hello");
  const [arrival] = await arrivals();
  const { Records } = JSON.parse(arrival?.text ?? "") as {
    Records: { Sns: Record<string, unknown> }[];
  }; // our own
  const { Sns: { Signature, UnsubscribeUrl, ...notification } = {}, ...record } = Records[0] ?? {};
  assert.deepEqual(record, {
    EventSource: "aws:sns",
    EventVersion: "1.0",
    EventSubscriptionArn: SubscriptionArn,
  });
  assert.deepEqual(notification, {
    Type: "Notification",
    MessageId,
    TopicArn,
    Subject: null,
    Message: "hello",
    Timestamp: "2026-11-25T10:00:00.000Z",
    SignatureVersion: "1",
    SigningCertUrl: "http://localhost:4566/SimpleNotificationService.pem",
    MessageAttributes: {},
  });
  assert.ok(Signature);
  assert.ok(UnsubscribeUrl);
});

test("each subscription gets what its filter policy lets through, by attributes or by body", async () => {
  const { publish, arrivals, subscribe, call, outbox } = await withTopic();
  await using _ = outbox;
  const raw = { RawMessageDelivery: "true" };
  await subscribe("all", raw);
  const arn = await subscribe("red", { ...raw, FilterPolicy: '{"colour":["red"]}' });
  const byBody = {
    FilterPolicy: '{"price":[{"numeric":[">",5]}]}',
    FilterPolicyScope: "MessageBody",
  };
  await subscribe("dear", { ...raw, ...byBody });
  const colour = (StringValue: string) => ({
    MessageAttributes: { colour: { DataType: "String", StringValue } },
  });
  const to = async () =>
    (await arrivals()).map((each) => each.to).toSorted((a = "", b = "") => (a < b ? -1 : 1));
  await publish('{"price":6}', colour("red"));
  assert.deepEqual(await to(), ["all", "dear", "red"]);
  await publish('{"price":5}', colour("blue"));
  assert.deepEqual(await to(), ["all"]);
  const change = (AttributeValue: string) =>
    call("SetSubscriptionAttributes", {
      SubscriptionArn: arn,
      AttributeName: "FilterPolicy",
      AttributeValue,
    });
  await change('{"colour":["blue"]}');
  await publish("x", colour("blue"));
  assert.deepEqual(await to(), ["all", "red"]);
  await assert.rejects(change("no json"), {
    name: "InvalidParameterException",
    message: /^Invalid parameter: FilterPolicy: /,
  });
  await assert.rejects(change('{"a":{"b":["c"]}}'), /nested/);
});

test("a message may have a text for each protocol", async () => {
  const { publish, arrivals, subscribe, outbox } = await withTopic();
  await using _ = outbox;
  await subscribe("q", { RawMessageDelivery: "true" });
  const json = { MessageStructure: "json" };
  await publish('{"default":"all","sqs":"queues","lambda":5}', json);
  assert.deepEqual(
    (await arrivals()).map(({ text }) => text),
    ["queues"],
  );
  await assert.rejects(publish('{"sqs":"x"}', json), /No default entry in JSON message body/);
  await assert.rejects(publish("{", json), /JSON message body failed to parse/);
});

test("a queue that does not take it is tried again, and one that is gone leaves it to the dead letters", async () => {
  const { publish, arrivals, subscribe, clock, refusing, gone, outbox } = await withTopic();
  await using _ = outbox;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: queueArnOf("dead") });
  await subscribe("q", { RedrivePolicy, RawMessageDelivery: "true" });
  refusing.add(queueArnOf("q"));
  await publish("late");
  assert.deepEqual(await arrivals(), []);
  refusing.delete(queueArnOf("q"));
  for (let second = 0; second < 5; second++) await clock.advance(1_000);
  assert.deepEqual(
    (await arrivals()).map(({ to }) => to),
    ["q"],
  );
  gone.add(queueArnOf("q"));
  await publish("lost");
  const [dead] = await arrivals();
  assert.deepEqual([dead?.to, dead?.text], ["dead", "lost"]);
  assert.equal(dead?.record.attributes?.["ErrorCode"]?.type, "String");
});

test("FIFO topics number their messages, drop duplicates and hand on group and id", async () => {
  const { call, arrivals, clock, outbox } = setUp();
  await using _ = outbox;
  const fifo = topicArnOf("t.fifo");
  const Attributes = { FifoTopic: "true", ContentBasedDeduplication: "true" };
  await call("CreateTopic", { Name: "t.fifo", Attributes });
  await call("Subscribe", { TopicArn: fifo, Protocol: "sqs", Endpoint: queueArnOf("q.fifo") });
  const publish = (Message: string, more = {}) =>
    call("Publish", { TopicArn: fifo, Message, MessageGroupId: "g", ...more });
  const first = await publish("one");
  assert.deepEqual(await publish("one"), first);
  const second = await publish("two", { MessageDeduplicationId: "d" });
  assert.ok((second.SequenceNumber ?? "") > (first.SequenceNumber ?? ""));
  const got = await arrivals();
  assert.deepEqual(
    got.map(({ text, record }) => {
      const { Message, SequenceNumber, Signature } = JSON.parse(text) as Record<string, string>; // our own
      return [Message, SequenceNumber, Signature, record.group];
    }),
    [
      ["one", first.SequenceNumber, undefined, "g"],
      ["two", second.SequenceNumber, undefined, "g"],
    ],
  );
  assert.equal(got[1]?.record.deduplicationId, "d");
  await clock.advance(300_000);
  assert.notEqual((await publish("one")).MessageId, first.MessageId);
  await assert.rejects(
    publish("x", { MessageGroupId: undefined }),
    /MessageGroupId parameter is required/,
  );
});

test("batches tell what became of each entry", async () => {
  const { call, arrivals, outbox } = await withTopic("q");
  await using _ = outbox;
  const batch = (entries: readonly object[]) =>
    call("PublishBatch", {
      TopicArn,
      PublishBatchRequestEntries: entries as { Id: string; Message: string }[], // wrong on purpose
    });
  const { Successful, Failed } = await batch([
    { Id: "1", Message: "one" },
    { Id: "2", Message: "" },
    { Id: "3", Message: "three", MessageDeduplicationId: "x" },
  ]);
  assert.deepEqual(
    Successful?.map(({ Id }) => Id),
    ["1"],
  );
  assert.deepEqual(
    Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
    [
      ["2", "InvalidParameter", true],
      ["3", "InvalidParameter", true],
    ],
  );
  assert.equal((await arrivals()).length, 1);
  const eleven = Array.from({ length: 11 }, (_each, index) => ({ Id: `${index}`, Message: "x" }));
  await batch(eleven.slice(1));
  await assert.rejects(batch(eleven), { name: "TooManyEntriesInBatchRequestException" });
  await assert.rejects(batch([]), { name: "EmptyBatchRequestException" });
  await assert.rejects(
    batch([
      { Id: "a", Message: "x" },
      { Id: "a", Message: "x" },
    ]),
    { name: "BatchEntryIdsNotDistinctException" },
  );
  await assert.rejects(batch([{ Id: "a b", Message: "x" }]), {
    name: "InvalidBatchEntryIdException",
  });
  const half = "x".repeat(131_072);
  await batch([
    { Id: "a", Message: half },
    { Id: "b", Message: half },
  ]);
  await assert.rejects(
    batch([
      { Id: "a", Message: half },
      { Id: "b", Message: `${half}x` },
    ]),
    { name: "BatchRequestTooLongException" },
  );
});

test("topics and subscriptions are found, changed and removed", async () => {
  const { call, publish, arrivals, outbox } = await withTopic("q");
  await using _ = outbox;
  assert.equal((await call("CreateTopic", { Name: "t" })).TopicArn, TopicArn);
  await assert.rejects(
    call("CreateTopic", { Name: "t", Attributes: { DisplayName: "x" } }),
    /different attributes/,
  );
  const input = { TopicArn, Protocol: "sqs", Endpoint: queueArnOf("q") };
  const { SubscriptionArn = "" } = await call("Subscribe", input);
  await assert.rejects(
    call("Subscribe", { ...input, Attributes: { RawMessageDelivery: "true" } }),
    /different attributes/,
  );
  const { Subscriptions } = await call("ListSubscriptionsByTopic", { TopicArn });
  assert.deepEqual(
    Subscriptions?.map((each) => each.SubscriptionArn),
    [SubscriptionArn],
  );
  assert.deepEqual((await call("ListSubscriptions", {})).Subscriptions, Subscriptions);
  const { Attributes } = await call("GetTopicAttributes", { TopicArn });
  assert.deepEqual(
    [Attributes?.["SubscriptionsConfirmed"], Attributes?.["Owner"]],
    ["1", "123456789012"],
  );
  const shown = await call("GetSubscriptionAttributes", { SubscriptionArn });
  assert.equal(shown.Attributes?.["PendingConfirmation"], "false");
  await call("TagResource", { ResourceArn: TopicArn, Tags: [{ Key: "a", Value: "1" }] });
  assert.deepEqual((await call("ListTagsForResource", { ResourceArn: TopicArn })).Tags, [
    { Key: "a", Value: "1" },
  ]);
  await call("Unsubscribe", { SubscriptionArn });
  await publish("nobody hears it");
  assert.deepEqual(await arrivals(), []);
  await assert.rejects(call("GetSubscriptionAttributes", { SubscriptionArn }), {
    name: "NotFoundException",
    message: "Subscription does not exist",
  });
  await call("DeleteTopic", { TopicArn });
  await call("DeleteTopic", { TopicArn });
  await assert.rejects(publish("x"), {
    name: "NotFoundException",
    message: "Topic does not exist",
  });
});

test("what is out of range is refused, what is not hosted says so", async () => {
  const { call, publish, outbox } = await withTopic();
  await using _ = outbox;
  for (const Name of ["", "a b", "a".repeat(257), "a.fifo", "ä"])
    await assert.rejects(call("CreateTopic", { Name }), /Topic Name/, Name);
  await call("CreateTopic", { Name: "a".repeat(256) });
  await publish("x".repeat(262_144));
  for (const message of ["", "x".repeat(262_145)])
    await assert.rejects(publish(message), /Invalid parameter/);
  for (const Subject of ["", " x", "é", "a\nb", "x".repeat(101)])
    await assert.rejects(publish("x", { Subject }), /Invalid parameter: Subject/);
  await publish("x", { Subject: "x".repeat(100) });
  await assert.rejects(
    publish("x", { MessageDeduplicationId: "d" }),
    /not valid for this topic type/,
  );
  await assert.rejects(publish("x", { MessageAttributes: { a: { DataType: "Text" } } }), {
    name: "InvalidParameterValueException",
  });
  const subscribe = (Protocol: string, Endpoint: string) =>
    call("Subscribe", { TopicArn, Protocol, Endpoint });
  await assert.rejects(
    subscribe("https", "https://example.com"),
    /protocol https are not supported by Skerry/,
  );
  await assert.rejects(subscribe("pigeon", "x"), /does not support this protocol string: pigeon/);
  await assert.rejects(subscribe("sqs", "x"), /SQS endpoint ARN/);
  await assert.rejects(
    subscribe("sqs", queueArnOf("q.fifo")),
    /FIFO SQS Queues can not be subscribed/,
  );
  await assert.rejects(
    call("Publish", { TopicArn: "x", Message: "x" }),
    /Invalid parameter: TopicArn/,
  );
  await assert.rejects(
    call("Publish", { PhoneNumber: "+1", Message: "x" }),
    /not supported by Skerry/,
  );
});

test("topics are targets of other services, and in strict mode their policy decides", async () => {
  const { call, sns, arrivals, contextOf, outbox } = setUp("strict");
  await using _ = outbox;
  await call("CreateTopic", { Name: "t" });
  await call("Subscribe", {
    TopicArn,
    Protocol: "sqs",
    Endpoint: queueArnOf("q"),
    Attributes: { RawMessageDelivery: "true" },
  });
  const target = sns.target(TopicArn);
  assert.ok(target);
  const origin = {
    service: "s3.amazonaws.com",
    arn: "arn:aws:s3:::b",
    accountId: "123456789012",
    region: "us-east-1",
  };
  const deliver = () => target.deliver([{ id: "1", event: Buffer.from("x") }], contextOf(), origin);
  await assert.rejects(deliver(), { name: "AuthorizationErrorException" });
  const Statement = {
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "SNS:Publish",
    Resource: TopicArn,
  };
  await call("SetTopicAttributes", {
    TopicArn,
    AttributeName: "Policy",
    AttributeValue: JSON.stringify({ Statement }),
  });
  assert.deepEqual(await deliver(), new Set());
  assert.deepEqual(
    (await arrivals()).map(({ text }) => text),
    ["x"],
  );
  const stranger = contextOf("999999999999");
  const publish = () => call("Publish", { TopicArn, Message: "y" }, stranger);
  await assert.rejects(publish(), { name: "AuthorizationErrorException" });
  await call("AddPermission", {
    TopicArn,
    Label: "l",
    AWSAccountId: ["999999999999"],
    ActionName: ["Publish"],
  });
  await publish();
  await call("RemovePermission", { TopicArn, Label: "l" });
  await assert.rejects(publish(), { name: "AuthorizationErrorException" });
  await assert.rejects(
    sns.target(topicArnOf("none"))?.deliver([{ id: "1", event: Buffer.from("x") }], contextOf()) ??
      Promise.resolve(),
    { code: "target.unknown" },
  );
});
