/**
 * A platform to be killed by `resilience.test.ts`: makes sandboxes
 * and waits. Arguments: work directory, uid range as JSON, how many sandboxes.
 */
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../drivers/bubblewrap/bubblewrap.ts";
import { shellSpec } from "./host.ts";

const [workDir = "", uids = "", count = "1"] = process.argv.slice(2);
const driver = createBubblewrapDriver({
  workDir,
  uids: JSON.parse(uids) as { first: number; count: number },
  log: { event: () => undefined },
  clock: systemClock,
  random: systemRandom,
});
process.stdout.write("starting\n");
const signal = new AbortController().signal;
const held = await Promise.all(
  Array.from({ length: Number(count) }, () => driver.create(shellSpec(), signal)),
);
process.stdout.write(`running ${held.length}\n`);
setInterval(() => held.length, 1_000);
