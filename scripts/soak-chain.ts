import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runChain } from "../test/chain/chain.ts";

// Messages through queue → function → table while platforms and sandboxes are killed with signal 9; nothing that was
// acknowledged may be missing at the end, and ordered groups stay in order. As root.
// `npm run soak:chain -- --messages 1000000 [--groups 64] --platform-kills 20 --sandbox-kills 200 --seed 1`
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    groups: { type: "string", default: "0" },
    "platform-kills": { type: "string", default: "20" },
    "sandbox-kills": { type: "string", default: "200" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const dataDir = await mkdtemp(join(tmpdir(), "skerry-chain-"));
console.log(`${dataDir}, seed ${values.seed}`);
const report = await runChain({
  dataDir,
  messageCount: Number(values.messages),
  groupCount: Number(values.groups),
  seed: Number(values.seed),
  platformKills: Number(values["platform-kills"]),
  sandboxKills: Number(values["sandbox-kills"]),
  onProgress: (text) => console.log(text),
});
const { lost, faults, ...figures } = report;
console.log({ ...figures, lost: lost.length, faults: faults.length });
for (const one of [...lost, ...faults].slice(0, 20)) console.log(one);
const isWhole = lost.length === 0 && faults.length === 0;
if (isWhole) await rm(dataDir, { recursive: true }); // kept on failure, for the post-mortem
process.exit(isWhole ? 0 : 1);
