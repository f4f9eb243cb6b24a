import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createBench, driverNames, whyNot } from "./testing/bench.ts";
import type { Bench } from "./testing/bench.ts";

/** What of a rehearsal could be left behind. */
const look = `
  const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
  const atInit = { argv: process.argv, execArgv: process.execArgv, listeners, names: Object.keys(process.env).sort(),
    globals: Object.getOwnPropertyNames(globalThis).sort(), paths: require("node:module").globalPaths,
    handles: process.getActiveResourcesInfo().filter((name) => name !== "Immediate") };
  exports.handler = async (event, context) => ({ atInit, id: context.awsRequestId, trace: process.env._X_AMZN_TRACE_ID });`;

for (const name of driverNames) {
  const skip = await whyNot(name);
  describe(`Node's guest, rehearsed, under the ${name} driver`, { skip }, () => {
    let bench: Bench;
    before(async () => {
      bench = await createBench(name);
    });
    after(() => bench[Symbol.asyncDispose]());

    for (const runtime of ["nodejs22.x", "nodejs24.x", "nodejs26.x"]) {
      test(`${runtime}: a function sees nothing of the rehearsal`, async () => {
        const seen = async (isGeneric: boolean): Promise<Record<string, unknown>> => {
          const files = { "index.js": look };
          await using started = await bench.start({ runtime, files, isGeneric });
          assert.equal(started.init.kind, "ok", started.output());
          const answer = await started.call({});
          assert.equal(started.output(), "");
          return JSON.parse(
            // Each sandbox has a folder of its own where there is no isolation.
            JSON.stringify(answer).replaceAll(started.sandbox.id, "ID"),
          ) as Record<string, unknown>; // the function above wrote it
        };
        assert.deepEqual(await seen(true), await seen(false));
      });
    }

    test("a variable that is read at the start still takes effect after it", async () => {
      await using started = await bench.start({
        runtime: "nodejs24.x",
        isGeneric: true,
        environment: { NODE_OPTIONS: "--stack-trace-limit=3" },
        files: { "index.mjs": "export const handler = async () => Error.stackTraceLimit" },
      });
      assert.equal(started.init.kind, "ok", started.output());
      assert.equal(await started.call({}), 3);
    });
  });
}
