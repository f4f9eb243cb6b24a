import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { deadLetter, destinationRecord } from "./destination-record.ts";
import { decideFate, isTooOld } from "./fate.ts";
import { createAdmission } from "./admission.ts";
import { ThrottledError } from "./errors.ts";
import type { Delivery, QueuedEvent } from "./queued-event.ts";
import type { ResolvedFunction } from "#functions/registry/registry.ts";

const event: QueuedEvent = {
  requestId: "id",
  accountId: "1",
  region: "r",
  name: "n",
  qualifier: "live",
  functionArn: "arn:f",
  principalArn: "p",
  principalAccountId: "1",
  endpoint: "",
  clientContext: undefined,
  trace: { traceId: "t", spanId: undefined, sampled: true, hops: 0 },
  acceptedAtMs: 1_000,
  runs: 0,
  setbacks: 0,
  lease: undefined,
  delivery: undefined,
};
const seed = Date.now() & 0xffff;
const rules = {
  config: undefined,
  deadLetterArn: undefined,
  nowMs: 10_000,
  random: createSeededRandom(seed),
};

test(`setbacks pause from one second to five minutes (seed ${seed})`, () => {
  let current = event;
  let longest = 0;
  for (let n = 0; n < 40; n++) {
    const fate = decideFate(current, { kind: "setback" }, rules);
    assert(fate.kind === "again");
    const pauseMs = fate.dueMs - rules.nowMs;
    assert(pauseMs >= 1_000 && pauseMs <= 300_000, `${pauseMs}`);
    longest = Math.max(longest, pauseMs);
    current = fate.event;
  }
  assert(longest > 60_000);
  assert.equal(current.runs, 0, "a throttle is no attempt");
});

test("age is judged by the setting, six hours without one", () => {
  const config = {
    maxRetryAttempts: 2,
    maxAgeMs: 60_000,
    onSuccessArn: undefined,
    onFailureArn: undefined,
  };
  assert(!isTooOld(event, config, 61_000));
  assert(isTooOld(event, config, 61_001));
  assert(!isTooOld(event, undefined, 6 * 3_600_000));
  assert(isTooOld(event, undefined, 6 * 3_600_000 + 1_001));
});

test("payloads are passed on as text, numbers untouched; what is no JSON becomes a string", () => {
  const delivery: Delivery = {
    targets: [],
    condition: "Success",
    attempts: 0,
    response: { executedVersion: "7", functionError: undefined, errorMessage: undefined },
  };
  const told = { ...event, delivery };
  const text = (request: string, response: string | undefined): string =>
    Buffer.from(
      destinationRecord(
        told,
        {
          request: Buffer.from(request),
          response: response === undefined ? undefined : Buffer.from(response),
        },
        0,
      ).event,
    ).toString();
  assert.match(
    text(`{"n":12345678901234567890}`, "null"),
    /"requestPayload":\{"n":12345678901234567890\}/,
  );
  assert.match(text("not json", undefined), /"requestPayload":"not json"/);
  assert.match(text("", undefined), /"requestPayload":null/);
  assert.match(text("1", undefined), /"functionArn":"arn:f:live"/);
});

test("a dead letter's message is at most a kilobyte and never ends in half a character", () => {
  const errorMessage = "é".repeat(2_000);
  const delivery: Delivery = {
    targets: [],
    condition: "RetriesExhausted",
    attempts: 0,
    response: { executedVersion: "7", functionError: "Unhandled", errorMessage },
  };
  const message =
    deadLetter({ ...event, delivery }, Buffer.from("{}")).attributes?.["ErrorMessage"]?.value ?? "";
  assert.equal(message, "é".repeat(512));
});

test("provisioned concurrency is set aside too, and what goes beyond it shares with the others", () => {
  const admission = createAdmission({ accountConcurrency: 3 });
  const target = (name: string, provisionedConcurrency?: number) =>
    ({
      revision: { accountId: "1", region: "r", functionArn: name },
      reservedConcurrency: undefined,
      provisionedConcurrency,
    }) as ResolvedFunction; // all that admission looks at
  const first = admission.admit(target("a", 2));
  const other = admission.admit(target("b"));
  assert.throws(() => admission.admit(target("b")), {
    reason: "ConcurrentInvocationLimitExceeded",
  });
  const second = admission.admit(target("a", 2));
  assert.throws(
    () => admission.admit(target("a", 2)),
    ThrottledError,
    "nothing left to spill into",
  );
  other[Symbol.dispose]();
  const spilled = admission.admit(target("a", 2));
  for (const place of [first, second, spilled]) place[Symbol.dispose]();
  assert.equal(admission.runningCount, 0);
});

test("reservations are set aside from what the others share", () => {
  const admission = createAdmission({ accountConcurrency: 5 });
  const target = (name: string, reservedConcurrency?: number) =>
    ({
      revision: { accountId: "1", region: "r", functionArn: name },
      reservedConcurrency,
    }) as ResolvedFunction; // all that admission looks at
  const held = [
    admission.admit(target("a", 3)),
    admission.admit(target("b")),
    admission.admit(target("b")),
  ];
  assert.throws(() => admission.admit(target("c")), ThrottledError);
  held.push(admission.admit(target("a", 3)), admission.admit(target("a", 3)));
  assert.throws(() => admission.admit(target("a", 3)), /Rate Exceeded/);
  assert.equal(admission.runningCount, 5);
  for (const place of held) {
    place[Symbol.dispose]();
    place[Symbol.dispose]();
  }
  assert.equal(admission.runningCount, 0);
  admission.admit(target("c"))[Symbol.dispose]();
});
