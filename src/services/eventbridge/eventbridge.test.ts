import assert from "node:assert/strict";
import { test } from "node:test";
import * as sdk from "@aws-sdk/client-eventbridge";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import {
  accountId,
  deadArn,
  functionArn,
  passUntil,
  queueArn,
  region,
  setUp,
} from "./testing/set-up.ts";

const minuteMs = 60_000;
const put = (entries: sdk.PutEventsRequestEntry[]) =>
  new sdk.PutEventsCommand({ Entries: entries });
const order = (detail: object, bus?: string): sdk.PutEventsRequestEntry => ({
  Source: "shop",
  DetailType: "order",
  Detail: JSON.stringify(detail),
  ...(bus !== undefined && { EventBusName: bus }),
});
type SetUp = Awaited<ReturnType<typeof setUp>>;

async function addRule(
  { client }: Pick<SetUp, "client">,
  rule: Partial<sdk.PutRuleCommandInput> & { readonly targets: sdk.Target[] },
): Promise<string | undefined> {
  const { targets, Name = "r", ...rest } = rule;
  const { RuleArn } = await client.send(new sdk.PutRuleCommand({ Name, ...rest }));
  const { EventBusName } = rest;
  await client.send(new sdk.PutTargetsCommand({ Rule: Name, Targets: targets, EventBusName }));
  return RuleArn;
}

test("an event reaches the targets of the rules it matches, whole or transformed", async () => {
  await using made = await setUp();
  const { client, queue, lambda } = made;
  const RuleArn = await addRule(made, {
    EventPattern: JSON.stringify({ source: ["shop"], detail: { total: [{ numeric: [">", 10] }] } }),
    targets: [
      { Id: "whole", Arn: queueArn },
      { Id: "constant", Arn: queueArn, Input: '{"a":1}' },
      { Id: "part", Arn: queueArn, InputPath: "$.detail.items[0]" },
      {
        Id: "template",
        Arn: functionArn,
        InputTransformer: {
          InputPathsMap: { total: "$.detail.total", who: "$.detail.who", none: "$.detail.none" },
          InputTemplate:
            '{"total": <total>, "text": "for <who>: <total>", "none": <none>, "rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>, "event": <aws.events.event.json>}',
        },
      },
    ],
  });
  const { Entries, FailedEntryCount } = await client.send(
    put([order({ total: 12, who: 'A "b"', items: ["x"] }), order({ total: 5 })]),
  );
  assert.equal(FailedEntryCount, 0);
  await Promise.all([queue.arrived(3), lambda.arrived(1)]);
  const texts = queue.seen.map(({ text }) => text).toSorted((a, b) => a.length - b.length);
  assert.deepEqual(texts.slice(0, 2), ['"x"', '{"a":1}']);
  const whole = JSON.parse(texts[2] ?? "") as Record<string, unknown>;
  assert.deepEqual(whole, {
    version: "0",
    id: Entries?.[0]?.EventId,
    "detail-type": "order",
    source: "shop",
    account: accountId,
    time: "2026-11-25T10:00:00Z",
    region,
    resources: [],
    detail: { total: 12, who: 'A "b"', items: ["x"] },
  });
  assert.deepEqual(JSON.parse(lambda.seen[0]?.text ?? ""), {
    total: 12,
    text: 'for A "b": 12',
    none: "",
    rule: "r",
    arn: RuleArn,
    event: whole,
  });
  assert.equal(lambda.seen[0]?.origin?.service, "events.amazonaws.com");
  assert.equal(lambda.seen[0]?.origin?.arn, RuleArn);
});

