import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { killRepeatedly } from "../test/storage/kill.ts";

// Kills processes that write to one store until `--kills` (default 500) are dead, and checks after each
// that nothing acknowledged was lost. `--directory` chooses the disk, `--seed` repeats the moments.
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    directory: { type: "string", default: tmpdir() },
  },
});

const directory = await mkdtemp(path.join(values.directory, "skerry-kill-"));
console.log(`store ${directory}, seed ${values.seed}`);
const started = Date.now();
const report = await killRepeatedly({
  directory,
  kills: Number(values.kills),
  seed: Number(values.seed),
  onRound({ kills, acknowledged }) {
    if (kills % 50 < 2) console.log(`${kills} kills, ${acknowledged} acknowledged, 0 lost`);
  },
});
const seconds = ((Date.now() - started) / 1_000).toFixed(0);
console.log(
  `${report.kills} kills, ${report.acknowledged} acknowledged operations, 0 lost, ` +
    `${report.unfinished} unfinished ones whole or absent, ${seconds} s`,
);
await rm(directory, { recursive: true }); // kept on failure, for the post-mortem
