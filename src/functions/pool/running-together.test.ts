import assert from "node:assert/strict";
import { test } from "node:test";
import { RunningTogether, traceAmong } from "./running-together.ts";

const trace = (traceId: string, hops: number) => ({
  traceId,
  spanId: undefined,
  sampled: true,
  hops,
});

test("a request belongs to the invocation it names, and to the longest chain otherwise", () => {
  const running = [trace("a", 1), trace("b", 7), trace("c", 2)];
  assert.equal(traceAmong(running, "c")?.traceId, "c");
  assert.equal(traceAmong(running, undefined)?.traceId, "b");
  assert.equal(traceAmong(running, "of a stranger")?.traceId, "b");
  assert.equal(traceAmong([], "a"), undefined);
});

test("no request hides how long the chain of a neighbour is", () => {
  const running = [trace("a", 1), trace("b", 7)];
  for (const named of ["a", "b", "x", undefined]) assert.equal(traceAmong(running, named)?.hops, 7);
});

test("each invocation's time is its own, in whatever order they end", () => {
  const together = new RunningTogether();
  const [first, second, third] = [{}, {}, {}];
  together.begin({ loan: first, trace: trace("a", 0), begunAtMs: 100 });
  together.begin({ loan: second, trace: trace("b", 0), begunAtMs: 150 });
  together.end(second, 160);
  assert.equal(together.lastMs, 10);
  assert.deepEqual(
    together.traces().map(({ traceId }) => traceId),
    ["a"],
  );
  together.end(third, 170); // had not begun
  assert.equal(together.lastMs, 10);
  together.end(first, 200);
  assert.equal(together.lastMs, 100);
  assert.deepEqual(together.traces(), []);
});
