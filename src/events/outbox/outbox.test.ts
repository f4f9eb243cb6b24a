import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { PlatformError } from "#base/errors.ts";
import {
  createRecorder,
  createSpineParts,
  passTime,
  quiet,
  type SpineParts,
} from "../testing/spine.ts";
import { createOutbox, type Delivery, type Outbox } from "./outbox.ts";

const queueArn = "arn:aws:sqs:eu-central-1:111122223333:work";
const deadArn = "arn:aws:sqs:eu-central-1:111122223333:dead";
const origin = {
  service: "s3.amazonaws.com",
  arn: "arn:aws:s3:::uploads",
  accountId: "111122223333",
  region: "eu-central-1",
} as const;

const delivery = (id: string, more: Partial<Delivery> = {}): Delivery => ({
  targetArn: queueArn,
  record: { id, event: Buffer.from(id) },
  origin,
  retry: { attemptsMax: 3, ageMaxMs: 3_600_000 },
  ...more,
});

const send = (parts: SpineParts, outbox: Outbox, ...deliveries: readonly Delivery[]) =>
  parts.store.write((tx) => deliveries.forEach((one) => outbox.add(tx, one)));

const textsOf = (seen: readonly { readonly text: string }[]) => seen.map((one) => one.text);

/** Nothing stays in the store but, perhaps, who has which book. */
async function assertEmpty(parts: SpineParts): Promise<void> {
  const left = await parts.store.read((reader) =>
    [...reader.list({ start: new Uint8Array(), end: Uint8Array.of(0xff) })]
      .map((entry) => Buffer.from(entry.key).toString("latin1"))
      .filter((name) => !name.includes("book")),
  );
  assert.deepEqual(left, []);
}

test("what a transaction adds is delivered after its commit, and not if it fails", async () => {
  const parts = createSpineParts(1);
  await using outbox = createOutbox(parts);
  const target = createRecorder();
  parts.targets.register("sqs", () => target);
  await assert.rejects(
    parts.store.write((tx) => {
      outbox.add(tx, delivery("never"));
      throw new Error("the caller changed its mind");
    }),
    /changed its mind/,
  );
  const trace = { ...parts.tracer.newTrace(), hops: 3 };
  await send(
    parts,
    outbox,
    delivery("one", { record: { id: "one", event: Buffer.from("1"), trace } }),
  );
  const [first] = await target.arrived(1);
  assert.equal(first?.text, "1");
  assert.deepEqual(first.origin, origin);
  assert.equal(first.trace.traceId, trace.traceId);
  assert.equal(first.trace.hops, 3);
  assert.equal(first.record.trace?.traceId, trace.traceId);
  await quiet();
  await assertEmpty(parts);
  assert.deepEqual(textsOf(target.seen), ["1"]);
  const [noted] = parts.journal.recent(10);
  assert.equal(noted?.outcome, "delivered");
  assert.equal(noted.targetArn, queueArn);
  assert.equal(noted.sourceArn, origin.arn);
});

test("an idle outbox has no timer", async () => {
  const parts = createSpineParts(2);
  await using outbox = createOutbox(parts);
  const target = createRecorder();
  parts.targets.register("sqs", () => target);
  await quiet();
  assert.equal(parts.clock.pendingCount, 0);
  await send(parts, outbox, delivery("one"));
  await target.arrived(1);
  await passTime(parts.clock, 20_000);
  assert.equal(parts.clock.pendingCount, 0);
});

