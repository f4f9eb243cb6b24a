import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamViewType } from "@aws-sdk/client-dynamodb";
import type { GetRecordsOutput } from "@aws-sdk/client-dynamodb-streams";
import type { StreamSource } from "#events/events.ts";
import type { OperationInput, OperationOutput } from "#protocol/service/service.ts";
import { defineDynamodbStreams } from "../stream-operations.ts";
import { setUp } from "../testing/set-up.ts";
import type { DynamoDbStreams } from "./deps.ts";
import { placeOfStream } from "./names.ts";
import { readStream, recordsFrom } from "./reading.ts";
import { createStreamSources } from "./source.ts";
import { createTrimmer } from "./trimmer.ts";

const TableName = "orders";
const hourMs = 3_600_000;

/** A table with a stream, and the API of its records. */
async function withStream(StreamViewType: StreamViewType = "NEW_AND_OLD_IMAGES") {
  const made = setUp();
  const deps = { store: made.store, clock: made.clock, log: { event: () => undefined } };
  const service = defineDynamodbStreams(deps);
  const streams = async <Op extends string>(
    name: Op,
    input: OperationInput<DynamoDbStreams, Op>,
  ): Promise<OperationOutput<DynamoDbStreams, Op>> => {
    const operation = service.operations.get(name);
    assert.ok(operation);
    return (await operation.handle(input, made.context)) as OperationOutput<DynamoDbStreams, Op>; // the table types it
  };
  const table = await made.call("CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    StreamSpecification: { StreamEnabled: true, StreamViewType },
  });
  const StreamArn = table.TableDescription?.LatestStreamArn ?? "";
  const put = (id: string, n: number) =>
    made.call("PutItem", { TableName, Item: { id: { S: id }, n: { N: String(n) } } });
  const shards = async () =>
    (await streams("DescribeStream", { StreamArn })).StreamDescription?.Shards ?? [];
  const iterator = async (
    ShardIteratorType: "TRIM_HORIZON" | "LATEST" | "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER",
    { shard = 0, SequenceNumber }: { shard?: number; SequenceNumber?: string } = {},
  ): Promise<string> => {
    const ShardId = (await shards())[shard]?.ShardId ?? "";
    const asked = { StreamArn, ShardId, ShardIteratorType };
    const sequence = SequenceNumber === undefined ? {} : { SequenceNumber };
    const { ShardIterator } = await streams("GetShardIterator", { ...asked, ...sequence });
    return ShardIterator ?? "";
  };
  const read = async (ShardIterator: string, Limit?: number): Promise<GetRecordsOutput> =>
    streams("GetRecords", Limit === undefined ? { ShardIterator } : { ShardIterator, Limit });
  return { ...made, deps, streams, StreamArn, put, shards, iterator, read };
}

const ids = ({ Records }: GetRecordsOutput) =>
  Records?.map(({ dynamodb }) => dynamodb?.Keys?.["id"]?.S);

