import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import type { Subscription } from "./subscription.ts";
import { Telemetry } from "./telemetry.ts";

const subscription: Subscription = {
  api: "telemetry",
  schemaVersion: "2022-12-13",
  types: ["platform", "function"],
  destination: { protocol: "HTTP", port: 8080, path: "/", method: "POST" },
  buffering: { maxItems: 1_000, maxBytes: 262_144, timeoutMs: 1_000 },
};

/** Telemetry with an owned clock and a receiver that takes what it is told to. */
function setUp(): {
  telemetry: Telemetry;
  clock: ReturnType<typeof createVirtualClock>;
  received: string[][];
  receiver: { takes: boolean };
  say: (record: string) => void;
} {
  const clock = createVirtualClock(0);
  const received: string[][] = [];
  const receiver = { takes: true };
  const telemetry = new Telemetry({
    clock,
    deliver: async (_destination, body) => {
      const events = JSON.parse(Buffer.from(body).toString()) as { record: string }[]; // ours
      received.push(events.map((event) => event.record));
      return receiver.takes;
    },
  });
  const say = (record: string): void =>
    telemetry.publish({ time: "2026-11-25T10:00:00.000Z", type: "function", record });
  return { telemetry, clock, received, receiver, say };
}

describe("telemetry", () => {
  test("waits for its time and goes out together", async () => {
    const { telemetry, clock, received, say } = setUp();
    telemetry.subscribe("one", subscription);
    say("a");
    await clock.advance(999);
    assert.deepEqual(received, []);
    say("b");
    await clock.advance(1);
    assert.deepEqual(received, [["a", "b"]]);
  });

  test("goes out at once when the buffer is full, in pieces of at most that many", async () => {
    const { telemetry, clock, received, say } = setUp();
    telemetry.subscribe("one", subscription);
    for (let n = 0; n < 1_500; n++) say(String(n));
    await clock.advance(0);
    await telemetry.flush();
    assert.deepEqual(
      received.map((batch) => batch.length),
      [1_000, 500],
    );
  });

  test("of init is kept for who subscribes later in init, and for nobody after it", async () => {
    const { telemetry, received, say } = setUp();
    say("early");
    assert.equal(telemetry.isWanted, true);
    telemetry.subscribe("one", subscription);
    telemetry.close();
    await telemetry.flush();
    assert.deepEqual(received, [["early"]]);
    const other = setUp();
    other.telemetry.close();
    assert.equal(other.telemetry.isWanted, false);
  });

  test("that was not taken is tried again, ever more slowly, in order", async () => {
    const { telemetry, clock, received, receiver, say } = setUp();
    telemetry.subscribe("one", subscription);
    receiver.takes = false;
    say("a");
    await clock.advance(1_000);
    say("b");
    await clock.advance(2_000);
    await clock.advance(3_999);
    assert.deepEqual(received, [["a"], ["a", "b"]]);
    receiver.takes = true;
    await clock.advance(1);
    assert.deepEqual(received.at(-1), ["a", "b"]);
    await telemetry.flush();
    assert.equal(received.length, 3);
  });

  test("beyond what a slow receiver may have outstanding is dropped and counted", async () => {
    const { telemetry, clock, received, receiver, say } = setUp();
    telemetry.subscribe("one", subscription);
    receiver.takes = false;
    const line = "x".repeat(100_000);
    for (let n = 0; n < 20; n++) say(line);
    await clock.advance(0);
    receiver.takes = true;
    received.length = 0;
    await telemetry.flush();
    const all = received.flat();
    assert.equal(all.filter((record) => record === line).length, 10);
    const [dropped] = all.filter((record) => typeof record === "object") as unknown as {
      droppedRecords: number;
    }[]; // the platform's own record is an object
    assert.equal(dropped?.droppedRecords, 10);
  });
});
