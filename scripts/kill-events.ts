import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { killSpine } from "../test/events/kill.ts";

// Kills processes that send through the outbox to queues and consume from them until `--kills` (default
// 500) are dead, and checks that nothing acknowledged was lost and order was kept. `--directory` chooses
// the disk, `--seed` repeats the moments.
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    seed: { type: "string", default: String(1 + Math.floor(Math.random() * 2 ** 30)) },
    directory: { type: "string", default: tmpdir() },
  },
});

const directory = await mkdtemp(path.join(values.directory, "skerry-kill-spine-"));
console.log(`store ${directory}, seed ${values.seed}`);
const started = Date.now();
const report = await killSpine({
  directory,
  kills: Number(values.kills),
  seed: Number(values.seed),
  onKill(kills, acknowledged) {
    if (kills % 50 < 2) console.log(`${kills} kills, ${acknowledged} acknowledged`);
  },
});
console.log(
  `${report.kills} kills, ${report.acknowledged} acknowledged, 0 lost, ${report.delivered} delivered, ` +
    `${report.repeated} of them again, order kept, ${((Date.now() - started) / 1_000).toFixed(0)} s`,
);
await rm(directory, { recursive: true }); // kept on failure, for the post-mortem
