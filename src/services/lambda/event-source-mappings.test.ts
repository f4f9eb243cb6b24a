import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  type EventSourceMappingConfiguration,
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  type ListEventSourceMappingsCommandInput,
  ListTagsCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { createVirtualClock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { EventSource } from "#events/events.ts";
import { TestQueue, TestStream } from "#events/testing/sources.ts";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const clock = createVirtualClock(Date.parse("2026-11-25T10:00:00Z"));
const server = await startLambdaServer();
after(() => server[Symbol.asyncDispose]());
await server.lambda.resume();
const client = server.client();

const sources = new Map<string, EventSource>();
server.sources.register("sqs", (arn) => sources.get(arn) ?? missing(arn, "queue"));
server.sources.register("dynamodb", (arn) => sources.get(arn) ?? missing(arn, "stream"));

/** What a service finds for an ARN of its own behind which there is nothing. */
function missing(arn: string, kind: "queue" | "stream"): EventSource {
  const gone = async (): Promise<never> => {
    throw new PlatformError("target.unknown", `there is no ${arn}`);
  };
  return kind === "queue"
    ? {
        kind,
        arn,
        isFifo: false,
        visibilityTimeoutMs: gone,
        receive: gone,
        acknowledge: gone,
        release: gone,
      }
    : { kind, arn, shards: gone, locate: gone, read: gone };
}

let made = 0;
/** A queue and a function of the test's own. */
async function setUp(
  queueOptions: ConstructorParameters<typeof TestQueue>[1] = {},
  timeoutSeconds = 3,
) {
  const n = ++made;
  const queue = new TestQueue(clock, queueOptions);
  const arn = `arn:aws:sqs:us-east-1:000000000000:queue-${n}${queueOptions.isFifo ? ".fifo" : ""}`;
  sources.set(arn, Object.assign(queue, { arn }));
  const stream = new TestStream(clock);
  const streamArn = `arn:aws:dynamodb:us-east-1:000000000000:table/t${n}/stream/2026-11-25T10:00:00.000`;
  stream.open("shard");
  sources.set(streamArn, Object.assign(stream, { arn: streamArn }));
  const name = `f${n}`;
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: role,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Timeout: timeoutSeconds,
      Code: { ZipFile: await zipOf({ "index.js": "exports.handler = async () => 1;" }) },
    }),
  );
  await server.lambda.settled();
  return { queue, arn, stream, streamArn, name };
}

const create = (input: CreateEventSourceMappingCommandInput) =>
  client.send(new CreateEventSourceMappingCommand(input));
const get = (id: string | undefined) => client.send(new GetEventSourceMappingCommand({ UUID: id }));

/** Waits, by looking, until the mapping says so. */
async function inState(
  id: string | undefined,
  state: string,
): Promise<EventSourceMappingConfiguration> {
  for (;;) {
    const found = await get(id);
    if (found.State === state) return found;
  }
}

const refused = (
  input: CreateEventSourceMappingCommandInput,
  message: RegExp,
  name = "InvalidParameterValueException",
) => assert.rejects(create(input), { name, message });

