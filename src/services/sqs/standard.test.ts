import assert from "node:assert/strict";
import { test } from "node:test";
import { arnOf, setUp, startMs, turns, urlOf } from "./testing/set-up.ts";

const QueueUrl = urlOf("q");
/** The timer of the sweep is always there. */
const sweeps = 1;

async function withQueue(attributes: Record<string, string> = {}) {
  const made = setUp();
  await made.call("CreateQueue", { QueueName: "q", Attributes: attributes });
  const send = async (body: string, more = {}) =>
    await made.call("SendMessage", { QueueUrl, MessageBody: body, ...more });
  const receive = async (more = {}) =>
    (await made.call("ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ??
    [];
  const bodies = async (more = {}) => (await receive(more)).map(({ Body }) => Body);
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
  return { ...made, send, receive, bodies, counts };
}

test("a message is received, invisible until its timeout is over, received again and deleted", async () => {
  const { send, receive, bodies, counts, call, clock } = await withQueue();
  const sent = await send("hello");
  assert.equal(sent.MD5OfMessageBody, "5d41402abc4b2a76b9719d911017c592");
  assert.deepEqual(await counts(), [1, 0, 0]);
  const [first] = await receive({ AttributeNames: ["All"] });
  assert.equal(first?.MessageId, sent.MessageId);
  assert.deepEqual(first?.Attributes, {
    ApproximateReceiveCount: "1",
    SentTimestamp: String(startMs),
    SenderId: "123456789012",
    ApproximateFirstReceiveTimestamp: String(startMs),
  });
  assert.deepEqual(await bodies(), []);
  assert.deepEqual(await counts(), [0, 1, 0]);
  await clock.advance(29_999);
  assert.deepEqual(await bodies(), []);
  await clock.advance(1);
  const [second] = await receive({ AttributeNames: ["All"] });
  assert.equal(second?.Attributes?.ApproximateReceiveCount, "2");
  assert.equal(second?.Attributes?.ApproximateFirstReceiveTimestamp, String(startMs));
  // An old receipt deletes nothing, and says nothing.
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: first?.ReceiptHandle ?? "" });
  assert.deepEqual(await counts(), [0, 1, 0]);
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: second?.ReceiptHandle ?? "" });
  assert.deepEqual(await counts(), [0, 0, 0]);
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: second?.ReceiptHandle ?? "" });
});

test("a receipt is good after its timeout as long as nobody else has received the message", async () => {
  const { send, receive, counts, call, clock } = await withQueue();
  await send("a");
  const [message] = await receive();
  await clock.advance(60_000);
  assert.deepEqual(await counts(), [1, 0, 0]);
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: message?.ReceiptHandle ?? "" });
  assert.deepEqual(await counts(), [0, 0, 0]);
});

test("a changed visibility counts from the change, ends at twelve hours, and zero ends it", async () => {
  const { send, receive, bodies, call, clock } = await withQueue({ VisibilityTimeout: "10" });
  await send("a");
  const [message] = await receive();
  const ReceiptHandle = message?.ReceiptHandle ?? "";
  const change = async (VisibilityTimeout: number) =>
    await call("ChangeMessageVisibility", { QueueUrl, ReceiptHandle, VisibilityTimeout });
  await clock.advance(5_000);
  await change(20);
  await change(40);
  await clock.advance(39_999);
  assert.deepEqual(await bodies(), []);
  await assert.rejects(
    change(43_200),
    /Total VisibilityTimeout for the message is beyond the limit/,
  );
  await change(0);
  await assert.rejects(change(5), { name: "MessageNotInflight" });
  assert.deepEqual(await bodies(), ["a"]);
  await assert.rejects(change(5), /Message does not exist or is not available for visibility/);
});

