import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { sandboxContract } from "../../testing/sandbox.contract.ts";
import { createBubblewrapDriver } from "./bubblewrap.ts";
import { findBubblewrap } from "./probe.ts";

sandboxContract(
  "the bubblewrap driver",
  (workDir) =>
    createBubblewrapDriver({
      workDir,
      log: { event: () => undefined },
      clock: systemClock,
      random: systemRandom,
    }),
  findBubblewrap() === undefined ? "bubblewrap is not installed" : false,
);