test("a queue is mapped to a function, polled, switched off and on, and let go", async () => {
  const { queue, arn, name } = await setUp();
  const created = await create({ EventSourceArn: arn, FunctionName: name });
  assert.match(created.UUID ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.equal(created.$metadata.httpStatusCode, 202);
  assert.equal(created.State, "Creating");
  assert.equal(created.StateTransitionReason, "USER_INITIATED");
  assert.equal(created.BatchSize, 10);
  assert.equal(created.MaximumBatchingWindowInSeconds, 0);
  assert.deepEqual(created.FunctionResponseTypes, []);
  assert.equal(created.FunctionArn, `arn:aws:lambda:us-east-1:000000000000:function:${name}`);
  assert.equal(
    created.EventSourceMappingArn,
    `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${created.UUID}`,
  );
  assert.equal(created.StartingPosition, undefined);
  await inState(created.UUID, "Enabled");
  const called = nextCall();
  queue.send("one");
  const event = await called;
  assert.deepEqual(event, { Records: [{ messageId: "one", body: "one" }] });
  while (queue.messages.size > 0) await new Promise((resolve) => setImmediate(resolve));

  const off = await client.send(
    new UpdateEventSourceMappingCommand({ UUID: created.UUID, Enabled: false, BatchSize: 5 }),
  );
  assert.equal(off.State, "Disabling");
  assert.equal((await inState(created.UUID, "Disabled")).BatchSize, 5);
  const before = server.invocations.length;
  queue.send("two");
  assert.equal(server.invocations.length, before);
  const again = nextCall();
  const on = await client.send(
    new UpdateEventSourceMappingCommand({ UUID: created.UUID, Enabled: true }),
  );
  assert.equal(on.State, "Enabling");
  assert.deepEqual(await again, { Records: [{ messageId: "two", body: "two" }] });

  const deleted = await client.send(new DeleteEventSourceMappingCommand({ UUID: created.UUID }));
  assert.equal(deleted.State, "Deleting");
  await gone(created.UUID);
});

async function gone(id: string | undefined): Promise<void> {
  for (;;) {
    try {
      await get(id);
    } catch (error) {
      assert.equal((error as Error).name, "ResourceNotFoundException"); // what a client throws is an Error
      return;
    }
  }
}

function nextCall(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const { answer } = server;
  server.answer = (invocation) => {
    server.answer = answer;
    resolve(JSON.parse(Buffer.from(invocation.payload).toString()));
    return answer(invocation);
  };
  return promise;
}

test("a table's stream is mapped with all its settings and their defaults", async () => {
  const { stream, streamArn, name } = await setUp();
  const created = await create({
    EventSourceArn: streamArn,
    FunctionName: name,
    StartingPosition: "TRIM_HORIZON",
  });
  const { UUID, LastModified, $metadata, ...shown } = created;
  assert.ok(LastModified && $metadata);
  assert.deepEqual(shown, {
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 0,
    EventSourceArn: streamArn,
    FunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    State: "Creating",
    StateTransitionReason: "User action",
    FunctionResponseTypes: [],
    EventSourceMappingArn: `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${UUID}`,
    StartingPosition: "TRIM_HORIZON",
    ParallelizationFactor: 1,
    LastProcessingResult: "No records processed",
    DestinationConfig: { OnFailure: {} },
    MaximumRecordAgeInSeconds: -1,
    BisectBatchOnFunctionError: false,
    MaximumRetryAttempts: -1,
    TumblingWindowInSeconds: 0,
  });
  const called = nextCall();
  stream.put("shard", "r1");
  assert.deepEqual(await called, { Records: [{ eventID: "r1" }] });
  for (;;) if ((await get(UUID)).LastProcessingResult === "OK") break;
  const failures = "arn:aws:sqs:us-east-1:000000000000:failures";
  const updated = await client.send(
    new UpdateEventSourceMappingCommand({
      UUID,
      BatchSize: 7,
      MaximumBatchingWindowInSeconds: 20,
      ParallelizationFactor: 3,
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 4,
      MaximumRecordAgeInSeconds: 60,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      DestinationConfig: { OnFailure: { Destination: failures } },
    }),
  );
  assert.equal(updated.State, "Updating");
  const settled = await inState(UUID, "Enabled");
  assert.equal(settled.BatchSize, 7);
  assert.equal(settled.MaximumBatchingWindowInSeconds, 20);
  assert.equal(settled.ParallelizationFactor, 3);
  assert.equal(settled.BisectBatchOnFunctionError, true);
  assert.equal(settled.MaximumRetryAttempts, 4);
  assert.equal(settled.MaximumRecordAgeInSeconds, 60);
  assert.deepEqual(settled.FunctionResponseTypes, ["ReportBatchItemFailures"]);
  assert.deepEqual(settled.DestinationConfig, { OnFailure: { Destination: failures } });
  await client.send(new DeleteEventSourceMappingCommand({ UUID }));
  await gone(UUID);
});

test("what does not go together is refused in the service's words", async () => {
  const { arn, streamArn, name } = await setUp({}, 40);
  const queue = { EventSourceArn: arn, FunctionName: name };
  const stream = { EventSourceArn: streamArn, FunctionName: name };
  await refused(
    queue,
    /^Queue visibility timeout: 30 seconds is less than Function timeout: 40 seconds$/,
  );
  const plain = await setUp();
  const ours = { EventSourceArn: plain.arn, FunctionName: plain.name };
  await refused(
    { ...ours, BatchSize: 11 },
    /Maximum batch window in seconds must be greater than 0/,
  );
  await refused({ ...ours, StartingPosition: "LATEST" }, /StartingPosition is not valid for SQS/);
  await refused(
    { ...ours, ParallelizationFactor: 2 },
    /ParallelizationFactor is not valid for SQS/,
  );
  await refused(stream, /'startingPosition' failed to satisfy constraint/);
  await refused(
    { ...stream, StartingPosition: "AT_TIMESTAMP", StartingPositionTimestamp: new Date(0) },
    /Unsupported starting position/,
  );
  const fromStart = { ...stream, StartingPosition: "TRIM_HORIZON" } as const;
  await refused({ ...fromStart, ScalingConfig: { MaximumConcurrency: 5 } }, /ScalingConfig/);
  await refused({ ...fromStart, MaximumRecordAgeInSeconds: 59 }, /between 60 and 604800/);
  await refused(
    { ...ours, EventSourceArn: `${plain.arn}-other` },
    /NonExistentQueue.*does not exist for this wsdl version/,
  );
  await refused(
    { ...fromStart, EventSourceArn: streamArn.replace("table/", "table/no") },
    /^Stream not found: arn/,
  );
  await refused({ FunctionName: name }, /'eventSourceArn' failed to satisfy constraint/);
  await refused(
    { ...ours, FunctionName: "nobody" },
    /Function not found/,
    "ResourceNotFoundException",
  );
  const fifo = await setUp({ isFifo: true });
  const inOrder = { EventSourceArn: fifo.arn, FunctionName: fifo.name };
  await refused({ ...inOrder, BatchSize: 11, MaximumBatchingWindowInSeconds: 1 }, /FIFO/);
  await refused({ ...inOrder, MaximumBatchingWindowInSeconds: 1 }, /not supported for FIFO queues/);
});

test("sources that nothing here hosts are refused by name", async () => {
  const { name } = await setUp();
  const arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
  await refused({ EventSourceArn: arn, FunctionName: name }, /Kinesis streams are not hosted/);
  await refused(
    {
      EventSourceArn: "arn:aws:kafka:us-east-1:000000000000:cluster/c/1",
      FunctionName: name,
      Topics: ["t"],
    },
    /Amazon MSK clusters are not hosted/,
  );
  await refused(
    {
      EventSourceArn: "arn:aws:mq:us-east-1:000000000000:broker:b",
      FunctionName: name,
      Queues: ["q"],
    },
    /Amazon MQ brokers are not hosted/,
  );
  await refused(
    {
      FunctionName: name,
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ["h:9092"] } },
    },
    /SelfManagedEventSource is not supported/,
  );
  await refused(
    { EventSourceArn: "arn:aws:sns:us-east-1:000000000000:t", FunctionName: name },
    /^Unrecognized event source\.$/,
  );
});