test("what is wrong with an entry is told for that entry", async () => {
  await using made = await setUp();
  const { FailedEntryCount, Entries } = await made.client.send(
    put([
      order({}),
      { DetailType: "d", Detail: "{}" },
      { Source: "s", Detail: "{}" },
      { Source: "s", DetailType: "d" },
      { Source: "s", DetailType: "d", Detail: "[1]" },
      { Source: "s", DetailType: "d", Detail: "{" },
      { Source: "aws.s3", DetailType: "d", Detail: "{}" },
      order({}, "nowhere"),
    ]),
  );
  assert.equal(FailedEntryCount, 6);
  assert.deepEqual(
    Entries?.map(({ ErrorCode, EventId }) => ErrorCode ?? typeof EventId),
    [
      "string",
      "InvalidArgument",
      "InvalidArgument",
      "InvalidArgument",
      "MalformedDetail",
      "MalformedDetail",
      "NotAuthorizedForSourceException",
      "string",
    ],
  );
  const eleven = Array.from({ length: 11 }, () => order({}));
  await assert.rejects(made.client.send(put(eleven)), { name: "ValidationException" });
  const edge = 1_048_576 - "shop".length - "order".length - '{"a":""}'.length;
  await made.client.send(put([order({ a: "x".repeat(edge) })]));
  await assert.rejects(made.client.send(put([order({ a: "x".repeat(edge + 1) })])), {
    message: "Total size of the entries in the request is over the limit.",
  });
});

test("rules are described, listed in pages, disabled, enabled and deleted once they have no targets", async () => {
  await using made = await setUp();
  const { client, queue } = made;
  const EventPattern = '{"source":["shop"]}';
  for (const Name of ["a1", "a2", "b1"])
    await addRule(made, { Name, EventPattern, targets: [{ Id: "1", Arn: queueArn }] });
  const first = await client.send(new sdk.ListRulesCommand({ NamePrefix: "a", Limit: 1 }));
  const { NextToken } = first;
  const second = await client.send(
    new sdk.ListRulesCommand({ NamePrefix: "a", Limit: 1, NextToken }),
  );
  assert.deepEqual(
    [first.Rules?.[0]?.Name, second.Rules?.[0]?.Name, second.NextToken],
    ["a1", "a2", undefined],
  );
  const { RuleNames } = await client.send(
    new sdk.ListRuleNamesByTargetCommand({ TargetArn: queueArn }),
  );
  assert.deepEqual(RuleNames, ["a1", "a2", "b1"]);
  await client.send(new sdk.DisableRuleCommand({ Name: "a1" }));
  const described = await client.send(new sdk.DescribeRuleCommand({ Name: "a1" }));
  assert.equal(described.State, "DISABLED");
  assert.equal(described.Arn, `arn:aws:events:${region}:${accountId}:rule/a1`);
  await client.send(put([order({})]));
  await queue.arrived(2);
  assert.equal(queue.seen.length, 2);
  await assert.rejects(client.send(new sdk.DeleteRuleCommand({ Name: "a1" })), {
    message: "Rule can't be deleted since it has targets.",
  });
  await client.send(new sdk.RemoveTargetsCommand({ Rule: "a1", Ids: ["1"] }));
  await client.send(new sdk.DeleteRuleCommand({ Name: "a1" }));
  await client.send(new sdk.DeleteRuleCommand({ Name: "a1" }));
  await assert.rejects(client.send(new sdk.DescribeRuleCommand({ Name: "a1" })), {
    name: "ResourceNotFoundException",
    message: "Rule a1 does not exist on EventBus default.",
  });
});

