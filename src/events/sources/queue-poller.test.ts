import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createOutbox } from "../outbox/outbox.ts";
import { TestQueue } from "../testing/sources.ts";
import { createSpineParts, passTime, quiet } from "../testing/spine.ts";
import { readItemFailures } from "./item-failures.ts";
import { firstScale, scaleQueue } from "./queue-scaling.ts";
import { type CallResult, type Mapping, type MappingSettings, startPoller } from "./sources.ts";

const functionArn = "arn:aws:lambda:eu-central-1:111122223333:function:f";
const answer = (payload: unknown): CallResult => ({
  kind: "ok",
  requestId: "r",
  executedVersion: "$LATEST",
  payload: Buffer.from(JSON.stringify(payload)),
});
const failure: CallResult = { ...answer(null), kind: "function-error" } as CallResult; // the same members
const throttle: CallResult = { kind: "throttled", requestId: "r", reason: "no room" };
const defaults: MappingSettings = { batchSize: 10, windowMs: 0, reportsItemFailures: false };

type Ids = readonly string[];

function setUp(
  queueOptions: ConstructorParameters<typeof TestQueue>[1],
  settings: Partial<MappingSettings>,
  call: (ids: Ids, count: number) => CallResult | Promise<CallResult>,
  more: Partial<Mapping> = {},
) {
  const parts = createSpineParts(1);
  const queue = new TestQueue(parts.clock, queueOptions);
  const batches: Ids[] = [];
  const results: string[] = [];
  const outbox = createOutbox(parts);
  const start = () =>
    startPoller(
      { ...parts, outbox },
      {
        id: "m",
        functionArn,
        accountId: "111122223333",
        region: "eu-central-1",
        source: queue,
        settings: { ...defaults, ...settings },
        async call(event) {
          const { Records } = JSON.parse(Buffer.from(event).toString()) as {
            Records: { messageId: string }[];
          }; // as the engine wrote it
          const ids = Records.map((record) => record.messageId);
          batches.push(ids);
          return call(ids, batches.length);
        },
        report: (result) => void results.push(result),
        ...more,
      },
    );
  return { ...parts, queue, batches, results, outbox, start };
}

test("messages go to the function in batches and are deleted when it succeeded", async () => {
  const { queue, batches, results, clock, journal, start } = setUp({}, {}, () => answer(null));
  for (let n = 0; n < 25; n++) queue.send(`${n}`);
  await using poller = start();
  await quiet();
  assert.deepEqual(
    batches.map((ids) => ids.length),
    [10, 10, 5],
  );
  assert.deepEqual(
    batches.flat(),
    Array.from({ length: 25 }, (_, n) => `${n}`),
  );
  assert.equal(queue.messages.size, 0);
  assert.deepEqual(new Set(results), new Set(["OK"]));
  assert.equal(journal.recent(1)[0]?.recordCount, 5);
  assert.equal(clock.pendingCount, 0, "it waits without a timer");
  void poller;
});

test("a window gathers until it is over or the batch is full", async () => {
  const { queue, batches, clock, start } = setUp({}, { batchSize: 3, windowMs: 5_000 }, () =>
    answer(null),
  );
  await using _poller = start();
  queue.send("1");
  await passTime(clock, 3_000);
  queue.send("2");
  await quiet();
  assert.deepEqual(batches, []);
  await passTime(clock, 2_500);
  assert.deepEqual(batches, [["1", "2"]]);
  for (const id of ["3", "4", "5"]) queue.send(id);
  await quiet();
  assert.deepEqual(batches.at(-1), ["3", "4", "5"]);
});

test("a batch ends where six megabytes do, and nothing is left behind", async () => {
  const { queue, batches, start } = setUp({}, { batchSize: 10_000, windowMs: 1_000 }, () =>
    answer(null),
  );
  for (let n = 0; n < 10; n++) queue.send(`${n}`, { byteCount: 1_000_000 });
  const poller = start();
  await quiet(60);
  assert.deepEqual(batches[0]?.length, 6);
  await poller[Symbol.asyncDispose]();
});

