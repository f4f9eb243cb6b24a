import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createOutbox } from "../outbox/outbox.ts";
import { TestStream } from "../testing/sources.ts";
import { createRecorder, createSpineParts, passTime, quiet } from "../testing/spine.ts";
import {
  type CallResult,
  forgetPositions,
  type Mapping,
  type MappingSettings,
  startPoller,
  type StreamSettings,
} from "./sources.ts";

const functionArn = "arn:aws:lambda:eu-central-1:111122223333:function:f";
const failureArn = "arn:aws:sqs:eu-central-1:111122223333:failures";
const answer = (payload: unknown): CallResult => ({
  kind: "ok",
  requestId: "r",
  executedVersion: "$LATEST",
  payload: Buffer.from(JSON.stringify(payload)),
});
const failure: CallResult = {
  kind: "function-error",
  requestId: "r",
  executedVersion: "$LATEST",
  payload: Buffer.from("{}"),
};
const streamDefaults: StreamSettings = {
  start: "TRIM_HORIZON",
  parallelism: 1,
  bisects: false,
  retriesMax: Infinity,
  ageMaxMs: Infinity,
  tumblingMs: 0,
};

interface Event {
  readonly Records: readonly { readonly eventID: string }[];
  readonly window?: { readonly start: string; readonly end: string };
  readonly state?: Readonly<Record<string, number>>;
  readonly isFinalInvokeForWindow?: boolean;
  readonly isWindowTerminatedEarly?: boolean;
}

function setUp(
  settings: Partial<Omit<MappingSettings, "stream">> & {
    readonly stream?: Partial<StreamSettings>;
  },
  call: (ids: readonly string[], count: number, event: Event) => CallResult | Promise<CallResult>,
  more: Partial<Mapping> = {},
) {
  const parts = createSpineParts(1);
  const stream = new TestStream(parts.clock);
  const batches: (readonly string[])[] = [];
  const events: Event[] = [];
  const failures = createRecorder();
  parts.targets.register("sqs", () => failures);
  const outbox = createOutbox(parts);
  const start = () =>
    startPoller(
      { ...parts, outbox },
      {
        id: "m",
        functionArn,
        accountId: "111122223333",
        region: "eu-central-1",
        source: stream,
        async call(bytes) {
          const event = JSON.parse(Buffer.from(bytes).toString()) as Event; // as the engine wrote it
          const ids = event.Records.map((record) => record.eventID);
          batches.push(ids);
          events.push(event);
          return call(ids, batches.length, event);
        },
        report: () => undefined,
        ...more,
        settings: {
          batchSize: 100,
          windowMs: 0,
          reportsItemFailures: false,
          ...settings,
          stream: { ...streamDefaults, ...settings.stream },
        },
      },
    );
  return { ...parts, stream, batches, events, failures, outbox, start };
}

test("records go to the function in order, and a later process goes on behind them", async () => {
  const { stream, batches, clock, start } = setUp({ batchSize: 2 }, () => answer(null));
  stream.open("s");
  for (const id of ["1", "2", "3"]) stream.put("s", id);
  const first = start();
  await quiet();
  assert.deepEqual(batches, [["1", "2"], ["3"]]);
  assert.equal(clock.pendingCount, 0, "it waits without a timer");
  await first[Symbol.asyncDispose]();
  stream.put("s", "4");
  await using _second = start();
  await quiet();
  assert.deepEqual(batches, [["1", "2"], ["3"], ["4"]]);
});

test("LATEST is the moment at which the mapping is first read for, also if nothing came since", async () => {
  const { stream, batches, start } = setUp({ stream: { start: "LATEST" } }, () => answer(null));
  stream.open("s");
  stream.put("s", "before");
  const first = start();
  await quiet();
  await first[Symbol.asyncDispose]();
  stream.put("s", "while nobody read");
  await using _second = start();
  await quiet();
  assert.deepEqual(batches, [["while nobody read"]]);
});

test("a child is read from its beginning when its parent has been read to the end", async () => {
  const { stream, batches, start } = setUp({ stream: { start: "LATEST" } }, () => answer(null));
  stream.open("parent");
  await using _poller = start();
  await quiet();
  stream.open("child", "parent");
  stream.put("child", "c1");
  stream.put("parent", "p1");
  await quiet();
  assert.deepEqual(batches, [["p1"]]);
  stream.put("parent", "p2");
  stream.close("parent");
  await quiet();
  assert.deepEqual(batches.flat(), ["p1", "p2", "c1"]);
});

