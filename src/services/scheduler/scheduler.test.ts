import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-scheduler";
import type { VirtualClock } from "#base/clock.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { accountId, busArn, deadArn, queueArn, region, setUp } from "./testing/set-up.ts";

const minuteMs = 60_000;
const RoleArn = `arn:aws:iam::${accountId}:role/r`;
const base = {
  Name: "s",
  ScheduleExpression: "rate(5 minutes)",
  FlexibleTimeWindow: { Mode: "OFF" },
  Target: { Arn: queueArn, RoleArn },
} as const;
const create = (input: Partial<sdk.CreateScheduleCommandInput> = {}) =>
  new sdk.CreateScheduleCommand({ ...base, ...input });
const get = (Name = "s") => new sdk.GetScheduleCommand({ Name });

/** Time passes until it is done, however slow the machine is. */
async function passUntil(
  clock: VirtualClock,
  isDone: () => boolean,
  stepMs = minuteMs,
): Promise<void> {
  for (let n = 0; n < 10_000 && !isDone(); n++) {
    await clock.advance(stepMs);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a rate begins at once and sends its input with the context filled in", async () => {
  await using made = await setUp();
  const Input =
    '{"arn":"<aws.scheduler.schedule-arn>","at":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","n":"<aws.scheduler.attempt-number>","x":"<aws.scheduler.nothing>"}';
  const { ScheduleArn } = await made.client.send(
    create({ Target: { ...base.Target, Input, SqsParameters: { MessageGroupId: "g" } } }),
  );
  assert.equal(ScheduleArn, `arn:aws:scheduler:${region}:${accountId}:schedule/default/s`);
  await passUntil(made.clock, () => made.queue.seen.length >= 3);
  const [first, second] = made.queue.seen.map(
    ({ text }) => JSON.parse(text) as Record<string, string>,
  );
  assert.equal(made.queue.seen[0]?.record.group, "g");
  assert.equal(first?.["id"], made.queue.seen[0]?.record.id);
  assert.deepEqual(
    [first?.["at"], second?.["at"], first?.["arn"], first?.["n"], first?.["x"]],
    ["2026-11-25T10:00:00Z", "2026-11-25T10:05:00Z", ScheduleArn, "1", "<aws.scheduler.nothing>"],
  );
});

test("one that happens once is deleted afterwards, if it says so, and keeps its time zone", async () => {
  await using made = await setUp();
  await made.client.send(
    create({
      ScheduleExpression: "at(2026-11-25T12:00:00)",
      ScheduleExpressionTimezone: "Europe/Berlin",
      ActionAfterCompletion: "DELETE",
    }),
  );
  await passUntil(made.clock, () => made.queue.seen.length > 0);
  assert.equal(
    (JSON.parse(made.queue.seen[0]?.text ?? "") as { time: string }).time,
    "2026-11-25T11:00:00Z",
  );
  await assert.rejects(made.client.send(get()), {
    name: "ResourceNotFoundException",
    message: "Schedule s does not exist.",
  });
});

test("start and end bound what recurs, and a window spreads it", async () => {
  await using made = await setUp();
  await made.client.send(
    create({
      ScheduleExpression: "cron(0/10 * * * ? *)",
      StartDate: new Date("2026-11-25T10:15:00Z"),
      EndDate: new Date("2026-11-25T10:45:00Z"),
      FlexibleTimeWindow: { Mode: "FLEXIBLE", MaximumWindowInMinutes: 5 },
      ActionAfterCompletion: "NONE",
    }),
  );
  const endMs = Date.parse("2026-11-25T12:00:00Z");
  await passUntil(made.clock, () => made.clock.nowMs() >= endMs, 10_000);
  const times = made.queue.seen.map(({ text }) => (JSON.parse(text) as { time: string }).time);
  assert.deepEqual(
    times.map((time) => time.slice(11, 16)),
    ["10:20", "10:30", "10:40"],
  );
  const { EndDate, State } = await made.client.send(get());
  assert.equal(EndDate?.toISOString(), "2026-11-25T10:45:00.000Z");
  assert.equal(State, "ENABLED");
});

