import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { alive, areReady, areRegistered, decide, initialExtensions } from "./state.ts";
import type { ExtensionsEvent, ExtensionsState } from "./state.ts";

interface Followed {
  readonly state: ExtensionsState;
  /** Ids delivered to by the last event. */
  readonly deliver: readonly string[];
}

function follow(events: readonly ExtensionsEvent[], from = initialExtensions): Followed {
  let reached: Followed = { state: from, deliver: [] };
  for (const event of events) {
    const decision = decide(reached.state, event);
    assert.ok(decision.accepted, `${event.kind}: ${JSON.stringify(decision)}`);
    reached = decision;
  }
  return reached;
}

function refusal(state: ExtensionsState, event: ExtensionsEvent): readonly string[] {
  const decision = decide(state, event);
  assert.ok(!decision.accepted, `${event.kind} was accepted`);
  return [decision.refusal.errorType, decision.refusal.errorMessage];
}

const register = (
  name: string,
  events: readonly string[] = ["INVOKE", "SHUTDOWN"],
): ExtensionsEvent => ({ kind: "register", id: `id of ${name}`, name, events });
const next = (name: string): ExtensionsEvent => ({ kind: "next", id: `id of ${name}` });
const launched: ExtensionsEvent = { kind: "launched", names: ["one", "two"] };
const ready: readonly ExtensionsEvent[] = [
  launched,
  register("one"),
  register("two", ["INVOKE"]),
  next("one"),
  next("two"),
  { kind: "runtime-ready" },
];

describe("extensions", () => {
  test("the runtime may start when every external one has registered, not before", () => {
    assert.equal(areRegistered(follow([]).state), true);
    assert.equal(areRegistered(follow([launched, register("one")]).state), false);
    assert.equal(areRegistered(follow([launched, register("one"), register("two")]).state), true);
  });

  test("init is over for them when all have asked for an event", () => {
    assert.equal(areReady(follow(ready.slice(0, 4)).state), false);
    assert.equal(areReady(follow(ready).state), true);
  });

  test("an invocation wakes those that want it, and ends when they ask again", () => {
    const without = register("two", ["SHUTDOWN"]);
    const all = ready.map((event) =>
      event.kind === "register" && event.name === "two" ? without : event,
    );
    const { state, deliver } = follow([...all, { kind: "invoke" }]);
    assert.deepEqual(deliver, ["id of one"]);
    assert.equal(areReady(state), false);
    assert.equal(areReady(follow([next("one")], state).state), true);
  });

  test("the end wakes those that want it; who is at work is told when it asks", () => {
    const { state, deliver } = follow([...ready, { kind: "invoke" }, { kind: "shutdown" }]);
    assert.deepEqual(deliver, []);
    const late = follow([next("one")], state);
    assert.deepEqual(late.deliver, ["id of one"]);
    assert.deepEqual(follow([next("two")], state).deliver, []);
    assert.deepEqual(follow([...ready, { kind: "shutdown" }]).deliver, ["id of one"]);
  });

  test("one that ends before its environment is a crash, whatever its status", () => {
    for (const status of [undefined, "exit status 3"]) {
      const { state } = follow([...ready, { kind: "exited", name: "one", status }]);
      assert.deepEqual(state.failure, {
        name: "one",
        errorType: "Extension.Crash",
        reason: status ?? "exit code 0",
      });
    }
    const ended = follow([
      ...ready,
      { kind: "shutdown" },
      { kind: "exited", name: "one", status: undefined },
      { kind: "exited", name: "two", status: "signal: killed" },
    ]);
    assert.equal(ended.state.failure, undefined);
    assert.deepEqual(
      ended.state.extensions.map((each) => each.state),
      ["Exited", "ShutdownFailed"],
    );
    assert.deepEqual(alive(ended.state), []);
  });

  test("the first failure is kept", () => {
    const { state } = follow([
      launched,
      register("one"),
      { kind: "init-error", id: "id of one", errorType: "Extension.NoConfig" },
      { kind: "init-error", id: "id of one", errorType: "Extension.Other" },
      { kind: "exited", name: "one", status: "exit status 1" },
      { kind: "launch-failed", name: "two", reason: "PermissionDenied" },
    ]);
    assert.deepEqual(state.failure, {
      name: "one",
      errorType: "Extension.InitError",
      reason: "Extension.NoConfig",
    });
  });

  test("what is out of turn is refused in the service's words", () => {
    const { state } = follow(ready);
    assert.deepEqual(refusal(state, register("one")), [
      "Extension.InvalidExtensionState",
      "State transition from Ready to Registered failed for extension one. Error: State transition is not allowed",
    ]);
    assert.deepEqual(refusal(state, register("inner", ["INVOKE"])), [
      "Extension.RegistrationClosed",
      "Extension registration closed already",
    ]);
    assert.deepEqual(refusal(state, { kind: "init-error", id: "id of one", errorType: "x" }), [
      "Extension.InvalidExtensionState",
      "State transition from Ready to InitError failed for extension id of one. Error: State transition is not allowed",
    ]);
    assert.equal(refusal(state, next("nobody"))[0], "Extension.UnknownExtensionIdentifier");
    assert.deepEqual(refusal(initialExtensions, register("")), [
      "Extension.InvalidExtensionName",
      "Empty extension name",
    ]);
    assert.equal(refusal(initialExtensions, register("inner"))[0], "Extension.InvalidEventType");
    assert.equal(
      refusal(follow([launched]).state, register("one", ["RESTORE"]))[0],
      "Extension.InvalidEventType",
    );
    const inner = follow([register("inner", ["INVOKE"])]).state;
    assert.deepEqual(refusal(inner, register("inner", [])), [
      "Extension.InvalidExtensionState",
      "Extension with this name already registered",
    ]);
  });

  test("there are at most ten", () => {
    const names = Array.from({ length: 10 }, (_, n) => `e${n}`);
    const { state } = follow([{ kind: "launched", names }]);
    assert.deepEqual(refusal(state, register("inner", [])), [
      "Extension.TooManyExtensions",
      "Extension limit (10) reached",
    ]);
  });

  test("no sequence of events delivers to one that does not wait", () => {
    const seed = 11;
    const random = createSeededRandom(seed);
    const pick = <T>(list: readonly T[]): T => {
      const item = list[Math.floor(random.fraction() * list.length)];
      assert.ok(item !== undefined);
      return item;
    };
    for (let run = 0; run < 300; run++) {
      let state: ExtensionsState = follow([launched]).state;
      for (let step = 0; step < 60; step++) {
        const name = pick(["one", "two", "inner"]);
        const event = pick<ExtensionsEvent>([
          register(name, pick([["INVOKE"], ["SHUTDOWN"], []])),
          next(name),
          next(name),
          { kind: "invoke" },
          { kind: pick(["init-error", "exit-error"]), id: `id of ${name}`, errorType: "x" },
          { kind: "exited", name: pick(["one", "two"]), status: undefined },
          { kind: "runtime-ready" },
          ...(step > 40 ? [{ kind: "shutdown" } as const] : []),
        ]);
        const before: ExtensionsState = state;
        const decision = decide(state, event);
        if (!decision.accepted) continue;
        state = decision.state;
        for (const id of decision.deliver) {
          const was = before.extensions.find((each) => each.id === id);
          const isWaiting = was?.state === "Ready" || event.kind === "next";
          assert.ok(isWaiting, `seed ${seed}, run ${run}, step ${step}: ${was?.state}`);
          assert.equal(state.extensions.find((each) => each.id === id)?.state, "Running");
        }
      }
    }
  });
});
