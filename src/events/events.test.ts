import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock, type VirtualClock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { createSeededRandom } from "#base/random.ts";
import {
  createSources,
  createTargets,
  deliver,
  nextDeliveryMs,
  type EventRecord,
  type QueueSource,
  type Target,
} from "./events.ts";

const record = (id: string): EventRecord => ({ id, event: Buffer.from(id) });
const policy = { attemptsMax: 3, baseMs: 1_000, capMs: 10_000 };
const contextWith = (signal: AbortSignal): RequestContext => ({ signal }) as RequestContext; // all that delivery looks at

test("targets are found by the service in their ARN; one provider each", () => {
  const targets = createTargets();
  const target: Target = { deliver: () => Promise.resolve(new Set()) };
  targets.register("sqs", (arn) => (arn.endsWith(":known") ? target : undefined));
  assert.equal(targets.find("arn:aws:sqs:eu-central-1:1:known"), target);
  assert.equal(targets.find("arn:aws:sqs:eu-central-1:1:other"), undefined);
  assert.equal(targets.find("arn:aws:sns:eu-central-1:1:known"), undefined);
  assert.equal(targets.find("no arn"), undefined);
  assert.throws(() => targets.register("sqs", () => target), /one provider/);
});

test("sources are found like targets, in a registry of their own", () => {
  const sources = createSources();
  const source = { kind: "queue", arn: "arn:aws:sqs:eu-central-1:1:known" } as QueueSource; // all that finding looks at
  sources.register("sqs", (arn) => (arn === source.arn ? source : undefined));
  assert.equal(sources.find(source.arn), source);
  assert.equal(sources.find("arn:aws:sqs:eu-central-1:1:other"), undefined);
  assert.equal(sources.find("arn:aws:dynamodb:eu-central-1:1:table/t/stream/s"), undefined);
  assert.throws(() => sources.register("sqs", () => source), /one provider of sources for sqs/);
});

test("only what failed is sent again, and time passes between", async () => {
  const clock = createVirtualClock(0);
  const random = createSeededRandom(7);
  const seen: string[][] = [];
  const target: Target = {
    deliver: (records) => {
      seen.push(records.map((one) => one.id));
      return Promise.resolve(new Set(seen.length < 3 ? ["b"] : []));
    },
  };
  const done = deliver(
    { clock, random },
    { target, policy, context: contextWith(new AbortController().signal) },
    [record("a"), record("b")],
  );
  await passTime(clock, 30);
  await done;
  assert.deepEqual(seen, [["a", "b"], ["b"], ["b"]]);
  assert.equal(clock.pendingCount, 0);
});

test("it gives up with the last error, at once when nothing can help, and when told to stop", async () => {
  const clock = createVirtualClock(0);
  const random = createSeededRandom(7);
  const failing = (error: Error): Target => ({
    async deliver() {
      throw error;
    },
  });
  const to = (target: Target, signal = new AbortController().signal) => ({
    target,
    policy,
    context: contextWith(signal),
  });
  const exhausted = deliver({ clock, random }, to(failing(new Error("asleep"))), [record("a")]);
  const outcome = assert.rejects(exhausted, /asleep/);
  await passTime(clock, 60);
  await outcome;
  const final = failing(new PlatformError("target.unknown", "nobody"));
  await assert.rejects(deliver({ clock, random }, to(final), [record("a")]), {
    code: "target.unknown",
  });
  const stop = new AbortController();
  const stopped = deliver({ clock, random }, to(failing(new Error("asleep")), stop.signal), [
    record("a"),
  ]);
  const reason = assert.rejects(stopped, /enough/);
  stop.abort(new Error("enough"));
  await reason;
  assert.equal(clock.pendingCount, 0);
});

/** Second by second, so that what wakes up can go to sleep again. */
async function passTime(clock: VirtualClock, seconds: number): Promise<void> {
  for (let n = 0; n < seconds; n++) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
  }
}

test("pauses grow to the cap and end with the policy", () => {
  const random = { fraction: () => 0.999, bytes: () => new Uint8Array() };
  assert.equal(nextDeliveryMs(1, policy, { nowMs: 0, random }), 1_998);
  assert.equal(nextDeliveryMs(2, policy, { nowMs: 0, random }), 3_996);
  assert.equal(nextDeliveryMs(3, policy, { nowMs: 0, random }), undefined);
});