test("a failed batch holds up its shard until its retries are used up, then tells the destination", async () => {
  const { stream, batches, clock, failures, start } = setUp(
    { stream: { retriesMax: 2, onFailureArn: failureArn } },
    (ids) => (ids.includes("bad") ? failure : answer(null)),
  );
  stream.open("s");
  stream.put("s", "bad");
  stream.put("s", "beside");
  await using _poller = start();
  await quiet();
  stream.put("s", "behind");
  await passTime(clock, 10_000);
  assert.deepEqual(batches, [...Array.from({ length: 3 }, () => ["bad", "beside"]), ["behind"]]);
  const [told] = await failures.arrived(1);
  const record = JSON.parse(told?.text ?? "") as Record<string, unknown>; // as failureRecord writes it
  assert.deepEqual(record["requestContext"], {
    requestId: "r",
    functionArn,
    condition: "RetryAttemptsExhausted",
    approximateInvokeCount: 3,
  });
  assert.deepEqual(record["responseContext"], {
    statusCode: 200,
    executedVersion: "$LATEST",
    functionError: "Unhandled",
  });
  assert.deepEqual(record["DDBStreamBatchInfo"], {
    shardId: "s",
    startSequenceNumber: "bad",
    endSequenceNumber: "beside",
    approximateArrivalOfFirstRecord: "2026-11-25T10:00:00Z",
    approximateArrivalOfLastRecord: "2026-11-25T10:00:00Z",
    batchSize: 2,
    streamArn: stream.arn,
  });
  assert.equal(record["version"], "1.0");
});

test("bisecting finds the one record that fails", async () => {
  const { stream, clock, failures, batches, start } = setUp(
    { stream: { retriesMax: 0, bisects: true, onFailureArn: failureArn } },
    (ids) => (ids.includes("5") ? failure : answer(null)),
  );
  stream.open("s");
  for (let n = 1; n <= 8; n++) stream.put("s", `${n}`);
  await using _poller = start();
  await passTime(clock, 60_000);
  assert.equal(failures.seen.length, 1);
  assert.match(failures.seen[0]?.text ?? "", /"startSequenceNumber":"5","endSequenceNumber":"5"/);
  const worked = batches.filter((ids) => !ids.includes("5")).flat();
  assert.deepEqual(worked, ["1", "2", "3", "4", "6", "7", "8"]);
});

test("reported failures are a checkpoint: the lowest and what is behind it are tried again", async () => {
  const { stream, clock, batches, start } = setUp({ reportsItemFailures: true }, (_, count) =>
    answer(
      count === 1 ? { batchItemFailures: [{ itemIdentifier: "4" }, { itemIdentifier: "3" }] } : {},
    ),
  );
  stream.open("s");
  for (let n = 1; n <= 5; n++) stream.put("s", `${n}`);
  await using _poller = start();
  await passTime(clock, 5_000);
  assert.deepEqual(batches, [
    ["1", "2", "3", "4", "5"],
    ["3", "4", "5"],
  ]);
});

test("what is too old is given up, what is throttled is not counted", async () => {
  const { stream, clock, failures, batches, start } = setUp(
    { stream: { retriesMax: 0, ageMaxMs: 60_000, onFailureArn: failureArn } },
    () => ({ kind: "throttled", requestId: "r", reason: "no room" }),
  );
  stream.open("s");
  stream.put("s", "1");
  await using _poller = start();
  await passTime(clock, 40_000, 80);
  assert.ok(batches.length > 3);
  assert.equal(failures.seen.length, 0);
  await passTime(clock, 120_000, 80);
  assert.match(failures.seen[0]?.text ?? "", /"condition":"RecordAgeExceeded"/);
  assert.doesNotMatch(failures.seen[0]?.text ?? "", /responseContext/);
});

test("several batches of a shard at a time, each key in order and in one of them", async () => {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      async (keys, parallelism, failing) => {
        const done: string[] = [];
        const active = new Set<string>();
        const together: string[] = [];
        const { stream, clock, start } = setUp(
          { batchSize: 3, stream: { parallelism, bisects: true } },
          async (ids, count) => {
            const mine = new Set(ids.map((id) => keys[Number(id)] ?? ""));
            for (const one of mine) if (active.has(one)) together.push(one);
            for (const one of mine) active.add(one);
            await quiet(2);
            for (const one of mine) active.delete(one);
            if (failing[count]) return failure;
            done.push(...ids);
            return answer(null);
          },
        );
        stream.open("s");
        for (const [n, group] of keys.entries()) stream.put("s", `${n}`, { group });
        await using _poller = start();
        for (let n = 0; n < 200 && done.length < keys.length; n++) await passTime(clock, 30_000, 1);
        assert.deepEqual(together, []);
        for (const group of ["a", "b", "c", "d", "e"]) {
          const expected = keys.flatMap((one, n) => (one === group ? [`${n}`] : []));
          assert.deepEqual(
            done.filter((id) => keys[Number(id)] === group),
            expected,
          );
        }
      },
    ),
    { numRuns: 20, seed, endOnFailure: true },
  );
});

