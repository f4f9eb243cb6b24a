import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isTimeZone, parseSchedule } from "./schedules.ts";

const at = (text: string): number => Date.parse(text);
/** The next times, in UTC, to the minute. */
function times(
  expression: string,
  options: { from: string; count?: number; zone?: string },
): string[] {
  const schedule = parseSchedule(expression, options.zone);
  assert.ok(schedule, expression);
  const found: string[] = [];
  let afterMs = at(options.from);
  for (let n = 0; n < (options.count ?? 3); n++) {
    const next = schedule.next(afterMs, at(options.from));
    if (next === undefined) break;
    found.push(new Date(next).toISOString().slice(0, 16));
    afterMs = next;
  }
  return found;
}
const from = "2026-02-25T10:07:00Z";

/** Source of the first seven: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html */
const crons: readonly (readonly [string, readonly string[]])[] = [
  ["cron(0 10 * * ? *)", ["2026-02-26T10:00", "2026-02-27T10:00", "2026-02-28T10:00"]],
  ["cron(15 12 * * ? *)", ["2026-02-25T12:15", "2026-02-26T12:15", "2026-02-27T12:15"]],
  ["cron(0 18 ? * MON-FRI *)", ["2026-02-25T18:00", "2026-02-26T18:00", "2026-02-27T18:00"]],
  ["cron(0 8 1 * ? *)", ["2026-03-01T08:00", "2026-04-01T08:00", "2026-05-01T08:00"]],
  ["cron(0/15 * * * ? *)", ["2026-02-25T10:15", "2026-02-25T10:30", "2026-02-25T10:45"]],
  ["cron(0/5 8-17 ? * MON-FRI *)", ["2026-02-25T10:10", "2026-02-25T10:15", "2026-02-25T10:20"]],
  ["cron(0 9 ? * 2#1 *)", ["2026-03-02T09:00", "2026-04-06T09:00", "2026-05-04T09:00"]],
  ["cron(0 0 L * ? *)", ["2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]],
  ["cron(0 0 L-2 * ? *)", ["2026-02-26T00:00", "2026-03-29T00:00", "2026-04-28T00:00"]],
  ["cron(0 0 LW * ? *)", ["2026-02-27T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]],
  ["cron(0 0 1W * ? *)", ["2026-03-02T00:00", "2026-04-01T00:00", "2026-05-01T00:00"]],
  ["cron(0 0 31W * ? *)", ["2026-03-31T00:00", "2026-05-29T00:00", "2026-07-31T00:00"]],
  ["cron(0 0 ? * 6L *)", ["2026-02-27T00:00", "2026-03-27T00:00", "2026-04-24T00:00"]],
  ["cron(0 0 ? * L *)", ["2026-02-28T00:00", "2026-03-07T00:00", "2026-03-14T00:00"]],
  ["cron(0 0 ? * FRI#5 *)", ["2026-05-29T00:00", "2026-07-31T00:00", "2026-10-30T00:00"]],
  ["cron(30 1,3 29 feb ? *)", ["2028-02-29T01:30", "2028-02-29T03:30", "2032-02-29T01:30"]],
  ["cron(0 0 1 1 ? 2199)", ["2199-01-01T00:00"]],
  ["cron(0 0 1 JAN-DEC/6 ? 2027/2)", ["2027-01-01T00:00", "2027-07-01T00:00", "2029-01-01T00:00"]],
  ["cron(0 0 1 1 ? 1970)", []],
  ["cron(0 0 31 2 ? *)", []],
  ["rate(1 minute)", ["2026-02-25T10:08", "2026-02-25T10:09", "2026-02-25T10:10"]],
  ["rate(7 days)", ["2026-03-04T10:07", "2026-03-11T10:07", "2026-03-18T10:07"]],
  ["at(2027-01-01T12:30:00)", ["2027-01-01T12:30"]],
  ["at(2020-01-01T00:00:00)", []],
];

test("expressions name the times the service documents", () => {
  for (const [expression, expected] of crons)
    assert.deepEqual(times(expression, { from }), expected, expression);
});

test("what is no schedule is none", () => {
  for (const expression of [
    "",
    "rate(0 minutes)",
    "rate(1 minutes)",
    "rate(2 minute)",
    "rate(5 seconds)",
    "rate(-1 days)",
    "rate(1.5 hours)",
    "rate(5minutes)",
    "cron(0 0 * * * *)",
    "cron(0 0 ? * ? *)",
    "cron(0 0 1 * 2 *)",
    "cron(0 0 * * ?)",
    "cron(60 0 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 0 0 * ? *)",
    "cron(0 0 32 * ? *)",
    "cron(0 0 1 13 ? *)",
    "cron(0 0 ? * 8 *)",
    "cron(0 0 ? * 2#6 *)",
    "cron(0 0 ? * 2#1,3#1 *)",
    "cron(0 0 1 * ? 1969)",
    "cron(0 0 1 * ? 2200)",
    "cron(5-1 0 * * ? *)",
    "cron(*/0 0 * * ? *)",
    "cron(1,,2 0 * * ? *)",
    "at(2027-02-30T00:00:00)",
    "at(2027-01-01)",
    "at(2027-01-01T00:00:00Z)",
    " rate(5 minutes)",
    `cron(${"1,".repeat(200)}1 0 * * ? *)`,
  ])
    assert.equal(parseSchedule(expression), undefined, expression);
  assert.equal(parseSchedule("cron(0 0 * * ? *)", "Mars/Olympus"), undefined);
  assert.equal(isTimeZone("Europe/Berlin"), true);
  assert.equal(isTimeZone("+01:00"), false);
});

test("times that summer time skips do not fire, and what comes twice fires once", () => {
  const zone = "Europe/Berlin";
  assert.deepEqual(times("cron(30 2 * * ? *)", { from: "2026-03-28T00:00:00Z", zone }), [
    "2026-03-28T01:30",
    "2026-03-30T00:30",
    "2026-03-31T00:30",
  ]);
  assert.deepEqual(times("cron(30 2 * * ? *)", { from: "2026-10-24T12:00:00Z", zone }), [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
    "2026-10-27T01:30",
  ]);
  assert.deepEqual(
    times("cron(0/30 * * * ? *)", { from: "2026-10-25T00:00:00Z", zone, count: 4 }),
    ["2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30", "2026-10-25T03:00"],
  );
  assert.deepEqual(times("rate(1 day)", { from: "2026-03-28T12:00:00Z", zone, count: 2 }), [
    "2026-03-29T12:00",
    "2026-03-30T12:00",
  ]);
  assert.deepEqual(times("at(2026-07-01T00:00:00)", { from, zone: "America/New_York" }), [
    "2026-07-01T04:00",
  ]);
});

test("a zone half an hour apart, and one whose summer time is half an hour", () => {
  const daily = (zone: string): string[] => times("cron(0 2 * * ? *)", { from, zone, count: 1 });
  assert.deepEqual(daily("Asia/Kolkata"), ["2026-02-25T20:30"]);
  assert.deepEqual(daily("Australia/Lord_Howe"), ["2026-02-25T15:00"]);
});

const field = (max: number) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min: 0, max }).map(String),
    fc
      .tuple(fc.nat(max), fc.integer({ min: 1, max: 20 }))
      .map(([start, step]) => `${start}/${step}`),
  );

test("next is the first minute that matches, however it is searched", () => {
  const cases = fc.tuple(field(59), field(23), fc.integer({ min: 0, max: 2 * 365 * 1_440 }));
  fc.assert(
    fc.property(cases, ([minute, hour, startMinutes]) => {
      const startMs = at("2026-01-01T00:00:00Z") + startMinutes * 60_000;
      const next = parseSchedule(`cron(${minute} ${hour} * * ? *)`)?.next(startMs, startMs);
      const holds = (text: string, value: number, max: number): boolean => {
        if (text === "*") return true;
        const [start = "", step] = text.split("/");
        if (step === undefined) return value === Number(start);
        return (
          value >= Number(start) && value <= max && (value - Number(start)) % Number(step) === 0
        );
      };
      let atMs = startMs + 60_000;
      for (; ; atMs += 60_000) {
        const date = new Date(atMs);
        if (holds(minute, date.getUTCMinutes(), 59) && holds(hour, date.getUTCHours(), 23)) break;
      }
      assert.equal(next, atMs);
    }),
    { numRuns: 300 },
  );
});

test("random expressions are schedules or none, in bounded time", () => {
  const piece = fc.constantFrom(..."0123456789,-*?/LW# ".split(""), "MON", "JAN", "?", "*");
  const source = fc.array(piece, { maxLength: 30 }).map((pieces) => `cron(${pieces.join("")})`);
  fc.assert(
    fc.property(fc.oneof(source, fc.string()), (one) => {
      parseSchedule(one)?.next(at(from), at(from));
    }),
    { numRuns: 2_000 },
  );
});
