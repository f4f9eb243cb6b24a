import assert from "node:assert/strict";
import { test } from "node:test";
import { waitersPerFunctionMax } from "./limits.ts";
import { type Waiter, WaitingLine } from "./waiting-line.ts";

/** What a line looks at; nothing of it is used. */
const waiter = (key: string): Parameters<WaitingLine["join"]>[0] => ({
  key,
  revision: { name: key } as Waiter["revision"], // only for the message
  runtime: {} as Waiter["runtime"], // never looked at
  trace: {} as Waiter["trace"], // never looked at
  sinceMs: 0,
  isExclusive: false,
});

test("a line has a bound per function, and one function's crowd leaves room for the others", async () => {
  const line = new WaitingLine();
  const stop = new AbortController();
  const waiting: Promise<unknown>[] = [];
  for (let n = 0; n < waitersPerFunctionMax; n++)
    waiting.push(line.join(waiter("crowd"), stop.signal));
  await assert.rejects(async () => line.join(waiter("crowd"), stop.signal), { code: "line.full" });
  waiting.push(line.join(waiter("other"), stop.signal));
  assert.deepEqual(
    Array.from(line.lines(), (one) => one.length),
    [waitersPerFunctionMax, 1],
  );
  stop.abort(new Error("gone"));
  const settled = await Promise.allSettled(waiting);
  assert(settled.every((one) => one.status === "rejected"));
  assert.deepEqual([...line.lines()], []);
});
