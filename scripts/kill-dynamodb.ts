import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { killRepeatedly } from "../test/wire/dynamodb-kills.ts";

// Kills servers that are writing items until `--kills` (default 500) are dead, and checks after each that tables,
// indexes, counters, streams and transactions are as they were answered. `--seed` repeats the moments.
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    directory: { type: "string", default: tmpdir() },
  },
});

const dataDir = await mkdtemp(path.join(values.directory, "skerry-kill-dynamodb-"));
console.log(`data ${dataDir}, seed ${values.seed}`);
const report = await killRepeatedly({
  dataDir,
  seed: Number(values.seed),
  kills: Number(values.kills),
  onRound: (kills) => void (kills % 25 === 0 && console.log(`${kills} kills`)),
});
console.log(
  `${report.kills} kills, ${report.answered} of ${report.begun} calls answered, ${report.items} items, ` +
    "0 lost, every index and stream equal to its table",
);
await rm(dataDir, { recursive: true }); // kept on failure, for the post-mortem
