import { parseArgs } from "node:util";
import { measureKills } from "../test/security/exhaustion/kill-time.ts";
import { runtimes } from "../test/security/support/attackers.ts";
import { startFarTarget } from "../test/security/support/far-platform.ts";

// How long the last process of a fork bomb lives on after its function's timeout. As root.
// `npm run attack:kill -- --runs 200 --runtime python`
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    runtime: { type: "string", default: "python" },
  },
});
const runtime = runtimes.find((each) => each === values.runtime);
if (runtime === undefined) throw new Error(`--runtime is one of ${runtimes.join(", ")}`);
await using target = await startFarTarget();
const times = await measureKills(target, runtime, { runs: Number(values.runs) });
const sorted = times.map((time) => time.goneAfterMs).toSorted((a, b) => a - b);
const at = (share: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1);
const most = Math.max(...times.map((time) => time.processCount));
console.log(
  `${times.length} timeouts under a fork bomb of at most ${most} processes (${runtime}): the last ` +
    `process gone after ${at(0.5)} ms (p50), ${at(0.99)} ms (p99), ${at(1)} ms (worst)`,
);