test("delays of messages go before the queue's, which is not retroactive", async () => {
  const { send, bodies, counts, call, clock } = await withQueue({ DelaySeconds: "10" });
  await send("queue");
  await send("own", { DelaySeconds: 5 });
  await send("none", { DelaySeconds: 0 });
  assert.deepEqual(await counts(), [1, 0, 2]);
  await call("SetQueueAttributes", { QueueUrl, Attributes: { DelaySeconds: "0" } });
  assert.deepEqual(await bodies(), ["none"]);
  await clock.advance(5_000);
  assert.deepEqual(await bodies(), ["own"]);
  await clock.advance(5_000);
  assert.deepEqual(await bodies(), ["queue"]);
});

test("messages end with the retention period, wherever they are", async () => {
  const { send, receive, counts, call, clock } = await withQueue({
    MessageRetentionPeriod: "60",
    VisibilityTimeout: "100",
  });
  await send("received");
  await receive();
  await send("waiting");
  await clock.advance(59_000);
  await send("young");
  await clock.advance(1_000);
  const left = await receive();
  assert.deepEqual(
    left.map(({ Body }) => Body),
    ["young"],
  );
  await clock.advance(40_000);
  assert.deepEqual(await counts(), [0, 1, 0]);
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: left[0]?.ReceiptHandle ?? "" });
  assert.deepEqual(await counts(), [0, 0, 0]);
});

test("one who waits gets the message in the moment it is sent, due or given back, and nothing at the end", async () => {
  const { send, receive, call, clock } = await withQueue();
  const first = receive({ WaitTimeSeconds: 20 });
  await send("sent");
  const [sent] = await first;
  assert.equal(sent?.Body, "sent");
  const second = receive({ WaitTimeSeconds: 20 });
  await turns();
  await call("ChangeMessageVisibility", {
    QueueUrl,
    ReceiptHandle: sent?.ReceiptHandle ?? "",
    VisibilityTimeout: 0,
  });
  assert.equal((await second)[0]?.Body, "sent");
  await send("delayed", { DelaySeconds: 15 });
  const third = receive({ WaitTimeSeconds: 20 });
  await clock.advance(15_000);
  assert.equal((await third)[0]?.Body, "delayed");
  const fourth = receive({ WaitTimeSeconds: 10 });
  await turns();
  await clock.advance(10_000);
  assert.deepEqual(await fourth, []);
  assert.equal(clock.pendingCount, sweeps);
});

test("one who hangs up takes no message and leaves no timer", async () => {
  const { send, bodies, call, clock, contextOf } = await withQueue({
    ReceiveMessageWaitTimeSeconds: "20",
  });
  const caller = new AbortController();
  const context = contextOf(undefined, caller.signal);
  const waiting = call("ReceiveMessage", { QueueUrl }, context);
  await turns();
  assert.equal(clock.pendingCount, sweeps + 1);
  caller.abort(new Error("hung up"));
  assert.deepEqual(await waiting, {});
  assert.equal(clock.pendingCount, sweeps);
  await send("a");
  assert.deepEqual(await bodies(), ["a"]);
});

test("many receivers at once never get the same message", async () => {
  const { send, receive, counts } = await withQueue();
  await Promise.all(Array.from({ length: 200 }, (_, index) => send(String(index))));
  const got = await Promise.all(
    Array.from({ length: 40 }, () => receive({ MaxNumberOfMessages: 5 })),
  );
  const all = got.flat().map(({ Body }) => Number(Body));
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    Array.from({ length: 200 }, (_, index) => index),
  );
  assert.deepEqual(await counts(), [0, 200, 0]);
});

test("a timeout of zero gives the message to each receiver in turn, and once to one", async () => {
  const { send, bodies, counts } = await withQueue({ VisibilityTimeout: "0" });
  await send("a");
  await send("b");
  assert.deepEqual(await bodies(), ["a", "b"]);
  assert.deepEqual(await bodies(), ["a", "b"]);
  assert.deepEqual(await counts(), [2, 0, 0]);
});

