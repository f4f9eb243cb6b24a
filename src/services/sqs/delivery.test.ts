import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import type { DeliveryOrigin, QueueSource, Target } from "#events/events.ts";
import { openLmdbStore } from "#storage/drivers/lmdb/lmdb.ts";
import { arnOf, setUp, startMs, turns, urlOf } from "./testing/set-up.ts";

type Made = ReturnType<typeof setUp>;

function endsOf(made: Made, name: string): { target: Target; source: QueueSource } {
  const [target, source] = [made.target(arnOf(name)), made.source(arnOf(name))];
  assert.ok(target && source?.kind === "queue");
  return { target, source };
}

const event = Buffer.from('{"a":1}');
const receive = { limit: 10, bytesMax: Infinity, waitMs: 0, signal: new AbortController().signal };

test("what is delivered to a queue is received as a function's event shows it", async () => {
  const made = setUp();
  await made.call("CreateQueue", { QueueName: "q", Attributes: { VisibilityTimeout: "45" } });
  const { target, source } = endsOf(made, "q");
  const attributes = {
    n: { type: "Number.int", value: "5" },
    b: { type: "Binary", value: "AAE=" },
  } as const;
  const records = [
    { id: "1", event, attributes },
    { id: "2", event: Buffer.from("\0") },
  ];
  assert.deepEqual(await target.deliver(records, made.contextOf()), new Set(["2"]));
  assert.equal(source.isFifo, false);
  assert.equal(await source.visibilityTimeoutMs(), 45_000);
  const [record] = await source.receive(receive);
  assert.ok(record);
  const { messageId, receiptHandle, ...value } = record.value;
  assert.equal(messageId, record.id);
  assert.equal(receiptHandle, record.receipt);
  assert.deepEqual(value, {
    body: '{"a":1}',
    attributes: {
      ApproximateReceiveCount: "1",
      AWSTraceHeader:
        "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=67891233:1",
      SentTimestamp: String(startMs),
      SenderId: "123456789012",
      ApproximateFirstReceiveTimestamp: String(startMs),
    },
    messageAttributes: {
      n: { stringValue: "5", stringListValues: [], binaryListValues: [], dataType: "Number.int" },
      b: { binaryValue: "AAE=", stringListValues: [], binaryListValues: [], dataType: "Binary" },
    },
    md5OfMessageAttributes: value["md5OfMessageAttributes"],
    md5OfBody: "bb6cb5c68df4652941caf652a366f2d8",
    eventSource: "aws:sqs",
    eventSourceARN: arnOf("q"),
    awsRegion: "us-east-1",
  });
  assert.equal(record.trace?.hops, 1, "the chain is counted on");
  assert.equal(record.sentMs, startMs);
  await source.release([record], 0);
  const [again] = await source.receive(receive);
  assert.ok(again);
  await source.acknowledge([again]);
  await source.acknowledge([again]);
  assert.deepEqual(await source.receive(receive), []);
});

test("group and deduplication id of a record are those of the message", async () => {
  const made = setUp();
  await made.call("CreateQueue", { QueueName: "q.fifo", Attributes: { FifoQueue: "true" } });
  const { target, source } = endsOf(made, "q.fifo");
  const record = { event, group: "g", deduplicationId: "d" };
  const failed = await target.deliver(
    [
      { id: "1", ...record },
      { id: "2", ...record },
      { id: "3", event },
    ],
    made.contextOf(),
  );
  assert.deepEqual(failed, new Set(["3"]));
  const records = await source.receive(receive);
  assert.deepEqual(
    records.map(({ group }) => group),
    ["g"],
  );
});

test("receiving ends with the bytes allowed, and one message is always given", async () => {
  const made = setUp();
  await made.call("CreateQueue", { QueueName: "q" });
  const { target, source } = endsOf(made, "q");
  const records = ["1", "2", "3"].map((id) => ({ id, event: Buffer.alloc(1_000, "x") }));
  await target.deliver(records, made.contextOf());
  assert.equal((await source.receive({ ...receive, bytesMax: 2_500 })).length, 2);
  assert.equal((await source.receive({ ...receive, bytesMax: 10 })).length, 1);
});