test("what does not match is deleted without a call", async () => {
  const { queue, batches, start } = setUp({}, {}, () => answer(null), {
    matches: (value) => value["messageId"] !== "no",
  });
  queue.send("no");
  queue.send("yes");
  await using _poller = start();
  await quiet();
  assert.deepEqual(batches, [["yes"]]);
  assert.deepEqual(queue.acknowledged.toSorted(), ["no", "yes"]);
});

test("after an error the whole batch comes back when its visibility timeout is over", async () => {
  const { queue, batches, results, clock, start } = setUp(
    { visibilityMs: 10_000 },
    {},
    (_, count) => (count === 1 ? failure : answer(null)),
  );
  queue.send("a");
  queue.send("b");
  await using _poller = start();
  await quiet();
  assert.deepEqual(results, ["PROBLEM: Function call failed"]);
  await passTime(clock, 9_000);
  assert.equal(batches.length, 1);
  await passTime(clock, 2_000);
  assert.deepEqual(batches, [
    ["a", "b"],
    ["a", "b"],
  ]);
  assert.equal(queue.messages.size, 0);
});

test("of a partial failure only what failed comes back", async () => {
  const { queue, batches, clock, start } = setUp(
    { visibilityMs: 10_000 },
    { reportsItemFailures: true },
    (_, count) => answer(count === 1 ? { batchItemFailures: [{ itemIdentifier: "b" }] } : {}),
  );
  for (const id of ["a", "b", "c"]) queue.send(id);
  await using _poller = start();
  await passTime(clock, 11_000);
  assert.deepEqual(batches, [["a", "b", "c"], ["b"]]);
});

test("without the setting, reported failures are not looked at", async () => {
  const { queue, batches, start } = setUp({}, {}, () =>
    answer({ batchItemFailures: [{ itemIdentifier: "a" }] }),
  );
  queue.send("a");
  await using _poller = start();
  await quiet();
  assert.equal(batches.length, 1);
  assert.equal(queue.messages.size, 0);
});

test("a throttled batch is tried again in place, and put back when its time is up", async () => {
  const { queue, batches, clock, start } = setUp({ visibilityMs: 20_000 }, {}, (_, count) =>
    count < 4 ? throttle : answer(null),
  );
  queue.send("a");
  await using _poller = start();
  await passTime(clock, 10_000);
  assert.equal(batches.length, 4);
  assert.equal(queue.messages.size, 0);
  const short = setUp({ visibilityMs: 1_000 }, {}, (_, count) =>
    count < 12 ? throttle : answer(null),
  );
  short.queue.send("a");
  await using _second = short.start();
  await passTime(short.clock, 30_000, 300);
  assert.equal(short.queue.messages.size, 0);
  assert.equal(short.queue.acknowledged.length, 1);
});

test("no more batches at a time than the mapping's maximum", async () => {
  const open: (() => void)[] = [];
  const { queue, clock, start } = setUp({}, { batchSize: 1, batchesMax: 2 }, async () => {
    await new Promise<void>((resolve) => open.push(resolve));
    return answer(null);
  });
  for (let n = 0; n < 6; n++) queue.send(`${n}`);
  await using _poller = start();
  await passTime(clock, 5_000);
  assert.equal(open.length, 2);
  for (let rounds = 0; rounds < 10; rounds++) {
    open.splice(0).forEach((go) => go());
    await quiet();
  }
  assert.equal(queue.acknowledged.length, 6);
});

test("a queue begins with five batches, may have more by the minute, and fewer after failures", () => {
  const first = firstScale(undefined, 0);
  assert.equal(first.allowed, 5);
  assert.equal(firstScale(2, 0).allowed, 2);
  assert.equal(scaleQueue(first, { kind: "busy", nowMs: 100 }).allowed, 5);
  const later = scaleQueue(first, { kind: "busy", nowMs: 60_000 });
  assert.equal(later.allowed, 305);
  assert.equal(scaleQueue(first, { kind: "busy", nowMs: 60_000 }, 8).allowed, 8);
  assert.equal(scaleQueue(later, { kind: "failed", nowMs: 60_001 }).allowed, 152);
  assert.equal(scaleQueue({ allowed: 1, sinceMs: 0 }, { kind: "failed", nowMs: 1 }).allowed, 1);
});

