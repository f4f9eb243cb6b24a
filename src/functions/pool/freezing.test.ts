import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { dueToFreeze, Freezer, type Freezable } from "./freezing.ts";

describe("which idle environments are due", () => {
  const line = (...sinceMs: readonly (number | undefined)[]) =>
    sinceMs.map((idleSinceMs) => ({ idleSinceMs }));

  test("those whose grace is over; the others wait, and the next one's time is told", () => {
    const [a, b, c, d] = line(0, 180, 100, 101);
    assert(a && b && c && d);
    const all = [a, b, c, d];
    assert.deepEqual(dueToFreeze(all, 100, 200), { due: [a, c], waiting: [b, d], againAtMs: 201 });
    assert.deepEqual(dueToFreeze(all, 100, 99), { due: [], waiting: all, againAtMs: 100 });
  });

  test("whoever is in use again leaves the line", () => {
    const none = { due: [], waiting: [], againAtMs: undefined };
    assert.deepEqual(dueToFreeze(line(undefined, undefined), 100, 5_000), none);
  });

  test("nobody idle needs no second look, no grace freezes at once", () => {
    const [one] = line(5);
    assert(one);
    assert.deepEqual(dueToFreeze([], 100, 5), { due: [], waiting: [], againAtMs: undefined });
    assert.deepEqual(dueToFreeze([one], 0, 5), { due: [one], waiting: [], againAtMs: undefined });
  });
});

describe("freezing by the clock", () => {
  interface Recorded extends Freezable {
    readonly orders: string[];
  }
  const environment = (answer: () => Promise<void> = () => Promise.resolve()): Recorded => {
    const orders: string[] = [];
    return {
      orders,
      isFrozen: false,
      idleSinceMs: undefined,
      setFrozen(frozen) {
        orders.push(frozen ? "freeze" : "thaw");
        return answer();
      },
      disobeyed: () => void orders.push("disobeyed"),
    };
  };
  const open = (canFreeze = true) => {
    const clock = createVirtualClock(0);
    const events: string[] = [];
    const freezer = new Freezer<Recorded>({
      clock,
      log: { event: (name) => void events.push(name) },
      graceMs: 250,
      canFreeze: () => Promise.resolve(canFreeze),
    });
    return { clock, events, freezer };
  };

  test("one that stays idle is frozen after the grace and thawed when it is lent", async () => {
    const { clock, freezer } = open();
    const one = environment();
    freezer.idle(one);
    await clock.advance(249);
    assert.deepEqual(one.orders, []);
    await clock.advance(1);
    assert.deepEqual(one.orders, ["freeze"]);
    assert.equal(one.isFrozen, true);
    freezer.taken(one, { thaw: true });
    assert.deepEqual(one.orders, ["freeze", "thaw"], "at once, without waiting for anything");
    assert.equal(one.isFrozen, false);
    assert.equal(clock.pendingCount, 0, "no timer while nobody is idle");
  });

  test("one that is used again within the grace is never frozen, and one timer is enough for all", async () => {
    const { clock, freezer } = open();
    const [busy, idle] = [environment(), environment()];
    freezer.idle(idle);
    for (let use = 0; use < 20; use++) {
      freezer.idle(busy);
      assert.equal(clock.pendingCount <= 1, true);
      await clock.advance(100);
      freezer.taken(busy, { thaw: true });
    }
    assert.deepEqual(busy.orders, []);
    assert.deepEqual(idle.orders, ["freeze"]);
    await clock.advance(1_000);
    assert.equal(clock.pendingCount, 0);
  });

  test("each is frozen at its own time", async () => {
    const { clock, freezer } = open();
    const [first, second] = [environment(), environment()];
    freezer.idle(first);
    await clock.advance(100);
    freezer.idle(second);
    await clock.advance(150);
    assert.deepEqual([first.orders, second.orders], [["freeze"], []]);
    await clock.advance(100);
    assert.deepEqual(second.orders, ["freeze"]);
  });

  test("one that ends is not thawed first, and is not frozen afterwards", async () => {
    const { clock, freezer } = open();
    const [frozen, ending] = [environment(), environment()];
    freezer.idle(frozen);
    await clock.advance(250);
    freezer.idle(ending);
    for (const one of [frozen, ending]) freezer.taken(one, { thaw: false });
    await clock.advance(1_000);
    assert.deepEqual([frozen.orders, ending.orders], [["freeze"], []]);
  });

  test("one that does not obey is reported and told of", async () => {
    const { clock, events, freezer } = open();
    const one = environment(() => Promise.reject(new Error("no such group")));
    freezer.idle(one);
    await clock.advance(250);
    await Promise.resolve();
    assert.deepEqual(one.orders, ["freeze", "disobeyed"]);
    assert.deepEqual(events, ["environment.freeze-failed"]);
  });

  test("a host that cannot freeze is asked once and nothing is ordered", async () => {
    const { clock, freezer } = open(false);
    const one = environment();
    freezer.idle(one);
    await clock.advance(250);
    freezer.taken(one, { thaw: true });
    freezer.idle(one);
    await clock.advance(1_000);
    assert.deepEqual(one.orders, []);
    assert.equal(clock.pendingCount, 0);
  });
});