test("a queue that is not there is no target, and a source that is gone says so", async () => {
  const made = setUp();
  const { target, source } = endsOf(made, "none");
  const unknown = { code: "target.unknown" };
  await assert.rejects(target.deliver([{ id: "1", event }], made.contextOf()), unknown);
  await assert.rejects(source.receive(receive), unknown);
  await assert.rejects(source.visibilityTimeoutMs(), unknown);
  assert.equal(made.target("arn:aws:sns:us-east-1:123456789012:t"), undefined);
});

test("in strict mode services and other accounts need the queue's policy, its own account does not", async () => {
  const made = setUp({ mode: "strict" });
  await made.call("CreateQueue", { QueueName: "q" });
  const { target } = endsOf(made, "q");
  const origin: DeliveryOrigin = {
    service: "sns.amazonaws.com",
    arn: "arn:aws:sns:us-east-1:123456789012:topic",
    accountId: "123456789012",
    region: "us-east-1",
  };
  const deliver = (from?: DeliveryOrigin) =>
    target.deliver([{ id: "1", event }], made.contextOf(), from);
  const stranger = made.contextOf("999999999999");
  const send = () => made.call("SendMessage", { QueueUrl: urlOf("q"), MessageBody: "a" }, stranger);
  const denied = { name: "AccessDenied", message: /not authorized to perform: sqs:sendmessage/ };
  await deliver();
  await assert.rejects(deliver(origin), denied);
  await assert.rejects(send(), denied);
  await assert.rejects(made.call("DeleteQueue", { QueueUrl: urlOf("q") }, stranger), {
    name: "AccessDenied",
  });
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "sns.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: arnOf("q"),
        Condition: { ArnLike: { "aws:SourceArn": "arn:aws:sns:*:123456789012:to*" } },
      },
      { Effect: "Allow", Principal: { AWS: "999999999999" }, Action: "SQS:Send*", Resource: "*" },
    ],
  });
  await made.call("SetQueueAttributes", { QueueUrl: urlOf("q"), Attributes: { Policy } });
  await deliver(origin);
  await send();
  await assert.rejects(deliver({ ...origin, arn: "arn:aws:sns:us-east-1:1:other" }), denied);
  await assert.rejects(made.call("ReceiveMessage", { QueueUrl: urlOf("q") }, stranger), {
    name: "AccessDenied",
  });
});

test("two processes on one store wake each other's receivers and never give out a message twice", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "skerry-sqs-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const where = { path: directory, bytesMax: 2 ** 28 };
  await using one = await openLmdbStore(where);
  await using other = await openLmdbStore(where);
  const [here, there] = [
    setUp({ store: one, isShared: true }),
    setUp({ store: other, isShared: true }),
  ];
  await here.call("CreateQueue", { QueueName: "q" });
  const waiting = there.call("ReceiveMessage", { QueueUrl: urlOf("q"), WaitTimeSeconds: 20 });
  await turns();
  await here.call("SendMessage", { QueueUrl: urlOf("q"), MessageBody: "woken" });
  const [woken] = (await waiting).Messages ?? [];
  assert.equal(woken?.Body, "woken");
  await here.call("DeleteMessage", {
    QueueUrl: urlOf("q"),
    ReceiptHandle: woken.ReceiptHandle ?? "",
  });
  const count = 100;
  const send = (index: number) =>
    (index % 2 === 0 ? here : there).call("SendMessage", {
      QueueUrl: urlOf("q"),
      MessageBody: `${index}`,
    });
  await Promise.all(Array.from({ length: count }, (_, index) => send(index)));
  const bodies: (string | undefined)[] = [];
  const drain = async (made: Made): Promise<void> => {
    for (;;) {
      const { Messages = [] } = await made.call("ReceiveMessage", {
        QueueUrl: urlOf("q"),
        MaxNumberOfMessages: 3,
      });
      bodies.push(...Messages.map(({ Body }) => Body));
      if (Messages.length === 0) return;
    }
  };
  await Promise.all([here, there, here, there].map(drain));
  assert.equal(bodies.length, count);
  assert.equal(new Set(bodies).size, count);
  for (const made of [here, there]) await made.sqs[Symbol.asyncDispose]();
});

