/**
 * Every figure beside its reference in one run, interleaved: `npm run bench` or
 * `npm run bench -- warm cold`. Needs `wrk` for the throughput case. Results also go to
 * `bench/results.json` when `--save` is given.
 */
import { writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { coldHit, coldMiss } from "./cases/cold.ts";
import { environmentMemory } from "./cases/environment.ts";
import { idleMemory, ready } from "./cases/idle.ts";
import { logs } from "./cases/logs.ts";
import {
  bigPackage,
  burst,
  sandboxOverhead,
  startHit,
  startMiss,
  sustainedStarts,
} from "./cases/start.ts";
import { store } from "./cases/store.ts";
import { warm } from "./cases/warm.ts";
import { workers } from "./cases/workers.ts";
import { describe, type Result } from "./harness.ts";

const cases: Readonly<Record<string, () => Promise<readonly Result[]>>> = {
  warm,
  "cold-hit": coldHit,
  "cold-miss": coldMiss,
  "start-hit": startHit,
  "start-miss": startMiss,
  "start-sustained": sustainedStarts,
  "start-burst": burst,
  "big-package": bigPackage,
  overhead: sandboxOverhead,
  "environment-memory": environmentMemory,
  ready,
  memory: idleMemory,
  store,
  logs,
  workers,
};

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const machine = {
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  kernel: release(),
  node: process.version,
};
console.log(
  `${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}\n`,
);
const results: Result[] = [];
for (const [name, run] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  for (const result of await run()) {
    results.push(result);
    console.log(`${describe(result)}\n`);
  }
}
if (process.argv.includes("--save")) {
  writeFileSync(
    "bench/results.json",
    `${JSON.stringify({ date: new Date().toISOString(), machine, results }, undefined, 2)}\n`,
  );
}
process.exit(0);
