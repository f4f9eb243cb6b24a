import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "#base/random.ts";
import { decide } from "./state.ts";
import type { ApiEvent, ApiState } from "./state.ts";

function follow(events: readonly ApiEvent[]): ApiState {
  let state: ApiState = { name: "starting" };
  for (const event of events) {
    const decision = decide(state, event);
    assert.ok(decision.accepted, `${event.kind} in ${state.name}`);
    state = decision.state;
  }
  return state;
}

const ready: readonly ApiEvent[] = [{ kind: "next" }, { kind: "dispatch", requestId: "a" }];

test("a runtime asks, works, answers and asks again", () => {
  const answered: readonly ApiEvent[] = [
    ...ready,
    { kind: "response", requestId: "a" },
    { kind: "taken" },
    { kind: "next" },
  ];
  assert.deepEqual(follow(answered), { name: "ready" });
});

test("an answer to another request is an invalid request id", () => {
  for (const kind of ["response", "error"] as const) {
    const decision = decide(follow(ready), { kind, requestId: "b" });
    assert.deepEqual(decision, {
      accepted: false,
      refusal: { status: 400, errorType: "InvalidRequestID", errorMessage: "Invalid request ID" },
    });
  }
});

test("a second answer to the same request is an invalid request id", () => {
  const state = follow([...ready, { kind: "response", requestId: "a" }, { kind: "taken" }]);
  const decision = decide(state, { kind: "response", requestId: "a" });
  assert.equal(!decision.accepted && decision.refusal.status, 400);
});

test("asking for work in the middle of work is refused", () => {
  const decision = decide(follow(ready), { kind: "next" });
  assert.equal(!decision.accepted && decision.refusal.errorType, "InvalidStateTransition");
});

test("an init error is only possible before the first question", () => {
  assert.deepEqual(follow([{ kind: "init-error" }]), { name: "init-failed" });
  const decision = decide(follow([{ kind: "next" }]), { kind: "init-error" });
  assert.equal(!decision.accepted && decision.refusal.status, 403);
});

test("no sequence of events makes an answer to a request that was not handed out", () => {
  const seed = 7;
  const random = createSeededRandom(seed);
  const ids = ["a", "b", "c"];
  const pick = <T>(list: readonly T[]): T => {
    const item = list[Math.floor(random.fraction() * list.length)];
    assert.ok(item !== undefined);
    return item;
  };
  let state: ApiState = { name: "starting" };
  let handedOut: string | undefined;
  for (let step = 0; step < 20_000; step++) {
    const requestId = pick(ids);
    const event = pick<ApiEvent>([
      { kind: "next" },
      { kind: "dispatch", requestId },
      { kind: "response", requestId },
      { kind: "error", requestId },
      { kind: "taken" },
    ]);
    const decision = decide(state, event);
    if (!decision.accepted) continue;
    if (event.kind === "dispatch") handedOut = event.requestId;
    if (event.kind === "response" || event.kind === "error") {
      assert.equal(event.requestId, handedOut, `seed ${seed}, step ${step}`);
      handedOut = undefined;
    }
    state = decision.state;
  }
});
