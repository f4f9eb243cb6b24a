/**
 * A platform to be killed by `kill-platform.ts`: makes sandboxes, freezes, thaws and ends them all the
 * time, and starts again with what its launcher took along. Arguments: work directory, uid range as
 * JSON, how many sandboxes at once.
 */
import { systemClock } from "#base/clock.ts";
import { isPlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../drivers/bubblewrap/bubblewrap.ts";
import { shellSpec } from "./host.ts";

const [workDir = "", uids = "", count = "1"] = process.argv.slice(2);
const driver = createBubblewrapDriver({
  workDir,
  // Written by `kill-platform.ts` in this form.
  uids: JSON.parse(uids) as { first: number; count: number },
  log: { event: () => undefined },
  clock: systemClock,
  random: systemRandom,
});
const signal = new AbortController().signal;
setInterval(() => undefined, 1_000);
process.stdout.write("starting\n");
let made = 0;

async function live(): Promise<void> {
  await using sandbox = await driver.create(shellSpec(), signal);
  process.stdout.write(`${driver.launcherPid} made ${++made}\n`);
  const { freeze } = await driver.limits();
  if (freeze) await sandbox.configure({ frozen: true });
  await systemClock.sleep(systemRandom.fraction() * 200, signal);
  if (freeze && made % 3 > 0) await sandbox.configure({ frozen: false });
}

async function liveOn(): Promise<void> {
  for (;;) {
    await live().catch((error: unknown) => {
      if (!isPlatformError(error)) throw error;
    });
  }
}

await Promise.all(Array.from({ length: Number(count) }, liveOn));
