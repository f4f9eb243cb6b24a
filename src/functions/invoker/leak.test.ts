import assert from "node:assert/strict";
import { test } from "node:test";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";
import { runCycles } from "./testing/cycles.ts";

const skip =
  findBubblewrap() === undefined
    ? "bubblewrap is not installed"
    : process.getuid?.() !== 0 && "needs root, to tell sandboxes' processes by their uid";

// The same with ten thousand cycles and memory: `npm run leak`.
test(
  "eighty environments made, used and ended in every way leave nothing behind",
  { skip },
  async () => {
    const [first, last] = await runCycles({
      cycles: 80,
      wholeEvery: 4,
      warmUp: 24,
      lookEvery: 80,
      concurrency: 4,
    });
    assert(first && last);
    assert.deepEqual(last.counts, first.counts);
    assert.equal(last.counts["sandboxProcesses"], 0);
    assert.equal(last.counts["groups"], 0);
  },
);
