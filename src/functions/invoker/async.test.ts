import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import type { EventRecord } from "#events/events.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createAsyncQueue } from "./async-queue.ts";
import { createFunctionTargets } from "./function-target.ts";
import { eventRange, type QueuedEvent } from "./queued-event.ts";
import { contextOf, startPlatform, targetOf, type Platform } from "./testing/platform.ts";
import { systemRandom } from "#base/random.ts";

const startMs = Date.UTC(2026, 10, 21, 12);
const clock = createVirtualClock(startMs);
const store = createMemoryStore();
const queue = createAsyncQueue(store);
const platform = await startPlatform({ clock, store });
const received = new Map<string, EventRecord[]>();
let arrival = Promise.withResolvers<void>();
let refusals = 0;
platform.targets.register("sqs", (arn) => ({
  deliver: (records) => {
    if (refusals-- > 0) return Promise.reject(new Error("the queue is asleep"));
    received.set(arn, [...(received.get(arn) ?? []), ...records]);
    arrival.resolve();
    arrival = Promise.withResolvers();
    return Promise.resolve(new Set());
  },
}));
platform.targets.register(
  "lambda",
  createFunctionTargets({
    resolver: platform.registry,
    invoker: platform.invoker,
    random: systemRandom,
  }),
);

after(async () => {
  await platform[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
afterEach(() => {
  platform.setAsync(undefined);
  platform.logs.clear();
  received.clear();
  refusals = 0;
});

/** Waits, hearing of every change of the queue, until the next event is due at this time. */
async function nextDueAt(expected: number | undefined): Promise<void> {
  for await (const _ of store.watch(queue.range, AbortSignal.timeout(20_000)))
    if ((await queue.nextDueMs()) === expected) return;
  assert.fail(`next due at ${await queue.nextDueMs()}, not ${expected}`);
}

async function arrived(arn: string, count = 1): Promise<EventRecord[]> {
  while ((received.get(arn)?.length ?? 0) < count) await arrival.promise;
  return received.get(arn) ?? [];
}

async function send(revision: Revision, payload: unknown, hops = 0): Promise<string> {
  const context = contextOf(platform.tracer, clock);
  await platform.invoker.enqueue({
    target: targetOf(revision),
    payload: Buffer.from(JSON.stringify(payload)),
    context: { ...context, trace: { ...context.trace, hops } },
  });
  return context.requestId;
}

const failing = `export const handler = async (event) => { console.log("attempt", event.n); throw new Error("no luck"); };`;
const parsed = (record: EventRecord | undefined): unknown =>
  JSON.parse(Buffer.from(record?.event ?? []).toString());

test("an accepted event runs, and is gone", async () => {
  const revision = await platform.deploy(
    `export const handler = async (event) => console.log("ran", event.n);`,
  );
  await send(revision, { n: 41 });
  await platform.logged("ran 41");
  await nextDueAt(undefined);
});

test("function errors: again after one minute, then after two, then the dead-letter queue", async () => {
  const deadLetterArn = "arn:aws:sqs:eu-central-1:123456789012:dead";
  const onFailureArn = "arn:aws:sqs:eu-central-1:123456789012:failed";
  const revision = await platform.deploy(failing, { deadLetterArn });
  platform.setAsync({
    maxRetryAttempts: 2,
    maxAgeMs: 21_600_000,
    onSuccessArn: undefined,
    onFailureArn,
  });
  const t0 = clock.nowMs();
  const requestId = await send(revision, { n: 1, big: 12345678901234567890n.toString() });
  await nextDueAt(t0 + 60_000);
  await clock.advance(59_999);
  assert.equal(platform.logText().match(/attempt 1/g)?.length, 1);
  await clock.advance(1);
  await nextDueAt(t0 + 180_000);
  await clock.advance(120_000);
  const [dead] = await arrived(deadLetterArn);
  const [failed] = await arrived(onFailureArn);
  await nextDueAt(undefined);
  assert.equal(platform.logText().match(/attempt 1\n/g)?.length, 3);
  assert.equal(
    platform.logText().match(new RegExp(`START RequestId: ${requestId}`, "g"))?.length,
    3,
    "one request id for all attempts",
  );
  assert.deepEqual(parsed(dead), { n: 1, big: "12345678901234567890" });
  assert.deepEqual(dead?.attributes, {
    RequestID: { type: "String", value: requestId },
    ErrorCode: { type: "Number", value: "200" },
    ErrorMessage: { type: "String", value: "no luck" },
  });
  const record = parsed(failed) as { responsePayload: { errorMessage: string }; timestamp: string };
  assert.equal(record.responsePayload.errorMessage, "no luck");
  assert.deepEqual(
    { ...record, responsePayload: 0, timestamp: 0 },
    {
      version: "1.0",
      timestamp: 0,
      requestContext: {
        requestId,
        functionArn: `${revision.functionArn}:$LATEST`,
        condition: "RetriesExhausted",
        approximateInvokeCount: 3,
      },
      requestPayload: { n: 1, big: "12345678901234567890" },
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      responsePayload: 0,
    },
  );
});

test("success is told to its destination, again until it is heard", async () => {
  const onSuccessArn = "arn:aws:sqs:eu-central-1:123456789012:done";
  platform.setAsync({
    maxRetryAttempts: 0,
    maxAgeMs: 60_000,
    onSuccessArn,
    onFailureArn: undefined,
  });
  const revision = await platform.deploy(
    `export const handler = async (event) => ({ doubled: event.n * 2 });`,
  );
  refusals = 2;
  await send(revision, { n: 21 });
  await platform.logged("REPORT"); // from here on only deliveries run, and time may pass
  while ((received.get(onSuccessArn)?.length ?? 0) === 0) {
    await clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const record = parsed(received.get(onSuccessArn)?.[0]) as {
    requestContext: { condition: string };
    responsePayload: unknown;
  };
  assert.equal(record.requestContext.condition, "Success");
  assert.deepEqual(record.responsePayload, { doubled: 42 });
  await nextDueAt(undefined);
});

test("no retries when the setting says so", async () => {
  platform.setAsync({
    maxRetryAttempts: 0,
    maxAgeMs: 21_600_000,
    onSuccessArn: undefined,
    onFailureArn: undefined,
  });
  const revision = await platform.deploy(failing);
  await send(revision, { n: 5 });
  await platform.logged("attempt 5");
  await nextDueAt(undefined);
});

test("a throttled event waits with growing pauses until it is too old", async () => {
  const onFailureArn = "arn:aws:sqs:eu-central-1:123456789012:too-old";
  platform.setAsync({
    maxRetryAttempts: 2,
    maxAgeMs: 60_000,
    onSuccessArn: undefined,
    onFailureArn,
  });
  const revision = await platform.deploy(
    `export const handler = async () => console.log("never");`,
  );
  await platform.registry.write((edit) => {
    const id = { accountId: revision.accountId, region: revision.region, name: revision.name };
    const entry = edit.functions.get(id);
    if (entry) edit.functions.put(id, { ...entry, reservedConcurrency: 0 });
  });
  await send(revision, {});
  let pauses = 0;
  while ((received.get(onFailureArn)?.length ?? 0) === 0 && pauses++ < 2_000) {
    await clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const record = parsed(received.get(onFailureArn)?.[0]) as {
    requestContext: { condition: string; approximateInvokeCount: number };
  };
  assert.equal(record.requestContext.condition, "EventAgeExceeded");
  assert.equal(record.requestContext.approximateInvokeCount, 0);
  assert(!platform.logText().includes("never"));
  await nextDueAt(undefined);
});

test("a chain of calls that has run for sixteen hops ends in the dead-letter queue", async () => {
  const deadLetterArn = "arn:aws:sqs:eu-central-1:123456789012:loops";
  const revision = await platform.deploy(failing, { deadLetterArn });
  await send(revision, { n: 16 }, 16);
  const [dead] = await arrived(deadLetterArn);
  assert.deepEqual(parsed(dead), { n: 16 });
  await nextDueAt(undefined);
});

test("a function can be a destination: it gets the record as its event", async () => {
  const sink = await platform.deploy(
    `export const handler = async (event) => console.log("told of", event.responsePayload.answer);`,
  );
  platform.setAsync(undefined);
  const revision = await platform.deploy(`export const handler = async () => ({ answer: 4242 });`);
  let asked = 0;
  platform.setAsync({
    maxRetryAttempts: 0,
    maxAgeMs: 60_000,
    get onSuccessArn() {
      return asked++ === 0 ? sink.functionArn : undefined;
    },
    onFailureArn: undefined,
  });
  await send(revision, {});
  await platform.logged("told of 4242");
  await nextDueAt(undefined);
});

test("events of a function that no longer exists are dropped", async () => {
  const revision = await platform.deploy(failing);
  await platform.registry.write((edit) =>
    edit.functions.remove({
      accountId: revision.accountId,
      region: revision.region,
      name: revision.name,
    }),
  );
  await send(revision, {});
  await nextDueAt(undefined);
});

test("what a dead process held is taken up at once, what a living one holds is left alone", async () => {
  const other = createMemoryStore();
  const held = createAsyncQueue(other);
  const lease = (incarnation: string) => ({ host: "here", pid: 1, incarnation });
  const event = (requestId: string): QueuedEvent => ({
    requestId,
    accountId: "1",
    region: "r",
    name: "n",
    qualifier: undefined,
    functionArn: "arn",
    principalArn: "p",
    principalAccountId: "1",
    endpoint: "",
    clientContext: undefined,
    trace: { traceId: "t", spanId: undefined, sampled: true, hops: 0 },
    acceptedAtMs: 0,
    runs: 0,
    setbacks: 0,
    lease: undefined,
    delivery: undefined,
  });
  await held.add(event("a"), Buffer.from("1"), 10);
  await held.add(event("b"), Buffer.from("2"), 20);
  assert.deepEqual(
    (await held.claim({ nowMs: 15, untilMs: 1_000, limit: 9, lease: lease("dead") })).map(
      (one) => one.requestId,
    ),
    ["a"],
  );
  assert.deepEqual(
    (await held.claim({ nowMs: 25, untilMs: 2_000, limit: 9, lease: lease("alive") })).map(
      (one) => one.requestId,
    ),
    ["b"],
  );
  assert.deepEqual(
    await held.claim({ nowMs: 999, untilMs: 9, limit: 9, lease: lease("third") }),
    [],
  );
  assert.equal(await held.recover((one) => one.incarnation === "dead", 30), 1);
  assert.equal(await held.nextDueMs(), 30);
  await held.renew(["b"], lease("alive"), 5_000);
  const again = await held.claim({ nowMs: 2_500, untilMs: 9_000, limit: 9, lease: lease("third") });
  assert.deepEqual(
    again.map((one) => one.requestId),
    ["a"],
    "a renewed lease holds",
  );
  await held.remove("a");
  await held.remove("b");
  const left = await other.read((reader) => [...reader.list(eventRange)].length);
  assert.equal(left, 0);
  assert.equal(await held.nextDueMs(), undefined);
  await other[Symbol.asyncDispose]();
});

test("an event cut off by a stop is no failed attempt: it runs again after the restart", async () => {
  const shared = createMemoryStore();
  const directory = await mkdtemp(join(tmpdir(), "skerry-restart-"));
  const life = async (): Promise<Platform & { stop(): Promise<void> }> => {
    const time = createVirtualClock(startMs);
    const one = await startPlatform({ clock: time, store: shared, directory });
    // No retries: an attempt that counted would be the last.
    const never = { onSuccessArn: undefined, onFailureArn: undefined };
    one.setAsync({ maxRetryAttempts: 0, maxAgeMs: 60_000, ...never });
    return {
      ...one,
      async stop() {
        const stopped = one[Symbol.asyncDispose]();
        while (time.pendingCount > 0) {
          await time.advance(1_000);
          await new Promise((resolve) => setImmediate(resolve));
        }
        await stopped;
      },
    };
  };
  const first = await life();
  const slow = `export const handler = async () => { console.log("begun"); await new Promise((go) => setTimeout(go, 60_000)); };`;
  const revision = await first.deploy(slow, { timeoutMs: 900_000 });
  const context = contextOf(first.tracer, clock);
  await first.invoker.enqueue({ target: targetOf(revision), payload: Buffer.from("{}"), context });
  await first.logged("begun");
  await first.stop();
  const second = await life();
  await second.logged("begun");
  assert.match(second.logText(), new RegExp(`START RequestId: ${context.requestId}`));
  await second.stop();
  await shared[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
