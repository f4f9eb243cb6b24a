import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet, pickWarm, plan, type Limits, type Supply, type Waiting } from "./scheduler.ts";

const limits: Limits = {
  memoryMiBMax: 2_048,
  startsMax: 4,
  genericMemoryMiB: 256,
  genericPerKind: 1,
  kindsInUse: ["node"],
};

interface Given {
  readonly idle?: readonly {
    readonly id: string;
    readonly keepUntilMs?: number;
    readonly frequency?: number;
    readonly isProvisioned?: boolean;
  }[];
  readonly starting?: readonly string[];
  readonly returning?: readonly string[];
  readonly generic?: Supply["generic"];
  readonly reservedMiB?: number;
}

const idleMiB = 512;

/** The real fleet, told what a pool would have told it. */
function fleetOf({ idle = [], starting = [], returning = [], ...more }: Given): Fleet {
  const frequencies = new Map(idle.map(({ id, frequency = 1 }) => [id, frequency]));
  const fleet = new Fleet({
    generic: more.generic ?? [],
    reservedMiB: more.reservedMiB ?? 0,
    returningOf: (key) => returning.filter((one) => one === key).length,
    idleOf: (key) => idle.filter((one) => one.id === key).length,
    worthOf: ({ id }) => frequencies.get(id) ?? 1,
  });
  for (const { id, keepUntilMs = Infinity, isProvisioned = false } of idle)
    fleet.rest({ id, key: id, functionArn: id, memoryMiB: idleMiB, keepUntilMs }, isProvisioned);
  for (const key of starting) fleet.begin({ key, functionArn: key, accountId: "one" });
  return fleet;
}

const wants = (name: string, since: readonly number[], more: Partial<Waiting> = {}): Waiting => ({
  key: name,
  functionArn: name,
  accountId: "one",
  kind: "node",
  memoryMiB: 256,
  dedicated: false,
  count: since.length,
  sinceMs: (place) => since[place] ?? Infinity,
  concurrency: 1,
  busyCount: 0,
  callMs: undefined,
  startMs: 200,
  ...more,
});
const calls = (...waiting: readonly Waiting[]) => ({ waiting, ahead: [] });
const keysOf = (decided: ReturnType<typeof plan>): string[] => decided.start.map((one) => one.key);
const crowd = Array.from({ length: 100 }, (_, n) => n);

test("the environment used last serves next, a provisioned one before all others", () => {
  const idle = (id: string, lastUsedMs: number, isProvisioned = false) => ({
    id,
    lastUsedMs,
    isProvisioned,
  });
  assert.equal(pickWarm([idle("a", 1), idle("b", 3), idle("c", 2)])?.id, "b");
  assert.equal(pickWarm([idle("a", 1, true), idle("b", 3), idle("c", 2, true)])?.id, "c");
  assert.equal(pickWarm([idle("b", 3), idle("a", 1, true)])?.id, "a");
  assert.equal(pickWarm([]), undefined);
});

test("starts are shared between functions, not taken by the first in line", () => {
  const decided = plan(
    calls(wants("crowd", crowd), wants("late", [500])),
    fleetOf({}),
    limits,
    1_000,
  );
  assert.deepEqual(keysOf(decided), ["crowd", "late", "crowd", "crowd"]);
});

test("starts are shared between accounts before they are shared between functions", () => {
  const many = ["a", "b", "c"].map((name) => wants(name, crowd));
  const other = wants("other", [900], { accountId: "two" });
  const decided = plan(calls(...many, other), fleetOf({}), limits, 1_000);
  assert.deepEqual(keysOf(decided), ["a", "other", "b", "c"]);
  const more = { ...limits, startsMax: 6 };
  const twice = plan(calls(...many, { ...other, count: 3 }), fleetOf({}), more, 1_000);
  assert.equal(keysOf(twice).filter((key) => key === "other").length, 3, "half of the starts");
});