test("tumbling windows carry the function's state, and end with a call without records", async () => {
  const { stream, clock, events, start } = setUp(
    { batchSize: 2, stream: { tumblingMs: 60_000 } },
    (ids, _, event) => answer({ state: { seen: (event.state?.["seen"] ?? 0) + ids.length } }),
  );
  stream.open("s");
  for (const id of ["1", "2", "3"]) stream.put("s", id);
  await using _poller = start();
  await quiet();
  assert.deepEqual(
    events.map((event) => event.state),
    [{}, { seen: 2 }],
  );
  assert.deepEqual(events[0]?.window, {
    start: "2026-11-25T10:00:00Z",
    end: "2026-11-25T10:01:00Z",
  });
  await passTime(clock, 61_000);
  const last = events.at(-1);
  assert.deepEqual(last?.Records, []);
  assert.equal(last.isFinalInvokeForWindow, true);
  assert.equal(last.isWindowTerminatedEarly, false);
  assert.deepEqual(last.state, { seen: 3 });
  assert.equal(clock.pendingCount, 0);
  stream.put("s", "4");
  await quiet();
  assert.deepEqual(events.at(-1)?.state, {});
  assert.equal(events.at(-1)?.window?.start, "2026-11-25T10:01:00Z");
});

test("a window's state survives the process", async () => {
  const count = (ids: readonly string[], _: number, event: Event): CallResult =>
    answer({ state: { seen: (event.state?.["seen"] ?? 0) + ids.length } });
  const { stream, events, start } = setUp({ stream: { tumblingMs: 60_000 } }, count);
  stream.open("s");
  stream.put("s", "1");
  const first = start();
  await quiet();
  await first[Symbol.asyncDispose]();
  stream.put("s", "2");
  await using _second = start();
  await quiet();
  assert.deepEqual(events.at(-1)?.state, { seen: 1 });
});

test("a window whose state grows too large ends early", async () => {
  const { stream, events, start } = setUp({ stream: { tumblingMs: 60_000 } }, (_ids, n) =>
    answer({ state: { text: n === 1 ? "x".repeat(1_100_000) : "" } }),
  );
  stream.open("s");
  stream.put("s", "1");
  await using _poller = start();
  await quiet();
  const last = events.at(-1);
  assert.equal(last?.isFinalInvokeForWindow, true);
  assert.equal(last.isWindowTerminatedEarly, true);
});

test("stopped in the middle, it goes on where nothing is lost", async () => {
  const { stream, batches, clock, start } = setUp({ batchSize: 10 }, (_, count) =>
    count === 1 ? failure : answer(null),
  );
  stream.open("s");
  for (const id of ["1", "2"]) stream.put("s", id);
  const first = start();
  await quiet();
  await first[Symbol.asyncDispose]();
  assert.deepEqual(batches, [["1", "2"]]);
  await using _second = start();
  await passTime(clock, 1_000);
  assert.deepEqual(batches, [
    ["1", "2"],
    ["1", "2"],
  ]);
});

test("what does not match is passed over, and not read again", async () => {
  const { stream, batches, start } = setUp({}, () => answer(null), {
    matches: (value) => value["eventID"] !== "no",
  });
  stream.open("s");
  stream.put("s", "no");
  const first = start();
  await quiet();
  await first[Symbol.asyncDispose]();
  stream.put("s", "yes");
  await using _second = start();
  await quiet();
  assert.deepEqual(batches, [["yes"]]);
});

test("a mapping that was forgotten begins anew", async () => {
  const { stream, store, batches, start } = setUp({}, () => answer(null));
  stream.open("s");
  stream.put("s", "1");
  const first = start();
  await quiet();
  await first[Symbol.asyncDispose]();
  await store.write((tx) => forgetPositions(tx, "m"));
  await using _second = start();
  await quiet();
  assert.deepEqual(batches, [["1"], ["1"]]);
});