test("values out of range are refused before anything else", async () => {
  const { arn, name } = await setUp();
  const ours = { EventSourceArn: arn, FunctionName: name };
  const validation = "ValidationException";
  await refused({ ...ours, BatchSize: 0 }, /batchSize/, validation);
  await refused({ ...ours, BatchSize: 10_001 }, /batchSize/, validation);
  await refused(
    { ...ours, MaximumBatchingWindowInSeconds: 301 },
    /maximumBatchingWindow/,
    validation,
  );
  await refused(
    { ...ours, ScalingConfig: { MaximumConcurrency: 1 } },
    /maximumConcurrency/,
    validation,
  );
  await refused(
    { ...ours, ScalingConfig: { MaximumConcurrency: 1_001 } },
    /maximumConcurrency/,
    validation,
  );
});

test("only records that match one of the filters reach the function", async () => {
  const { queue, arn, name } = await setUp();
  const Filters = [{ Pattern: '{"body":{"kind":["wanted"]}}' }];
  const created = await create({
    EventSourceArn: arn,
    FunctionName: name,
    FilterCriteria: { Filters },
  });
  assert.deepEqual(created.FilterCriteria, { Filters });
  await inState(created.UUID, "Enabled");
  const value = (messageId: string, body: string) => ({
    value: { messageId, body, eventSource: "aws:sqs" },
  });
  queue.send("no", value("no", '{"kind":"other"}'));
  const called = nextCall();
  queue.send("yes", value("yes", '{"kind":"wanted"}'));
  const { Records } = (await called) as { Records: { messageId: string }[] }; // as the engine wrote it
  assert.deepEqual(
    Records.map((record) => record.messageId),
    ["yes"],
  );
  await client.send(
    new UpdateEventSourceMappingCommand({ UUID: created.UUID, FilterCriteria: { Filters: [] } }),
  );
  assert.equal((await inState(created.UUID, "Enabled")).FilterCriteria, undefined);
  await refused(
    { EventSourceArn: arn, FunctionName: name, FilterCriteria: { Filters: [{ Pattern: "{" }] } },
    /^Invalid filter pattern definition\./,
  );
});