test("what is no rule or target is refused in the service's words", async () => {
  await using made = await setUp();
  const { client } = made;
  const rule = (input: Partial<sdk.PutRuleCommandInput>) =>
    client.send(new sdk.PutRuleCommand({ Name: "r", ...input }));
  await assert.rejects(rule({ EventPattern: '{"a":{}}' }), {
    name: "InvalidEventPatternException",
    message:
      'Event pattern is not valid. Reason: Empty objects are not allowed\n at [Source: (String)"{"a":{}}"; line: 1, column: 8]',
  });
  await assert.rejects(rule({}), /EventPattern or ScheduleExpression must be specified/);
  await assert.rejects(rule({ ScheduleExpression: "rate(1 minutes)" }), {
    name: "ValidationException",
    message: "Parameter ScheduleExpression is not valid.",
  });
  await assert.rejects(rule({ Name: "no spaces please" }), /failed to satisfy constraint/);
  await rule({ EventPattern: '{"a":[1]}' });
  const target = (one: Partial<sdk.Target>) =>
    client.send(
      new sdk.PutTargetsCommand({ Rule: "r", Targets: [{ Id: "1", Arn: queueArn, ...one }] }),
    );
  await assert.rejects(
    target({ Arn: "arn:aws:kinesis:us-east-1:1:stream/s" }),
    /kinesis are not hosted/,
  );
  await assert.rejects(target({ Input: "{" }), /JSON syntax error/);
  await assert.rejects(target({ Input: "1", InputPath: "$.a" }), /Only one of Input/);
  await assert.rejects(target({ InputPath: "$..a" }), /Invalid InputPath/);
  await assert.rejects(target({ Arn: `${queueArn}.fifo` }), /SqsParameters must be specified/);
  const six = Array.from({ length: 6 }, (_, n) => ({ Id: String(n), Arn: queueArn }));
  await assert.rejects(client.send(new sdk.PutTargetsCommand({ Rule: "r", Targets: six })), {
    name: "LimitExceededException",
  });
});

test("a bus of one's own carries events to another bus, whose rules see them unchanged", async () => {
  await using made = await setUp();
  const { client, queue } = made;
  const { EventBusArn = "" } = await client.send(new sdk.CreateEventBusCommand({ Name: "other" }));
  await assert.rejects(client.send(new sdk.CreateEventBusCommand({ Name: "other" })), {
    message: "Event bus other already exists.",
  });
  const EventPattern = '{"source":["shop"]}';
  await addRule(made, { Name: "on", EventPattern, targets: [{ Id: "1", Arn: EventBusArn }] });
  await addRule(made, {
    EventBusName: "other",
    EventPattern,
    targets: [{ Id: "1", Arn: queueArn, SqsParameters: { MessageGroupId: "g" } }],
  });
  const { Entries } = await client.send(put([order({ a: 1 })]));
  const [arrived] = await queue.arrived(1);
  const event = JSON.parse(arrived?.text ?? "") as { id: string };
  assert.equal(event.id, Entries?.[0]?.EventId);
  assert.equal(arrived?.record.group, "g");
  const { EventBuses } = await client.send(new sdk.ListEventBusesCommand({}));
  assert.deepEqual(
    EventBuses?.map(({ Name }) => Name),
    ["default", "other"],
  );
  await assert.rejects(client.send(new sdk.DeleteEventBusCommand({ Name: "other" })), /has rules/);
});

test("a target that fails is tried again, then its dead-letter queue gets the event", async () => {
  await using made = await setUp({
    answer: () => {
      throw new Error("asleep");
    },
  });
  const { client, queue, dead, clock } = made;
  await addRule(made, {
    EventPattern: '{"source":["shop"]}',
    targets: [
      {
        Id: "1",
        Arn: queueArn,
        RetryPolicy: { MaximumRetryAttempts: 2 },
        DeadLetterConfig: { Arn: deadArn },
      },
    ],
  });
  await client.send(put([order({ a: 1 })]));
  await passUntil(clock, () => dead.seen.length > 0, { stepMs: minuteMs });
  assert.equal(queue.seen.length, 3);
  const attributes = dead.seen[0]?.record.attributes;
  assert.equal(attributes?.["RULE_ARN"]?.value, `arn:aws:events:${region}:${accountId}:rule/r`);
  assert.equal(attributes?.["EXHAUSTED_RETRY_CONDITION"]?.value, "MaximumRetryAttempts");
});