test("a waiter that is already covered starts nothing", () => {
  const supply = fleetOf({ starting: ["f"], returning: ["f"] });
  assert.equal(plan(calls(wants("f", [1, 2])), supply, limits, 10).start.length, 0);
  assert.equal(plan(calls(wants("f", [1, 2, 3])), supply, limits, 10).start.length, 1);
});

test("busy environments of a fast function serve a crowd sooner than starts would", () => {
  const fast = { busyCount: 2, callMs: 1, startMs: 200 };
  const decided = plan(calls(wants("f", [90, 95, 99], fast)), fleetOf({}), limits, 100);
  assert.deepEqual(decided.start, []);
  assert.equal(decided.againAtMs, 90 + 50, "when the first of them has waited too long");
  const late = plan(calls(wants("f", [90, 95, 99], fast)), fleetOf({}), limits, 150);
  assert.equal(late.start.length, 3);
  const slow = { ...fast, callMs: 500 };
  assert.equal(
    plan(calls(wants("f", [90, 95, 99], slow)), fleetOf({}), limits, 100).start.length,
    3,
  );
});

test("an environment that takes several serves as many of the crowd", () => {
  const several = { concurrency: 50 };
  const starts = (count: number, given: Given, more: Partial<Waiting> = {}): number =>
    plan(
      calls(wants("f", crowd.slice(0, count), { ...several, ...more })),
      fleetOf(given),
      limits,
      1_000,
    ).start.length;
  assert.equal(starts(100, {}), 2);
  assert.equal(starts(50, { starting: ["f"] }), 0);
  assert.equal(starts(51, { starting: ["f"] }), 1);
  assert.equal(starts(50, { idle: [{ id: "f" }] }), 0);
  assert.equal(starts(100, { starting: ["f"], idle: [{ id: "f" }] }), 0);
});

test("a generic sandbox is used when there is one, and refilled when starts are left", () => {
  const supply = fleetOf({ generic: [{ kind: "node", ready: 1, booting: 0 }], reservedMiB: 256 });
  const decided = plan(calls(wants("f", [1])), supply, limits, 10);
  assert.deepEqual(decided.start, [{ key: "f", generic: true, purpose: "call" }]);
  assert.deepEqual(decided.boot, ["node"]);
  const dedicated = plan(calls(wants("f", [1], { dedicated: true })), supply, limits, 10);
  assert.deepEqual(dedicated.start, [{ key: "f", generic: false, purpose: "call" }]);
});

test("memory: what is worth least ends first, generic ones after, and only if it helps", () => {
  const supply = fleetOf({
    idle: [
      { id: "often", frequency: 90 },
      { id: "seldom", frequency: 1 },
      { id: "sometimes", frequency: 10 },
      { id: "paid", frequency: 0, isProvisioned: true },
    ],
    generic: [{ kind: "python", ready: 1, booting: 0 }],
    reservedMiB: 4 * idleMiB,
  });
  const room = { ...limits, memoryMiBMax: 2_048 };
  const idsFor = (memoryMiB: number) => {
    const { end, endGeneric, boot, start } = plan(
      calls(wants("f", [1], { memoryMiB })),
      supply,
      room,
      100,
    );
    return { ids: end.map((one) => one.id), endGeneric, boot, started: start.length };
  };
  assert.deepEqual(idsFor(500), { ids: ["seldom"], endGeneric: [], boot: [], started: 1 });
  assert.deepEqual(idsFor(1_700), {
    ids: ["seldom", "sometimes", "often"],
    endGeneric: ["python"],
    boot: [],
    started: 1,
  });
  assert.deepEqual(idsFor(1_800), { ids: [], endGeneric: [], boot: [], started: 0 });
});

test("greedy dual: after an eviction, newcomers are worth more than what has only been used often", () => {
  const fleet = fleetOf({
    idle: [
      { id: "old", frequency: 20 },
      { id: "first", frequency: 1 },
    ],
  });
  for (let n = 0; n < 30; n++) {
    const [least] = [...fleet.evictable()];
    if (least?.id === "old") return;
    fleet.leave(least?.id ?? "", "evicted");
    const [id, key] = [`new${n}`, "new"];
    fleet.rest({ id, key, functionArn: key, memoryMiB: idleMiB, keepUntilMs: Infinity }, false);
  }
  assert.fail("what is not used any more was never evicted");
});

