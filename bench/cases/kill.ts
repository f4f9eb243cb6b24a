import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { measureKills } from "../../test/security/exhaustion/kill-time.ts";
import { startFarTarget } from "../../test/security/support/far-platform.ts";
import { type Finding, result, spread } from "../harness.ts";
import { stealClock } from "../machine.ts";
import { roundsOf, sized } from "../settings.ts";

const program = fileURLToPath(new URL("../forked-processes.py", import.meta.url));

/**
 * A fork bomb runs into its function's timeout: how long until its last process is gone. Beside it, what the
 * kernel takes to kill as many forks of a bare interpreter, which no sandbox can undercut.
 */
export async function killTime(): Promise<readonly Finding[]> {
  if (process.getuid?.() !== 0) {
    return [{ absent: "timeout under a fork bomb", why: "needs root, for control groups" }];
  }
  const runs = sized(200, 3);
  const steal = stealClock();
  await using target = await startFarTarget();
  const bareMs: number[] = [];
  const times = await measureKills(target, "python", {
    runs: roundsOf(runs),
    afterEach: ({ processCount }) => bareMs.push(killBare(processCount)),
  });
  const most = Math.max(...times.map((time) => time.processCount));
  return [
    result({
      name: "timeout under a fork bomb, until the last process is gone",
      unit: "ms",
      ours: spread(times.map((time) => time.goneAfterMs)),
      referenceName: "as many forks of a bare python3, killed without a sandbox",
      reference: spread(bareMs),
      stealPercentMax: steal.percent(),
      notes: [
        `a Python function of 1,769 MB; at most ${most} processes at once; one platform, runs one after ` +
          "the other, each from a warm environment; the way of the call to the platform is in it",
      ],
      targets: ["kill"],
    }),
  ];
}

function killBare(processCount: number): number {
  return Number(execFileSync("python3", [program, String(processCount)], { encoding: "utf8" }));
}