test("a disabled one rests, an update starts it anew", async () => {
  await using made = await setUp();
  await made.client.send(create({ State: "DISABLED" }));
  for (let n = 0; n < 20; n++) await made.clock.advance(minuteMs);
  assert.equal(made.queue.seen.length, 0);
  await made.client.send(
    new sdk.UpdateScheduleCommand({
      ...base,
      ScheduleExpression: "rate(1 hour)",
      State: "ENABLED",
    }),
  );
  await passUntil(made.clock, () => made.queue.seen.length >= 2);
  const { ScheduleExpression, CreationDate, LastModificationDate } = await made.client.send(get());
  assert.equal(ScheduleExpression, "rate(1 hour)");
  assert.equal(CreationDate?.toISOString(), "2026-11-25T10:00:00.000Z");
  assert.equal(LastModificationDate?.toISOString(), "2026-11-25T10:20:00.000Z");
});

test("a bus gets an event, any operation its input", async () => {
  await using made = await setUp();
  const called: unknown[] = [];
  made.made.bindOperations({
    async call(service, operation, input) {
      called.push({ service, operation, input });
      return {};
    },
  });
  await made.client.send(
    create({
      Target: {
        Arn: busArn,
        RoleArn,
        Input: '{"a":1}',
        EventBridgeParameters: { DetailType: "d", Source: "s" },
      },
    }),
  );
  await made.client.send(
    create({
      Name: "any",
      ScheduleExpression: "at(2026-11-25T10:05:00)",
      Target: {
        Arn: "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        RoleArn,
        Input: '{"QueueUrl":"u","MessageBody":"m"}',
      },
    }),
  );
  await passUntil(made.clock, () => made.bus.seen.length > 0 && called.length > 0);
  const event = JSON.parse(made.bus.seen[0]?.text ?? "") as Record<string, unknown>;
  assert.deepEqual([event["source"], event["detail-type"], event["detail"]], ["s", "d", { a: 1 }]);
  assert.deepEqual(called, [
    { service: "sqs", operation: "SendMessage", input: { QueueUrl: "u", MessageBody: "m" } },
  ]);
});

test("what cannot be delivered goes to the dead-letter queue with what it was", async () => {
  await using made = await setUp({
    answer: () => {
      throw new Error("asleep");
    },
  });
  await made.client.send(
    create({
      ScheduleExpression: "at(2026-11-25T10:01:00)",
      Target: {
        ...base.Target,
        RetryPolicy: { MaximumRetryAttempts: 1 },
        DeadLetterConfig: { Arn: deadArn },
      },
    }),
  );
  await passUntil(made.clock, () => made.dead.seen.length > 0);
  const attributes = made.dead.seen[0]?.record.attributes;
  assert.equal(made.queue.seen.length, 2);
  assert.equal(
    attributes?.["SCHEDULE_ARN"]?.value,
    `arn:aws:scheduler:${region}:${accountId}:schedule/default/s`,
  );
  assert.equal(attributes?.["RETRY_ATTEMPTS"]?.value, "1");
});

test("what is missed while nothing runs is made up for, each time once", async () => {
  const store = createMemoryStore();
  const ids: string[] = [];
  const times: string[] = [];
  for (let run = 0; run < 3; run++) {
    await using made = await setUp({ store, seed: run + 1 });
    if (run === 0) await made.client.send(create());
    const wanted = run * 4 + 2;
    await passUntil(
      made.clock,
      () => made.queue.seen.length + times.length >= wanted,
      7 * minuteMs,
    );
    for (const { record, text } of made.queue.seen) {
      ids.push(record.id);
      times.push((JSON.parse(text) as { time: string }).time);
    }
  }
  assert.equal(new Set(times).size, times.length);
  assert.equal(new Set(ids).size, ids.length);
  const stepsMs = times.slice(1).map((time, n) => Date.parse(time) - Date.parse(times[n] ?? ""));
  assert.deepEqual([...new Set(stepsMs)], [5 * minuteMs]);
});

