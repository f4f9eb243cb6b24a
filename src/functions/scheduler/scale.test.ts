import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { pickWarm, plan, type Demand, type Limits, type Supply } from "./scheduler.ts";

const limits: Limits = {
  memoryMiBMax: 2_048,
  startsMax: 4,
  genericMemoryMiB: 256,
  genericPerKind: 1,
  kindsInUse: ["node"],
  idleTimeoutMs: 60_000,
};
const nothing: Supply = { idle: [], starting: [], returning: [], generic: [], reservedMiB: 0 };
const wants = (name: string, waiting: readonly number[], more: Partial<Demand> = {}): Demand => ({
  key: name,
  functionArn: name,
  kind: "node",
  memoryMiB: 256,
  dedicated: false,
  waitingSinceMs: waiting,
  ...more,
});
const idle = (id: string, lastUsedMs: number, memoryMiB = 512) => ({
  id,
  key: id,
  memoryMiB,
  lastUsedMs,
});

test("the environment used last serves next", () => {
  assert.equal(pickWarm([idle("a", 1), idle("b", 3), idle("c", 2)])?.id, "b");
  assert.equal(pickWarm([]), undefined);
});

test("starts are shared between functions, not taken by the first in line", () => {
  const crowd = wants(
    "crowd",
    Array.from({ length: 100 }, (_, n) => n),
  );
  const late = wants("late", [500]);
  const decided = plan([crowd, late], nothing, limits, 1_000);
  assert.deepEqual(
    decided.start.map((one) => one.key),
    ["crowd", "late", "crowd", "crowd"],
  );
});

test("a waiter that is already covered starts nothing", () => {
  const supply = { ...nothing, starting: [{ key: "f", functionArn: "f" }], returning: ["f"] };
  assert.equal(plan([wants("f", [1, 2])], supply, limits, 10).start.length, 0);
  assert.equal(plan([wants("f", [1, 2, 3])], supply, limits, 10).start.length, 1);
});

test("a generic sandbox is used when there is one, and refilled when starts are left", () => {
  const supply = {
    ...nothing,
    generic: [{ kind: "node", ready: 1, booting: 0 }],
    reservedMiB: 256,
  };
  const decided = plan([wants("f", [1])], supply, limits, 10);
  assert.deepEqual(decided.start, [{ key: "f", generic: true }]);
  assert.deepEqual(decided.boot, ["node"]);
  const dedicated = plan([wants("f", [1], { dedicated: true })], supply, limits, 10);
  assert.deepEqual(dedicated.start, [{ key: "f", generic: false }]);
});

test("memory: idle environments end oldest first, generic ones after them, and only if it helps", () => {
  const supply: Supply = {
    ...nothing,
    idle: [idle("new", 90), idle("old", 10), idle("middle", 50)],
    generic: [{ kind: "python", ready: 1, booting: 0 }],
    reservedMiB: 3 * 512 + 256 + 256,
  };
  const small = plan([wants("f", [1], { memoryMiB: 500 })], supply, limits, 100);
  assert.deepEqual(small.end, ["old"]);
  assert.deepEqual(small.boot, [], "no refill with what was just freed");
  const big = plan([wants("f", [1], { memoryMiB: 1_700 })], supply, limits, 100);
  assert.deepEqual(big.end, ["old", "middle", "new"]);
  assert.deepEqual(big.endGeneric, ["python"]);
  const huge = plan([wants("f", [1], { memoryMiB: 4_000 })], supply, limits, 100);
  assert.deepEqual([huge.start, huge.end, huge.endGeneric], [[], [], []]);
});

test("idle environments end after the idle time, and the plan says when to look again", () => {
  const supply = { ...nothing, idle: [idle("old", 0), idle("young", 50_000)], reservedMiB: 1_024 };
  const decided = plan([], supply, limits, 60_000);
  assert.deepEqual(decided.end, ["old"]);
  assert.equal(decided.againAtMs, 110_000);
});

test("simulation: never over budget or over the starts, nobody starves, all scales to zero", () => {
  const seed = Date.now() & 0xffff;
  const random = createSeededRandom(seed);
  const names = ["a", "b", "c", "d", "e", "f"];
  const memoryOf = (name: string): number => 128 * (1 + names.indexOf(name));
  const waiting = new Map<string, number[]>(names.map((name) => [name, []]));
  let environments: {
    id: string;
    key: string;
    memoryMiB: number;
    lastUsedMs: number;
    state: "starting" | "busy" | "idle";
    untilMs: number;
  }[] = [];
  let generic = { ready: 0, booting: 0, untilMs: 0 };
  const takeGeneric = (): void => {
    if (generic.ready > 0) generic.ready--;
    else generic.booting--;
  };
  let count = 0;
  let served = 0;
  for (let nowMs = 0; nowMs < 400_000; nowMs += 50) {
    for (const one of environments) {
      if (one.state === "idle" || one.untilMs > nowMs) continue;
      const next = waiting.get(one.key)?.shift();
      one.lastUsedMs = nowMs;
      if (next === undefined) one.state = "idle";
      else {
        assert(nowMs - next < 60_000, `${one.key} waited ${nowMs - next} ms (seed ${seed})`);
        served++;
        Object.assign(one, { state: "busy", untilMs: nowMs + 50 + random.fraction() * 400 });
      }
    }
    if (generic.booting > 0 && generic.untilMs <= nowMs)
      generic = { ...generic, ready: generic.ready + 1, booting: 0 };
    if (nowMs < 200_000)
      for (const name of names) if (random.fraction() < 0.05) waiting.get(name)?.push(nowMs);
    for (const [key, line] of waiting) {
      const warm =
        line.length > 0 &&
        pickWarm(environments.filter((one) => one.state === "idle" && one.key === key));
      if (!warm) continue;
      line.shift();
      served++;
      Object.assign(warm, { state: "busy", untilMs: nowMs + 100 });
    }
    const reservedMiB =
      environments.reduce((sum, one) => sum + one.memoryMiB, 0) +
      (generic.ready + generic.booting) * 256;
    assert(reservedMiB <= limits.memoryMiBMax, `${reservedMiB} MiB (seed ${seed})`);
    const starting = environments.filter((one) => one.state === "starting");
    assert(starting.length + generic.booting <= limits.startsMax, `seed ${seed}`);
    const decided = plan(
      [...waiting]
        .filter(([, line]) => line.length > 0)
        .map(([name, line]) => wants(name, line, { memoryMiB: memoryOf(name) })),
      {
        idle: environments.filter((one) => one.state === "idle"),
        starting: starting.map((one) => ({ key: one.key, functionArn: one.key })),
        returning: [],
        generic: [{ kind: "node", ...generic }],
        reservedMiB,
      },
      { ...limits, kindsInUse: nowMs < 200_000 ? ["node"] : [] },
      nowMs,
    );
    environments = environments.filter((one) => !decided.end.includes(one.id));
    for (const _ of decided.endGeneric) takeGeneric();
    for (const start of decided.start) {
      if (start.generic) takeGeneric();
      environments.push({
        id: `e${count++}`,
        key: start.key,
        memoryMiB: memoryOf(start.key),
        lastUsedMs: nowMs,
        state: "starting",
        untilMs: nowMs + (start.generic ? 30 : 150),
      });
    }
    if (decided.boot.length > 0)
      generic = {
        ready: generic.ready,
        booting: generic.booting + decided.boot.length,
        untilMs: nowMs + 150,
      };
  }
  assert(served > 500);
  assert.deepEqual(environments, [], `all idle environments have ended (seed ${seed})`);
  assert([...waiting.values()].every((line) => line.length === 0));
});