test("messages of a group are worked on one batch after the other, in order, whatever fails", async () => {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("x", "y", "z"), { minLength: 1, maxLength: 40 }),
      fc.array(fc.constantFrom("ok", "error", "part"), { minLength: 5, maxLength: 20 }),
      async (groups, fates) => {
        const groupOf = new Map(groups.map((group, n) => [`${n}`, group]));
        const done: string[] = [];
        const active = new Set<string>();
        const together: string[] = [];
        const { queue, clock, start } = setUp(
          { isFifo: true, visibilityMs: 1_000 },
          { reportsItemFailures: true, batchSize: 4 },
          async (ids, count) => {
            const mine = new Set(ids.map((id) => groupOf.get(id) ?? ""));
            for (const group of mine) if (active.has(group)) together.push(group);
            for (const group of mine) active.add(group);
            await quiet(2);
            for (const group of mine) active.delete(group);
            const fate = fates[count] ?? "ok";
            if (fate === "error") return failure;
            const at = fate === "part" ? Math.floor(ids.length / 2) : ids.length;
            done.push(...ids.slice(0, at));
            return answer({
              batchItemFailures: ids.slice(at).map((id) => ({ itemIdentifier: id })),
            });
          },
        );
        for (const [n, group] of groups.entries()) queue.send(`${n}`, { group });
        await using _poller = start();
        for (let n = 0; n < 100 && queue.messages.size > 0; n++) {
          // In small steps: a function is through long before its messages are visible again.
          await passTime(clock, 1_100, 22);
        }
        assert.deepEqual(together, []);
        for (const group of ["x", "y", "z"]) {
          const expected = [...groupOf].filter(([, one]) => one === group).map(([id]) => id);
          assert.deepEqual(
            done.filter((id) => groupOf.get(id) === group),
            expected,
          );
        }
      },
    ),
    { numRuns: 20, seed, endOnFailure: true },
  );
});

test("answers that report failures are read as the service reads them", () => {
  const ids = new Set(["a", "b"]);
  const kindOf = (text: string) => readItemFailures(Buffer.from(text), ids).kind;
  for (const text of ["", "null", "{}", '{"batchItemFailures":[]}', '{"batchItemFailures":null}'])
    assert.equal(kindOf(text), "none", text);
  for (const text of [
    "no json",
    '"done"',
    "[]",
    '{"batchItemFailures":"a"}',
    '{"batchItemFailures":[{"itemIdentifier":""}]}',
    '{"batchItemFailures":[{"itemIdentifier":null}]}',
    '{"batchItemFailures":[{"identifier":"a"}]}',
    '{"batchItemFailures":[null]}',
    '{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"unknown"}]}',
  ])
    assert.equal(kindOf(text), "all", text);
  assert.deepEqual(
    readItemFailures(Buffer.from('{"batchItemFailures":[{"itemIdentifier":"b"}]}'), ids),
    { kind: "some", ids: new Set(["b"]) },
  );
});

test("stopping puts back what was gathered and waits for what runs", async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, start } = setUp({}, { batchSize: 2 }, async () => {
    await gate.promise;
    return answer(null);
  });
  queue.send("1");
  queue.send("2");
  const poller = start();
  await quiet();
  const ended = poller[Symbol.asyncDispose]();
  gate.resolve();
  await ended;
  assert.equal(queue.messages.size, 0);
  const gathering = setUp({}, { batchSize: 5, windowMs: 60_000 }, () => answer(null));
  gathering.queue.send("1");
  const second = gathering.start();
  await quiet();
  await second[Symbol.asyncDispose]();
  assert.equal(gathering.queue.messages.get("1")?.visibleAtMs, gathering.clock.monotonicMs());
});