test("one mapping for each pair of source and function", async () => {
  const { arn, name } = await setUp();
  const first = await create({ EventSourceArn: arn, FunctionName: name, Enabled: false });
  assert.equal((await inState(first.UUID, "Disabled")).State, "Disabled");
  await refused(
    { EventSourceArn: arn, FunctionName: name },
    new RegExp(
      `already exists\\. Please update or delete the existing mapping with UUID ${first.UUID}`,
    ),
    "ResourceConflictException",
  );
});

test("mappings are listed by function and by source, page by page", async () => {
  const one = await setUp();
  const other = await setUp();
  const ids: (string | undefined)[] = [];
  for (const [source, target] of [
    [one, one],
    [other, one],
    [one, other],
  ] as const) {
    const input = { EventSourceArn: source.arn, FunctionName: target.name, Enabled: false };
    ids.push((await create(input)).UUID);
  }
  const list = async (input: ListEventSourceMappingsCommandInput) =>
    client.send(new ListEventSourceMappingsCommand(input));
  const idsOf = (answer: Awaited<ReturnType<typeof list>>) =>
    answer.EventSourceMappings?.map((mapping) => mapping.UUID) ?? [];
  assert.deepEqual(
    new Set(idsOf(await list({ FunctionName: one.name }))),
    new Set([ids[0], ids[1]]),
  );
  assert.deepEqual(
    new Set(idsOf(await list({ EventSourceArn: one.arn }))),
    new Set([ids[0], ids[2]]),
  );
  assert.deepEqual(idsOf(await list({ EventSourceArn: one.arn, FunctionName: other.name })), [
    ids[2],
  ]);
  const paged: (string | undefined)[] = [];
  let marker: string | undefined;
  do {
    const page = await list({ FunctionName: one.name, MaxItems: 1, Marker: marker });
    paged.push(...idsOf(page));
    marker = page.NextMarker;
  } while (marker !== undefined);
  assert.deepEqual(new Set(paged), new Set([ids[0], ids[1]]));
});

test("mappings have tags", async () => {
  const { arn, name } = await setUp();
  const created = await create({
    EventSourceArn: arn,
    FunctionName: name,
    Enabled: false,
    Tags: { team: "a" },
  });
  const Resource = created.EventSourceMappingArn;
  await client.send(new TagResourceCommand({ Resource, Tags: { stage: "test" } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ["team"] }));
  assert.deepEqual((await client.send(new ListTagsCommand({ Resource }))).Tags, { stage: "test" });
  const nobody = Resource?.replace(/[0-9a-f]{8}-/, "00000000-");
  await assert.rejects(client.send(new ListTagsCommand({ Resource: nobody })), {
    name: "ResourceNotFoundException",
  });
});

test("what is not there is not there", async () => {
  const UUID = "00000000-0000-4000-8000-000000000000";
  for (const command of [
    new GetEventSourceMappingCommand({ UUID }),
    new UpdateEventSourceMappingCommand({ UUID, BatchSize: 1 }),
    new DeleteEventSourceMappingCommand({ UUID }),
  ])
    await assert.rejects(client.send(command), {
      name: "ResourceNotFoundException",
      message: "The resource you requested does not exist.",
    });
});
