/**
 * Kills platforms with signal 9 at random moments, some while sandboxes are being made, and counts
 * what is left. As root: `node --conditions=source src/functions/sandbox/kills.bench.ts [kills] [seed]`
 */
import { createSeededRandom } from "#base/random.ts";
import { killPlatform } from "./testing/kill-platform.ts";

const kills = Number(process.argv[2] ?? "100");
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const random = createSeededRandom(seed);
const uids = { first: 1_990_000_000 + (process.pid % 4096) * 64, count: 64 };
const livedOnMs: number[] = [];
// Waiting on the clock alone would not keep the process alive.
const alive = setInterval(() => undefined, 1_000);
for (let kill = 0; kill < kills; kill++) {
  const sandboxes = 1 + Math.floor(random.fraction() * 8);
  livedOnMs.push(
    await killPlatform({
      uids,
      sandboxes,
      afterMs: random.fraction() * 700,
      launcherToo: random.fraction() < 0.3,
    }),
  );
}
clearInterval(alive);
livedOnMs.sort((a, b) => a - b);
const median = livedOnMs[Math.floor(kills / 2)] ?? 0;
const worst = livedOnMs.at(-1) ?? 0;
console.log(
  `${kills} kills, 0 orphans; last process gone after ${median.toFixed(0)} ms (median), ${worst.toFixed(0)} ms (worst); seed ${seed}`,
);