test("what was received too often becomes a dead letter, and can be moved on from there", async () => {
  const { send, receive, bodies, counts, call, clock } = await withQueue({
    VisibilityTimeout: "1",
  });
  await call("CreateQueue", { QueueName: "dead" });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf("dead"), maxReceiveCount: 2 });
  await call("SetQueueAttributes", { QueueUrl, Attributes: { RedrivePolicy } });
  const sources = await call("ListDeadLetterSourceQueues", { QueueUrl: urlOf("dead") });
  assert.deepEqual(sources.queueUrls, [QueueUrl]);
  const sent = await send("poison", {
    MessageAttributes: { a: { DataType: "Number", StringValue: "1" } },
  });
  const deadLetters = call("ReceiveMessage", {
    QueueUrl: urlOf("dead"),
    WaitTimeSeconds: 20,
    AttributeNames: ["All"],
    MessageAttributeNames: ["All"],
  });
  for (let round = 0; round < 2; round++) {
    assert.equal((await receive())[0]?.MessageId, sent.MessageId);
    await clock.advance(1_000);
  }
  assert.deepEqual(await bodies(), []);
  const [dead] = (await deadLetters).Messages ?? [];
  assert.equal(dead?.MessageId, sent.MessageId);
  assert.equal(dead?.Attributes?.DeadLetterQueueSourceArn, arnOf("q"));
  assert.equal(dead?.Attributes?.SentTimestamp, String(startMs));
  assert.equal(dead?.Attributes?.ApproximateReceiveCount, "3");
  assert.deepEqual(dead?.MessageAttributes, { a: { DataType: "Number", StringValue: "1" } });
  assert.deepEqual(await counts(), [0, 0, 0]);

  const { TaskHandle } = await call("StartMessageMoveTask", { SourceArn: arnOf("dead") });
  assert.ok(TaskHandle);
  await clock.advance(30_000); // the dead letter has been received above
  await assert.rejects(call("StartMessageMoveTask", { SourceArn: arnOf("q") }), {
    name: "InvalidParameterValue",
    message: "Source queue must be configured as a Dead Letter Queue.",
  });
  await call("StartMessageMoveTask", { SourceArn: arnOf("dead") });
  const [moved] = await receive({ WaitTimeSeconds: 20, AttributeNames: ["All"] });
  assert.equal(moved?.Body, "poison");
  assert.notEqual(moved?.MessageId, sent.MessageId);
  assert.equal(moved?.Attributes?.ApproximateReceiveCount, "1");
  assert.equal(moved?.Attributes?.SentTimestamp, String(clock.nowMs()));
});

test("a purge empties the queue at once, whatever state its messages are in, once in a minute", async () => {
  const { send, receive, bodies, counts, call, clock } = await withQueue();
  await send("in flight");
  const [message] = await receive();
  await send("visible");
  await send("delayed", { DelaySeconds: 100 });
  await call("PurgeQueue", { QueueUrl });
  assert.deepEqual(await counts(), [0, 0, 0]);
  await call("DeleteMessage", { QueueUrl, ReceiptHandle: message?.ReceiptHandle ?? "" });
  await assert.rejects(call("PurgeQueue", { QueueUrl }), {
    name: "PurgeQueueInProgress",
    message: "Only one PurgeQueue operation on q is allowed every 60 seconds.",
  });
  await send("new");
  assert.deepEqual(await bodies(), ["new"]);
  await clock.advance(60_000);
  await call("PurgeQueue", { QueueUrl });
});

test("a queue that is deleted answers those who wait, and its successor is another queue", async () => {
  const { send, receive, call } = await withQueue();
  await send("a");
  const [message] = await receive();
  const waiting = receive({ WaitTimeSeconds: 20 });
  await turns();
  await call("DeleteQueue", { QueueUrl });
  await assert.rejects(waiting, { name: "QueueDoesNotExist" });
  await assert.rejects(send("b"), {
    name: "QueueDoesNotExist",
    message: "The specified queue does not exist.",
  });
  await call("CreateQueue", { QueueName: "q" });
  assert.deepEqual(await receive(), []);
  await assert.rejects(
    call("DeleteMessage", { QueueUrl, ReceiptHandle: message?.ReceiptHandle ?? "" }),
    { name: "ReceiptHandleIsInvalid" },
  );
});
