import { parseArgs } from "node:util";
import { createSeededRandom } from "#base/random.ts";
import { killPlatform, victims } from "../src/functions/sandbox/testing/kill-platform.ts";

// Kills platforms and launchers with signal 9 at random moments, while sandboxes are being made, frozen
// and ended, until `--kills` (default 1000) are dead; counts what is left after the grace time and after
// the next start. `--seed` repeats the moments. Needs root and bubblewrap.
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});

const kills = Number(values.kills);
const random = createSeededRandom(Number(values.seed));
// A range of its own per process, so that two runs do not count each other's.
const uids = { first: 1_990_000_000 + (process.pid % 4096) * 64, count: 64 };
console.log(`${kills} kills, seed ${values.seed}`);
// Waiting on the clock alone would not keep the process alive.
const alive = setInterval(() => undefined, 1_000);
const startedMs = Date.now();
const livedOnMs: number[] = [];
const counts = { processes: 0, groups: 0, directories: 0, unusable: 0 };
const byVictim: Record<string, number> = {};
for (let kill = 1; kill <= kills; kill++) {
  const victim = victims[Math.floor(random.fraction() * victims.length)] ?? "all";
  const plan = {
    uids,
    victim,
    sandboxes: 1 + Math.floor(random.fraction() * 8),
    afterMs: random.fraction() * 700,
    which: random.fraction(),
  };
  const remains = await killPlatform(plan);
  byVictim[victim] = (byVictim[victim] ?? 0) + 1;
  livedOnMs.push(remains.livedOnMs);
  counts.processes += remains.processes;
  counts.groups += remains.groups;
  counts.directories += remains.directories;
  if (!remains.works) counts.unusable++;
  const { processes, groups, directories } = remains;
  if (processes + groups + directories > 0 || !remains.works) {
    console.log(`kill ${kill}: ${JSON.stringify(plan)} left ${JSON.stringify(remains)}`);
  }
  if (kill % 50 === 0) console.log(`${kill} kills, ${JSON.stringify(counts)}`);
}
clearInterval(alive);
livedOnMs.sort((a, b) => a - b);
const at = (part: number): string => (livedOnMs[Math.floor((kills - 1) * part)] ?? 0).toFixed(0);
console.log(
  `${kills} kills (${JSON.stringify(byVictim)}): left ${JSON.stringify(counts)}; last process gone after ` +
    `${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (worst); ` +
    `${((Date.now() - startedMs) / 1000).toFixed(0)} s; seed ${values.seed}`,
);
const isClean = Object.values(counts).every((count) => count === 0);
process.exitCode = isClean ? 0 : 1;