test("what a purge and a deletion leave behind is swept away, and tasks of a process that died go on", async () => {
  const made = setUp();
  const { store } = made;
  const entries = () =>
    store.read(
      (reader) =>
        Array.from(reader.list({ start: Buffer.from([1]), end: Buffer.from([255]) })).length,
    );
  await made.call("CreateQueue", { QueueName: "q" });
  const empty = await entries();
  const { target } = endsOf(made, "q");
  const many = Array.from({ length: 3_000 }, (_, index) => ({ id: `${index}`, event }));
  await target.deliver(many, made.contextOf());
  await made.call("PurgeQueue", { QueueUrl: urlOf("q") });
  await made.sqs.sweep();
  assert.equal(await entries(), empty + 1, "the counts of the new generation");
  await made.call("CreateQueue", { QueueName: "dead" });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf("dead"), maxReceiveCount: 1 });
  await made.call("SetQueueAttributes", { QueueUrl: urlOf("q"), Attributes: { RedrivePolicy } });
  await endsOf(made, "dead").target.deliver(many.slice(0, 20), made.contextOf());
  await made.call("StartMessageMoveTask", {
    SourceArn: arnOf("dead"),
    DestinationArn: arnOf("q"),
    MaxNumberOfMessagesPerSecond: 5,
  });
  await made.sqs[Symbol.asyncDispose]();
  const next = setUp({ store });
  const status = async () => {
    const { Results } = await next.call("ListMessageMoveTasks", { SourceArn: arnOf("dead") });
    return [Results?.[0]?.Status, Results?.[0]?.ApproximateNumberOfMessagesMoved];
  };
  assert.equal((await status())[0], "RUNNING");
  await next.sqs.sweep();
  await turns();
  for (let second = 0; second < 6; second++) {
    await next.clock.advance(1_000);
    await turns();
  }
  assert.deepEqual(await status(), ["COMPLETED", 20]);
});

test("a move task is cancelled between two steps", async () => {
  const made = setUp();
  for (const QueueName of ["q", "dead"]) await made.call("CreateQueue", { QueueName });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf("dead"), maxReceiveCount: 1 });
  await made.call("SetQueueAttributes", { QueueUrl: urlOf("q"), Attributes: { RedrivePolicy } });
  const records = Array.from({ length: 20 }, (_, index) => ({ id: `${index}`, event }));
  await endsOf(made, "dead").target.deliver(records, made.contextOf());
  const start = (more: object) =>
    made.call("StartMessageMoveTask", { SourceArn: arnOf("dead"), ...more });
  for (const MaxNumberOfMessagesPerSecond of [0, 501])
    await assert.rejects(start({ MaxNumberOfMessagesPerSecond }), /between 1 and 500/);
  await assert.rejects(start({ DestinationArn: arnOf("none") }), {
    name: "ResourceNotFoundException",
  });
  await assert.rejects(start({ SourceArn: arnOf("none") }), { name: "ResourceNotFoundException" });
  await assert.rejects(start({ SourceArn: "x" }), /You must use this format/);
  const task = { MaxNumberOfMessagesPerSecond: 1, DestinationArn: arnOf("q") };
  const { TaskHandle = "" } = await start(task);
  await assert.rejects(start(task), /already a task running/);
  await turns();
  await made.call("CancelMessageMoveTask", { TaskHandle });
  await made.clock.advance(1_000);
  await turns();
  const { Results } = await made.call("ListMessageMoveTasks", { SourceArn: arnOf("dead") });
  assert.equal(Results?.[0]?.Status, "CANCELLED");
  await assert.rejects(made.call("CancelMessageMoveTask", { TaskHandle }), /Task does not exist/);
  await assert.rejects(
    made.call("CancelMessageMoveTask", { TaskHandle: "x" }),
    /TaskHandle is invalid/,
  );
});
