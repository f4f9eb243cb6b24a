/** Prints the self-test of a driver in the work directory given, one property per line. */
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../drivers/bubblewrap/bubblewrap.ts";

const [workDir = ""] = process.argv.slice(2);
await using driver = createBubblewrapDriver({
  workDir,
  log: { event: () => undefined },
  clock: systemClock,
  random: systemRandom,
});
for (const property of await driver.selfTest()) {
  process.stdout.write(`${property.name} ${property.holds} ${property.detail}\n`);
}
