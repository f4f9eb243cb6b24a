import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { sandboxContract } from "../../testing/sandbox.contract.ts";
import { createProcessDriver } from "./process.ts";

sandboxContract(
  "the process driver",
  (workDir) => createProcessDriver({ workDir, clock: systemClock, random: systemRandom }),
  process.platform === "linux" ? false : "Node passes sockets this way on Linux only",
);