test("what is idle makes up for a budget that was lowered, where it may be; what waits says what it lacks", () => {
  const supply = fleetOf({
    idle: [
      { id: "often", frequency: 9 },
      { id: "seldom", frequency: 1 },
    ],
    generic: [{ kind: "node", ready: 1, booting: 0 }],
    reservedMiB: 1_280,
  });
  const lowered = { ...limits, mustFit: true, kindsInUse: [] };
  const after = (memoryMiBMax: number) => plan(calls(), supply, { ...lowered, memoryMiBMax }, 0);
  const ended = (memoryMiBMax: number) => after(memoryMiBMax).end.map((one) => one.id);
  assert.deepEqual(ended(1_280), []);
  assert.deepEqual(ended(1_279), ["seldom"]);
  assert.deepEqual(ended(300), ["seldom", "often"]);
  assert.deepEqual(after(0).endGeneric, ["node"]);
  assert.deepEqual(
    plan(calls(), supply, { ...lowered, mustFit: false, memoryMiBMax: 0 }, 0).end,
    [],
  );
  // 2,048 - 1,280 are free and 1,024 + 256 can be made free; the second of these two lacks the rest.
  const two = calls(wants("large", [0, 0], { memoryMiB: 1_500, dedicated: true }));
  assert.equal(plan(two, supply, lowered, 0).missingMiB, 2 * 1_500 - 2_048);
  assert.equal(plan(calls(wants("small", [0])), supply, lowered, 0).missingMiB, 0);
});

test("a large waiter is passed over for a while, then room is kept for it", () => {
  const supply = fleetOf({ reservedMiB: 1_500 });
  const large = wants("large", [0], { memoryMiB: 1_024 });
  const small = wants("small", [10]);
  assert.deepEqual(keysOf(plan(calls(large, small), supply, limits, 100)), ["small"]);
  assert.deepEqual(keysOf(plan(calls(large, small), supply, limits, 3_000)), []);
  const given = plan(calls(large, small), supply, limits, 20_000);
  assert.deepEqual(keysOf(given), ["small"], "nobody is held up for ever by what does not come");
});

test("idle environments end when their time is over, and the plan says when to look again", () => {
  const supply = fleetOf({
    idle: [
      { id: "old", keepUntilMs: 60_000 },
      { id: "young", keepUntilMs: 110_000 },
    ],
    reservedMiB: 1_024,
  });
  const decided = plan(calls(), supply, limits, 60_000);
  assert.deepEqual(decided.end, [{ id: "old", why: "expired" }]);
  assert.equal(decided.againAtMs, 110_000);
});

test("provisioned environments make room for themselves, foreseen calls do not, both come after callers", () => {
  const idle = [{ id: "idle" }];
  const supply = fleetOf({ idle, reservedMiB: 2_048 });
  const wanted = wants("f", []);
  const ahead = (purpose: "provisioned" | "prewarm", count = 1) => [{ ...wanted, purpose, count }];
  const foreseen = plan({ waiting: [], ahead: ahead("prewarm") }, supply, limits, 0);
  assert.deepEqual([foreseen.start, foreseen.end], [[], []]);
  const paid = plan({ waiting: [], ahead: ahead("provisioned") }, supply, limits, 0);
  assert.deepEqual(
    [paid.start.map((one) => one.purpose), paid.end],
    [["provisioned"], [{ id: "idle", why: "evicted" }]],
  );
  const free = fleetOf({});
  const many = plan({ waiting: [], ahead: ahead("provisioned", 50) }, free, limits, 0);
  assert.equal(many.start.length, 2, "half of the starts stay free for whoever calls next");
  const waiting = [wants("g", crowd)];
  const busy = plan({ waiting, ahead: ahead("provisioned", 50) }, free, limits, 0);
  assert.deepEqual(keysOf(busy), ["g", "g", "g", "g"]);
});