test("what fails is tried again with growing pauses, then is a dead letter with the reason beside it", async () => {
  const parts = createSpineParts(3);
  await using outbox = createOutbox(parts);
  const times: number[] = [];
  const target = createRecorder(() => {
    times.push(parts.clock.nowMs());
    throw new Error("asleep");
  });
  const dead = createRecorder();
  parts.targets.register("sqs", (arn) => (arn === deadArn ? dead : target));
  await send(
    parts,
    outbox,
    delivery("one", {
      deadLetterArn: deadArn,
      deadLetterForm: "events",
      deadLetterAttributes: { RULE_ARN: "arn:of:the:rule", TARGET_ARN: queueArn },
    }),
  );
  await passTime(parts.clock, 10_000);
  assert.equal(times.length, 3);
  const [first = 0, second = 0, third = 0] = times;
  assert.ok(second - first >= 500 && second - first <= 1_000, `${second - first}`);
  assert.ok(third - second >= 1_000 && third - second <= 2_000, `${third - second}`);
  assert.deepEqual(textsOf(dead.seen), ["one"]);
  assert.deepEqual(dead.seen[0]?.record.attributes, {
    RULE_ARN: { type: "String", value: "arn:of:the:rule" },
    TARGET_ARN: { type: "String", value: queueArn },
    ERROR_CODE: { type: "String", value: "Error" },
    ERROR_MESSAGE: { type: "String", value: "asleep" },
    RETRY_ATTEMPTS: { type: "Number", value: "2" },
    EXHAUSTED_RETRY_CONDITION: { type: "String", value: "MaximumRetryAttempts" },
  });
  await assertEmpty(parts);
  assert.equal(parts.clock.pendingCount, 0);
});

test("what is too old is not tried again, and what cannot help is not tried twice", async () => {
  const parts = createSpineParts(4);
  await using outbox = createOutbox(parts);
  const target = createRecorder(({ text }) => {
    if (text === "denied")
      throw Object.assign(new Error("no"), { name: "AccessDenied", $fault: "client" });
    throw new PlatformError("line.full", "later");
  });
  const dead = createRecorder();
  parts.targets.register("sqs", (arn) => (arn === deadArn ? dead : target));
  const retry = { attemptsMax: 185, ageMaxMs: 60_000 };
  const letters = { deadLetterArn: deadArn, deadLetterForm: "events", retry } as const;
  await send(parts, outbox, delivery("denied", letters), delivery("old", letters));
  await passTime(parts.clock, 120_000, 120);
  assert.deepEqual(textsOf(dead.seen).toSorted(), ["denied", "old"]);
  const tries = (text: string) => target.seen.filter((one) => one.text === text).length;
  assert.equal(tries("denied"), 1);
  assert.ok(tries("old") > 3 && tries("old") < 20, `${tries("old")} tries`);
  const old = dead.seen.find((one) => one.text === "old")?.record.attributes;
  assert.equal(old?.["EXHAUSTED_RETRY_CONDITION"]?.value, "MaximumEventAgeInSeconds");
  const denied = dead.seen.find((one) => one.text === "denied")?.record.attributes;
  assert.equal(denied?.["ERROR_CODE"]?.value, "NO_PERMISSIONS");
  assert.equal(denied?.["EXHAUSTED_RETRY_CONDITION"], undefined);
});

test("without a dead-letter target it is dropped, and that is seen", async () => {
  const parts = createSpineParts(5);
  await using outbox = createOutbox(parts);
  await send(parts, outbox, delivery("one"));
  await quiet();
  assert.equal(parts.journal.recent(1)[0]?.outcome, "dropped");
  assert.equal(parts.journal.recent(1)[0]?.error, "RESOURCE_NOT_FOUND");
  assert.deepEqual(parts.logged, ["delivery.dropped"]);
  await assertEmpty(parts);
});

test("a slow target holds up nobody else, and gets a bounded number at a time", async () => {
  const parts = createSpineParts(6);
  await using outbox = createOutbox(parts);
  const held: (() => void)[] = [];
  const slow = createRecorder(() => new Promise<void>((resolve) => held.push(resolve)));
  const quick = createRecorder();
  const slowArn = `${queueArn}-slow`;
  parts.targets.register("sqs", (arn) => (arn === slowArn ? slow : quick));
  const many = Array.from({ length: 300 }, (_, n) => delivery(`s${n}`, { targetArn: slowArn }));
  await send(parts, outbox, ...many);
  await send(parts, outbox, delivery("quick"));
  await quick.arrived(1);
  await quiet();
  assert.equal(held.length, 32);
  for (let rounds = 0; rounds < 40 && held.length > 0; rounds++) {
    held.splice(0).forEach((go) => go());
    await quiet(10);
  }
  assert.deepEqual(new Set(textsOf(slow.seen)).size, 300);
  assert.equal(slow.seen.length, 300);
  await quiet();
  await assertEmpty(parts);
});