test("records show what changed, in order", async () => {
  const { dynamodb, call, put, iterator, read } = await withStream();
  await using _ = dynamodb;
  await put("a", 1);
  await put("a", 2);
  await call("DeleteItem", { TableName, Key: { id: { S: "a" } } });
  const { Records = [], NextShardIterator } = await read(await iterator("TRIM_HORIZON"));
  assert.deepEqual(
    Records.map(({ eventName, dynamodb: change }) => [
      eventName,
      change?.OldImage?.["n"]?.N,
      change?.NewImage?.["n"]?.N,
    ]),
    [
      ["INSERT", undefined, "1"],
      ["MODIFY", "1", "2"],
      ["REMOVE", "2", undefined],
    ],
  );
  const [first] = Records;
  assert.deepEqual(
    {
      ...first,
      eventID: first?.eventID?.length,
      dynamodb: { ...first?.dynamodb, SequenceNumber: first?.dynamodb?.SequenceNumber?.length },
    },
    {
      eventID: 32,
      eventName: "INSERT",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: "us-east-1",
      dynamodb: {
        ApproximateCreationDateTime: new Date("2026-03-01T12:00:00Z"),
        Keys: { id: { S: "a" } },
        NewImage: { id: { S: "a" }, n: { N: "1" } },
        SequenceNumber: 21,
        SizeBytes: 3 + 3 + 3,
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    },
  );
  assert.deepEqual(ids(await read(NextShardIterator ?? "")), []);
});

for (const [view, hasNew, hasOld] of [
  ["KEYS_ONLY", false, false],
  ["NEW_IMAGE", true, false],
  ["OLD_IMAGE", false, true],
] as const) {
  test(`the view ${view} shows no more than it says`, async () => {
    const { dynamodb, put, iterator, read } = await withStream(view);
    await using _ = dynamodb;
    await put("a", 1);
    await put("a", 2);
    const { Records } = await read(await iterator("TRIM_HORIZON"));
    const change = Records?.[1]?.dynamodb;
    assert.deepEqual(
      [change?.NewImage !== undefined, change?.OldImage !== undefined],
      [hasNew, hasOld],
    );
  });
}

test("iterators begin where they are asked to, and limits cut", async () => {
  const { dynamodb, put, iterator, read } = await withStream();
  await using _ = dynamodb;
  for (const id of ["a", "b", "c"]) await put(id, 1);
  const latest = await iterator("LATEST");
  await put("d", 1);
  assert.deepEqual(ids(await read(latest)), ["d"]);
  const all = await read(await iterator("TRIM_HORIZON"), 2);
  assert.deepEqual(ids(all), ["a", "b"]);
  assert.deepEqual(ids(await read(all.NextShardIterator ?? "")), ["c", "d"]);
  const SequenceNumber = all.Records?.[1]?.dynamodb?.SequenceNumber ?? "";
  assert.deepEqual(ids(await read(await iterator("AT_SEQUENCE_NUMBER", { SequenceNumber }))), [
    "b",
    "c",
    "d",
  ]);
  assert.deepEqual(ids(await read(await iterator("AFTER_SEQUENCE_NUMBER", { SequenceNumber }))), [
    "c",
    "d",
  ]);
});

test("an answer has at most a mebibyte", async () => {
  const { dynamodb, call, iterator, read } = await withStream("NEW_IMAGE");
  await using _ = dynamodb;
  for (const id of ["a", "b", "c", "d"]) {
    await call("PutItem", { TableName, Item: { id: { S: id }, text: { S: "x".repeat(350_000) } } });
  }
  const first = await read(await iterator("TRIM_HORIZON"));
  assert.deepEqual(ids(first), ["a", "b"]);
  assert.deepEqual(ids(await read(first.NextShardIterator ?? "")), ["c", "d"]);
});

test("an iterator is good for a quarter of an hour", async () => {
  const { dynamodb, clock, put, iterator, read } = await withStream();
  await using _ = dynamodb;
  await put("a", 1);
  const ShardIterator = await iterator("TRIM_HORIZON");
  await clock.advance(15 * 60_000);
  assert.deepEqual(ids(await read(ShardIterator)), ["a"]);
  await clock.advance(1);
  await assert.rejects(read(ShardIterator), { name: "ExpiredIteratorException" });
});

test("what nobody issued is no iterator", async () => {
  const { dynamodb, StreamArn, iterator, read } = await withStream();
  await using _ = dynamodb;
  const good = await iterator("TRIM_HORIZON");
  for (const text of [
    "x",
    `${StreamArn}|1|e30`,
    `${StreamArn}|2|${good.split("|")[2]}`,
    `${good}|`,
  ]) {
    await assert.rejects(read(text), {
      name: "ValidationException",
      message: "Invalid ShardIterator",
    });
  }
  const foreign = good.replace(":123456789012:", ":999999999999:");
  await assert.rejects(read(foreign), { name: "ResourceNotFoundException" });
});

test("a shard ends after four hours and its child goes on", async () => {
  const { dynamodb, clock, put, shards, iterator, read } = await withStream();
  await using _ = dynamodb;
  await put("a", 1);
  await clock.advance(4 * hourMs);
  await put("b", 1);
  const [parent, child, ...more] = await shards();
  assert.equal(more.length, 0);
  assert.equal(child?.ParentShardId, parent?.ShardId);
  assert.ok(parent?.SequenceNumberRange?.EndingSequenceNumber);
  assert.equal(child?.SequenceNumberRange?.EndingSequenceNumber, undefined);
  const old = await read(await iterator("TRIM_HORIZON"));
  assert.deepEqual([ids(old), old.NextShardIterator], [["a"], undefined]);
  assert.deepEqual(ids(await read(await iterator("TRIM_HORIZON", { shard: 1 }))), ["b"]);
});

test("records are gone after a day, and so are their shards", async () => {
  const { dynamodb, clock, store, put, shards, iterator, read, deps } = await withStream();
  await using _ = dynamodb;
  await using trimmer = createTrimmer(deps);
  await put("a", 1);
  const SequenceNumber =
    (await read(await iterator("TRIM_HORIZON"))).Records?.[0]?.dynamodb?.SequenceNumber ?? "";
  await clock.advance(5 * hourMs);
  await put("b", 1);
  await trimmer.settle();
  await clock.advance(20 * hourMs);
  await trimmer.settle();
  assert.equal((await shards()).length, 1);
  assert.deepEqual(ids(await read(await iterator("TRIM_HORIZON"))), ["b"]);
  await assert.rejects(iterator("AT_SEQUENCE_NUMBER", { SequenceNumber }), {
    name: "ValidationException",
  });
  await clock.advance(24 * hourMs);
  await trimmer.settle();
  assert.deepEqual(ids(await read(await iterator("TRIM_HORIZON"))), []);
  void store;
});

test("an iterator that waits before a trimmed record is refused", async () => {
  const { dynamodb, clock, put, iterator, read } = await withStream();
  await using _ = dynamodb;
  await put("a", 1);
  await clock.advance(24 * hourMs - 60_000);
  const early = await iterator("TRIM_HORIZON");
  await clock.advance(120_000);
  await assert.rejects(read(early), { name: "TrimmedDataAccessException" });
  assert.deepEqual(ids(await read(await iterator("TRIM_HORIZON"))), []);
});

test("what is a day old is trimmed without anybody asking", async () => {
  const { dynamodb, clock, store, put, StreamArn } = await withStream();
  await using _ = dynamodb;
  await put("a", 1);
  const place = placeOfStream(StreamArn);
  assert.ok(place);
  const stored = () =>
    store.read((reader) => {
      const state = readStream(reader, place);
      assert.ok(state);
      return [...recordsFrom(reader, state.stream.streamId, 0)].length;
    });
  await clock.advance(23 * hourMs);
  await put("b", 1);
  assert.equal(await stored(), 2);
  await clock.advance(hourMs + 60_000);
  while ((await stored()) > 1) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(23 * hourMs);
  while ((await stored()) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test("a disabled stream can be read for a day", async () => {
  const { dynamodb, clock, call, put, streams, StreamArn, iterator, read, deps } =
    await withStream();
  await using _ = dynamodb;
  await using trimmer = createTrimmer(deps);
  await put("a", 1);
  await call("UpdateTable", { TableName, StreamSpecification: { StreamEnabled: false } });
  await put("b", 1);
  const { StreamDescription } = await streams("DescribeStream", { StreamArn });
  assert.equal(StreamDescription?.StreamStatus, "DISABLED");
  const page = await read(await iterator("TRIM_HORIZON"));
  assert.deepEqual([ids(page), page.NextShardIterator], [["a"], undefined]);
  await clock.advance(24 * hourMs + 1);
  await trimmer.settle();
  await assert.rejects(streams("DescribeStream", { StreamArn }), {
    name: "ResourceNotFoundException",
  });
  assert.deepEqual(await streams("ListStreams", {}), { Streams: [] });
});

test("streams are listed, and shards paged", async () => {
  const { dynamodb, clock, put, streams, StreamArn } = await withStream();
  await using _ = dynamodb;
  const { Streams } = await streams("ListStreams", { TableName });
  assert.deepEqual(
    Streams?.map((one) => one.StreamArn),
    [StreamArn],
  );
  assert.deepEqual(await streams("ListStreams", { TableName: "others" }), { Streams: [] });
  await put("a", 1);
  await clock.advance(4 * hourMs);
  await put("b", 1);
  const first = (await streams("DescribeStream", { StreamArn, Limit: 1 })).StreamDescription;
  assert.equal(first?.Shards?.length, 1);
  const rest = await streams("DescribeStream", {
    StreamArn,
    ExclusiveStartShardId: first?.LastEvaluatedShardId,
  });
  assert.equal(rest.StreamDescription?.Shards?.length, 1);
  assert.equal(rest.StreamDescription?.LastEvaluatedShardId, undefined);
});

test("a source waits for records, shows them as functions see them, and ends with its shard", async () => {
  const { dynamodb, call, put, StreamArn, deps } = await withStream();
  await using _ = dynamodb;
  const source = createStreamSources(deps)(StreamArn) as StreamSource; // streams have no other kind
  const [shard] = await source.shards();
  assert.ok(shard && !shard.isClosed);
  const { signal } = new AbortController();
  const options = { shardId: shard.id, limit: 10, bytesMax: 1e6, signal };
  const position = await source.locate(shard.id, "LATEST");
  const waiting = source.read({ ...options, position, waitMs: Infinity });
  await put("a", 1);
  const { records, next } = await waiting;
  assert.deepEqual(
    records.map(({ value }) => (value["dynamodb"] as { NewImage: object }).NewImage), // the form is tested above
    [{ id: { S: "a" }, n: { N: "1" } }],
  );
  assert.equal(records[0]?.value["eventSourceARN"], StreamArn);
  assert.equal(records[0]?.receipt, next);
  await call("UpdateTable", { TableName, StreamSpecification: { StreamEnabled: false } });
  const end = await source.read({ ...options, position: next ?? "", waitMs: Infinity });
  assert.deepEqual(end, { records: [], next: undefined });
  assert.equal(
    await source.locate(shard.id, { atMs: 0 }),
    await source.locate(shard.id, "TRIM_HORIZON"),
  );
});

test("a source that nobody writes to answers when the time is over, or its signal aborts", async () => {
  const { dynamodb, clock, StreamArn, deps } = await withStream();
  await using _ = dynamodb;
  const source = createStreamSources(deps)(StreamArn) as StreamSource; // streams have no other kind
  const [shard] = await source.shards();
  const stop = new AbortController();
  const options = { shardId: shard?.id ?? "", limit: 10, bytesMax: 1e6, signal: stop.signal };
  const position = await source.locate(options.shardId, "TRIM_HORIZON");
  const before = clock.pendingCount;
  const timed = source.read({ ...options, position, waitMs: 5_000 });
  while (clock.pendingCount === before) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5_000);
  assert.deepEqual((await timed).records, []);
  const endless = source.read({ ...options, position, waitMs: Infinity });
  stop.abort(new Error("no more"));
  await assert.rejects(endless, /no more/);
});
