import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { keyParts } from "#storage/keys.ts";
import { shardAgeMaxMs } from "./limits.ts";
import {
  appendStreamRecords,
  closeStream,
  decodeStreamRecord,
  openStream,
  readStreamHead,
  streamCodec,
  type StreamEntry,
  streamHeadCodec,
  streamKeys,
} from "./stream-records.ts";

const stream = {
  streamId: "s",
  accountId: "123456789012",
  region: "us-east-1",
  tableName: "notes",
  label: "2026-03-01T12:00:00.000",
  viewType: "NEW_AND_OLD_IMAGES",
  keySchema: { hash: "owner" },
  createdMs: 1_000,
} as const;

const entry = (createdMs: number, rest: Partial<StreamEntry> = {}): StreamEntry => ({
  eventName: "INSERT",
  createdMs,
  keys: { owner: { S: "ada" } },
  newImage: undefined,
  oldImage: undefined,
  isExpiry: false,
  trace: undefined,
  ...rest,
});

test("records are numbered in the order of commits and read back as they were", async () => {
  await using store = createMemoryStore();
  const trace = {
    traceId: "1-00000001-000000000000000000000001",
    spanId: undefined,
    sampled: true,
    hops: 3,
  };
  const first = entry(2_000, { newImage: { owner: { S: "ada" }, n: { N: "1" } }, trace });
  const second = entry(2_001, {
    eventName: "REMOVE",
    oldImage: { owner: { S: "ada" } },
    isExpiry: true,
  });
  await store.write((tx) => openStream(tx, stream));
  await store.write((tx) => appendStreamRecords(tx, stream.streamId, [first]));
  await store.write((tx) => appendStreamRecords(tx, stream.streamId, [second]));
  const records = await store.read((reader) =>
    Array.from(reader.list(streamKeys.records(stream.streamId)), ({ key, value }) =>
      decodeStreamRecord(Number(keyParts(key).at(-1)), value),
    ),
  );
  assert.deepEqual(records, [
    { ...first, sequence: 1 },
    { ...second, sequence: 2 },
  ]);
});

test("a shard that is old enough is closed by the next record, and the last one with the stream", async () => {
  await using store = createMemoryStore();
  const lateMs = stream.createdMs + shardAgeMaxMs;
  await store.write((tx) => openStream(tx, stream));
  await store.write((tx) => appendStreamRecords(tx, stream.streamId, [entry(2_000), entry(2_000)]));
  await store.write((tx) => appendStreamRecords(tx, stream.streamId, [entry(lateMs)]));
  await store.write((tx) => closeStream(tx, stream, lateMs + 1));
  await store.write((tx) => appendStreamRecords(tx, stream.streamId, [entry(lateMs + 2)]));
  const { head, described } = await store.read((reader) => ({
    head: readStreamHead(reader, stream.streamId),
    described: reader.get(streamKeys.stream(stream)),
  }));
  assert.deepEqual(head, {
    next: 4,
    shards: [
      { first: 1, openedMs: stream.createdMs, last: 2 },
      { first: 3, openedMs: lateMs, last: 3 },
    ],
  });
  assert.ok(described && head);
  assert.equal(streamCodec.decode(described).disabledMs, lateMs + 1);
  assert.deepEqual(streamHeadCodec.decode(streamHeadCodec.encode(head)), head);
});
