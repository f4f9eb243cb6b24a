import assert from "node:assert/strict";
import { test } from "node:test";
import { arnOf, setUp, urlOf } from "./testing/set-up.ts";

const QueueUrl = urlOf("q.fifo");

async function withQueue(attributes: Record<string, string> = {}) {
  const made = setUp();
  await made.call("CreateQueue", {
    QueueName: "q.fifo",
    Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true", ...attributes },
  });
  const send = async (group: string, body: string, more = {}) =>
    await made.call("SendMessage", { QueueUrl, MessageBody: body, MessageGroupId: group, ...more });
  const receive = async (more = {}) =>
    (await made.call("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ??
    [];
  const bodies = async (more = {}) => (await receive(more)).map(({ Body }) => Body);
  const remove = async (message: { ReceiptHandle?: string | undefined } | undefined) =>
    await made.call("DeleteMessage", { QueueUrl, ReceiptHandle: message?.ReceiptHandle ?? "" });
  const counts = async () => {
    const { Attributes } = await made.call("GetQueueAttributes", {
      QueueUrl,
      AttributeNames: ["All"],
    });
    return [
      Attributes?.ApproximateNumberOfMessages,
      Attributes?.ApproximateNumberOfMessagesNotVisible,
      Attributes?.ApproximateNumberOfMessagesDelayed,
    ].map(Number);
  };
  return { ...made, send, receive, bodies, remove, counts };
}

test("groups keep their order and are blocked while one of their messages is in flight", async () => {
  const { send, receive, bodies, remove, counts } = await withQueue();
  for (const body of ["a1", "a2", "a3"]) await send("a", body);
  await send("b", "b1");
  const [a1, a2] = await receive({ MaxNumberOfMessages: 2 });
  assert.deepEqual([a1?.Body, a2?.Body], ["a1", "a2"]);
  assert.deepEqual(await bodies(), ["b1"]);
  await remove(a1);
  assert.deepEqual(await bodies(), []);
  assert.deepEqual(await counts(), [1, 2, 0]);
  await remove(a2);
  assert.deepEqual(await bodies(), ["a3"]);
});

test("as many of one group as there are come first, then those of the next", async () => {
  const { send, bodies } = await withQueue();
  for (let index = 0; index < 12; index++) await send(index % 2 === 0 ? "even" : "odd", `${index}`);
  assert.deepEqual(await bodies(), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7].map(String));
});

test("what comes back takes its old place before the group is open again", async () => {
  const { send, receive, bodies, remove, clock, call } = await withQueue({
    VisibilityTimeout: "10",
  });
  for (const body of ["1", "2", "3"]) await send("a", body);
  const [first, second] = await receive({ MaxNumberOfMessages: 2 });
  await call("ChangeMessageVisibility", {
    QueueUrl,
    ReceiptHandle: first?.ReceiptHandle ?? "",
    VisibilityTimeout: 0,
  });
  assert.deepEqual(await bodies(), [], "the second is still in flight");
  await assert.rejects(remove(first), {
    name: "InvalidParameterValue",
    message: `Value ${first?.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
  });
  await clock.advance(10_000);
  await assert.rejects(remove(second), /The receipt handle has expired/);
  assert.deepEqual(await bodies(), ["1", "2", "3"]);
});

test("a message is the same within five minutes, received and deleted or not", async () => {
  const { send, receive, bodies, remove, clock } = await withQueue();
  const first = await send("a", "same");
  const second = await send("a", "same");
  assert.equal(second.MessageId, first.MessageId);
  assert.equal(second.SequenceNumber, first.SequenceNumber);
  assert.match(first.SequenceNumber ?? "", /^\d{20}$/);
  await remove((await receive())[0]);
  await clock.advance(299_999);
  await send("b", "same");
  await send("b", "other", { MessageDeduplicationId: "1" });
  assert.equal(
    (await send("a", "not looked at", { MessageDeduplicationId: "1" })).MD5OfMessageBody,
    "3234f1549626e1af7ec0943567d7e36c",
  );
  assert.deepEqual(await bodies(), ["other"]);
  await clock.advance(1);
  const third = await send("c", "same");
  assert.notEqual(third.MessageId, first.MessageId);
  assert.ok((third.SequenceNumber ?? "") > (first.SequenceNumber ?? ""));
  assert.deepEqual(await bodies(), ["same"]);
});

test("with the group as its scope, another group may use the same id", async () => {
  const { send, bodies } = await withQueue({
    DeduplicationScope: "messageGroup",
    FifoThroughputLimit: "perMessageGroupId",
  });
  for (const group of ["a", "b", "a"]) await send(group, "same");
  assert.deepEqual(await bodies(), ["same", "same"]);
});

test("the queue's delay holds for what is in it already, and nothing overtakes", async () => {
  const { send, bodies, counts, call, clock } = await withQueue({ DelaySeconds: "60" });
  await send("a", "1");
  await clock.advance(10_000);
  await send("a", "2");
  assert.deepEqual(await counts(), [0, 0, 2]);
  const waiting = bodies({ WaitTimeSeconds: 20 });
  await call("SetQueueAttributes", { QueueUrl, Attributes: { DelaySeconds: "15" } });
  await clock.advance(5_000);
  assert.deepEqual(await waiting, ["1"]);
  await call("SetQueueAttributes", { QueueUrl, Attributes: { DelaySeconds: "0" } });
  await send("b", "3");
  assert.deepEqual(await bodies(), ["3"]);
  assert.deepEqual(await counts(), [1, 2, 0]);
});

test("an attempt that is repeated gets the same messages under the same handles", async () => {
  const { send, receive, bodies, remove, clock } = await withQueue({ VisibilityTimeout: "30" });
  for (const body of ["1", "2"]) await send("a", body);
  await send("b", "3");
  const ReceiveRequestAttemptId = "attempt";
  const first = await receive({ ReceiveRequestAttemptId, MaxNumberOfMessages: 2 });
  await clock.advance(20_000);
  const again = await receive({ ReceiveRequestAttemptId, MaxNumberOfMessages: 2 });
  assert.deepEqual(again, first);
  await clock.advance(20_000);
  assert.deepEqual(await bodies(), ["3"], "the timeout began anew");
  for (const message of first) await remove(message);
  assert.deepEqual(await bodies({ ReceiveRequestAttemptId }), []);
});

test("dead letters keep the order of their group", async () => {
  const { send, bodies, call, clock } = await withQueue({ VisibilityTimeout: "1" });
  await call("CreateQueue", { QueueName: "dead.fifo", Attributes: { FifoQueue: "true" } });
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: arnOf("dead.fifo"),
    maxReceiveCount: "1",
  });
  await call("SetQueueAttributes", { QueueUrl, Attributes: { RedrivePolicy } });
  for (const body of ["1", "2", "3"]) await send("a", body);
  assert.deepEqual(await bodies({ MaxNumberOfMessages: 2 }), ["1", "2"]);
  await clock.advance(1_000);
  assert.deepEqual(await bodies(), ["3"]);
  const { Messages = [] } = await call("ReceiveMessage", {
    QueueUrl: urlOf("dead.fifo"),
    MaxNumberOfMessages: 10,
    MessageSystemAttributeNames: ["MessageGroupId"],
  });
  assert.deepEqual(
    Messages.map(({ Body, Attributes }) => [Body, Attributes?.MessageGroupId]),
    [
      ["1", "a"],
      ["2", "a"],
    ],
  );
});

test("expired messages open their group, purged ones their ids", async () => {
  const { send, bodies, counts, call, clock } = await withQueue({ MessageRetentionPeriod: "60" });
  await send("a", "old");
  await clock.advance(59_000);
  await send("a", "young");
  await clock.advance(1_000);
  assert.deepEqual(await counts(), [1, 0, 0]);
  assert.deepEqual(await bodies(), ["young"]);
  await call("PurgeQueue", { QueueUrl });
  const before = await send("b", "young");
  assert.deepEqual(await bodies(), ["young"]);
  assert.ok(Number(before.SequenceNumber) > 0);
});