test("groups hold schedules, list them in pages, carry tags and take them along", async () => {
  await using made = await setUp();
  const { client } = made;
  const { ScheduleGroupArn } = await client.send(
    new sdk.CreateScheduleGroupCommand({ Name: "g", Tags: [{ Key: "k", Value: "v" }] }),
  );
  await assert.rejects(client.send(new sdk.CreateScheduleGroupCommand({ Name: "g" })), {
    name: "ConflictException",
    message: "Schedule group g already exists.",
  });
  for (const Name of ["a", "b", "c"]) await client.send(create({ Name, GroupName: "g" }));
  await client.send(create({ Name: "d" }));
  const first = await client.send(new sdk.ListSchedulesCommand({ GroupName: "g", MaxResults: 2 }));
  const { NextToken } = first;
  const second = await client.send(
    new sdk.ListSchedulesCommand({ GroupName: "g", MaxResults: 2, NextToken }),
  );
  const names = [...(first.Schedules ?? []), ...(second.Schedules ?? [])].map(({ Name }) => Name);
  assert.deepEqual(names, ["a", "b", "c"]);
  assert.equal((await client.send(new sdk.ListSchedulesCommand({}))).Schedules?.length, 4);
  const ResourceArn = ScheduleGroupArn;
  await client.send(new sdk.TagResourceCommand({ ResourceArn, Tags: [{ Key: "l", Value: "w" }] }));
  await client.send(new sdk.UntagResourceCommand({ ResourceArn, TagKeys: ["k"] }));
  const { Tags } = await client.send(new sdk.ListTagsForResourceCommand({ ResourceArn }));
  assert.deepEqual(Tags, [{ Key: "l", Value: "w" }]);
  await client.send(new sdk.DeleteScheduleGroupCommand({ Name: "g" }));
  const left = await client.send(new sdk.ListSchedulesCommand({}));
  assert.deepEqual(
    left.Schedules?.map(({ Name }) => Name),
    ["d"],
  );
  const groups = await client.send(new sdk.ListScheduleGroupsCommand({}));
  assert.deepEqual(
    groups.ScheduleGroups?.map(({ Name }) => Name),
    ["default"],
  );
});

test("what is no schedule is refused, and the same request twice is one", async () => {
  await using made = await setUp();
  const { client } = made;
  const refused = (input: Partial<sdk.CreateScheduleCommandInput>, message: RegExp) =>
    assert.rejects(client.send(create(input)), { name: "ValidationException", message });
  await refused(
    { ScheduleExpression: "cron(0 1 * * * *)" },
    /^Invalid Schedule Expression cron\(0 1 \* \* \* \*\)\.$/,
  );
  await refused({ ScheduleExpressionTimezone: "Mars/Olympus" }, /Timezone/);
  await refused({ FlexibleTimeWindow: { Mode: "FLEXIBLE" } }, /MaximumWindowInMinutes/);
  await refused(
    { Target: { Arn: "arn:aws:kinesis:us-east-1:1:stream/s", RoleArn } },
    /kinesis are not hosted/,
  );
  await refused({ Target: { Arn: queueArn, RoleArn: "role" } }, /regular expression/);
  await refused({ Target: { Arn: busArn, RoleArn } }, /EventBridgeParameters/);
  await refused({ StartDate: new Date(2_000), EndDate: new Date(1_000) }, /EndDate/);
  await assert.rejects(client.send(create({ GroupName: "nowhere" })), {
    message: "Schedule group nowhere does not exist.",
  });
  await client.send(create({ ClientToken: "t" }));
  await client.send(create({ ClientToken: "t" }));
  await assert.rejects(client.send(create({ ClientToken: "u" })), {
    name: "ConflictException",
    message: "Schedule s already exists.",
  });
});