test("deliveries with one order key leave one after the other, also over failures", async () => {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 30 }),
      fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
      async (groups, failures) => {
        const parts = createSpineParts(seed);
        await using outbox = createOutbox(parts);
        const active = new Set<string>();
        const together: string[] = [];
        const done: Record<string, string[]> = { a: [], b: [], c: [] };
        const target = createRecorder(async ({ record, text }, count) => {
          const group = record.group ?? "";
          if (active.has(group)) together.push(text);
          active.add(group);
          await quiet(2);
          active.delete(group);
          if (failures[count % failures.length]) throw new Error("again");
          done[group]?.push(text);
        });
        parts.targets.register("sqs", () => target);
        const retry = { attemptsMax: 1_000, ageMaxMs: 1e9, baseMs: 10, capMs: 10 };
        for (const [n, group] of groups.entries())
          await send(
            parts,
            outbox,
            delivery(String(n), {
              record: { id: String(n), event: Buffer.from(String(n)), group },
              orderKey: group,
              retry,
            }),
          );
        const isAll = () => Object.values(done).flat().length >= groups.length;
        const isHopeless = failures.every(Boolean);
        for (let n = 0; n < 400 && !isAll() && !isHopeless; n++) await passTime(parts.clock, 20, 2);
        assert.deepEqual(together, [], "one of a group at a time");
        if (isHopeless) return;
        for (const group of ["a", "b", "c"]) {
          const expected = groups.flatMap((one, n) => (one === group ? [String(n)] : []));
          assert.deepEqual(done[group], expected);
        }
        await quiet();
        await assertEmpty(parts);
      },
    ),
    { numRuns: 25, seed },
  );
});

test("what an ended process has left is delivered by the next one, in order", async () => {
  const parts = createSpineParts(7);
  const refusing = createRecorder(() => {
    throw new Error("not now");
  });
  const current = { target: refusing };
  parts.targets.register("sqs", () => ({
    deliver: (...told) => current.target.deliver(...told),
  }));
  const first = createOutbox(parts);
  const ordered = (id: string) =>
    delivery(id, { orderKey: "k", retry: { attemptsMax: 9, ageMaxMs: 1e9 } });
  await send(parts, first, ordered("1"), ordered("2"), ordered("3"), delivery("4"));
  await refusing.arrived(0);
  await quiet();
  await first[Symbol.asyncDispose]();
  current.target = createRecorder();
  await using second = createOutbox(parts);
  await passTime(parts.clock, 60_000);
  const texts = textsOf(current.target.seen);
  assert.deepEqual(
    texts.filter((text) => text !== "4"),
    ["1", "2", "3"],
  );
  assert.ok(texts.includes("4"));
  await send(parts, second, ordered("5"));
  await passTime(parts.clock, 1_000);
  assert.equal(textsOf(current.target.seen).at(-1), "5");
  await assertEmpty(parts);
});

test("stopping waits for what is under way, and what is not begun stays", async () => {
  const parts = createSpineParts(8);
  const gate = Promise.withResolvers<void>();
  const target = createRecorder(() => gate.promise);
  parts.targets.register("sqs", () => target);
  const outbox = createOutbox(parts);
  const many = Array.from({ length: 50 }, (_, n) => delivery(`${n}`));
  await send(parts, outbox, ...many);
  await quiet();
  assert.equal(target.seen.length, 32);
  const ended = outbox[Symbol.asyncDispose]();
  gate.resolve();
  await ended;
  assert.equal(target.seen.length, 32);
  await using next = createOutbox(parts);
  void next;
  await quiet();
  await passTime(parts.clock, 1_000);
  assert.equal(new Set(textsOf(target.seen)).size, 50);
  assert.equal(target.seen.length, 50);
});