test("scheduled rules fire at their times, also those that passed while nothing ran", async () => {
  const store = createMemoryStore();
  const texts: string[] = [];
  {
    await using made = await setUp({ store });
    await addRule(made, {
      ScheduleExpression: "rate(5 minutes)",
      targets: [{ Id: "1", Arn: functionArn }],
    });
    await passUntil(made.clock, () => made.lambda.seen.length >= 2, { stepMs: minuteMs });
    texts.push(...made.lambda.seen.map(({ text }) => text));
  }
  await using made = await setUp({ store });
  await passUntil(made.clock, () => made.lambda.seen.length >= 3, { stepMs: 10 * minuteMs });
  texts.push(...made.lambda.seen.map(({ text }) => text));
  const events = texts.map((text) => JSON.parse(text) as { time: string; "detail-type": string });
  assert.deepEqual(
    events.slice(0, 5).map(({ time }) => time.slice(11, 16)),
    ["10:05", "10:10", "10:15", "10:20", "10:25"],
  );
  assert.equal(events[0]?.["detail-type"], "Scheduled Event");
});

test("archived events are replayed to the rules that are named, and say so", async () => {
  await using made = await setUp();
  const { client, lambda } = made;
  const EventSourceArn = `arn:aws:events:${region}:${accountId}:event-bus/default`;
  const EventPattern = '{"source":["shop"]}';
  const { ArchiveArn = "" } = await client.send(
    new sdk.CreateArchiveCommand({ ArchiveName: "a", EventSourceArn, EventPattern }),
  );
  for (let n = 0; n < 25; n++)
    await client.send(put([order({ n }), { ...order({ n }), Source: "other" }]));
  const archive = await client.send(new sdk.DescribeArchiveCommand({ ArchiveName: "a" }));
  assert.equal(archive.EventCount, 25);
  const named = await addRule(made, { EventPattern, targets: [{ Id: "1", Arn: functionArn }] });
  await addRule(made, { Name: "un", EventPattern, targets: [{ Id: "1", Arn: queueArn }] });
  await client.send(
    new sdk.StartReplayCommand({
      ReplayName: "again",
      EventSourceArn: ArchiveArn,
      EventStartTime: new Date("2026-11-25T09:00:00Z"),
      EventEndTime: new Date("2026-11-25T11:00:00Z"),
      Destination: { Arn: EventSourceArn, FilterArns: [named ?? ""] },
    }),
  );
  const seen = await lambda.arrived(25);
  const numbers = seen.map(({ text }) => (JSON.parse(text) as { detail: { n: number } }).detail.n);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 25 }, (_, n) => n),
  );
  assert.match(seen[0]?.text ?? "", /"replay-name":"again"/);
  assert.equal(made.queue.seen.length, 0);
  const { State } = await client.send(new sdk.DescribeReplayCommand({ ReplayName: "again" }));
  assert.equal(State, "COMPLETED");
});

test("patterns are tested, tags kept, permissions put and removed", async () => {
  await using made = await setUp();
  const { client } = made;
  const Event = JSON.stringify({
    id: "1",
    account: accountId,
    source: "shop",
    time: "2026-01-01T00:00:00Z",
    region,
    resources: [],
    "detail-type": "order",
    detail: { name: "abc.png" },
  });
  const asked = (EventPattern: string) =>
    client.send(new sdk.TestEventPatternCommand({ Event, EventPattern }));
  assert.equal((await asked('{"detail":{"name":[{"suffix":".png"}]}}')).Result, true);
  assert.equal((await asked('{"detail":{"name":[{"prefix":"x"}]}}')).Result, false);
  const ResourceARN = `arn:aws:events:${region}:${accountId}:event-bus/default`;
  await client.send(new sdk.TagResourceCommand({ ResourceARN, Tags: [{ Key: "k", Value: "v" }] }));
  const { Tags } = await client.send(new sdk.ListTagsForResourceCommand({ ResourceARN }));
  assert.deepEqual(Tags, [{ Key: "k", Value: "v" }]);
  const permission = { StatementId: "s", Action: "events:PutEvents", Principal: "210987654321" };
  await client.send(new sdk.PutPermissionCommand(permission));
  const { Policy = "" } = await client.send(new sdk.DescribeEventBusCommand({}));
  assert.match(Policy, /arn:aws:iam::210987654321:root/);
  await client.send(new sdk.RemovePermissionCommand({ StatementId: "s" }));
  await assert.rejects(client.send(new sdk.RemovePermissionCommand({ StatementId: "s" })), {
    message: "EventBus does not have a policy.",
  });
});
