import { readFileSync } from "node:fs";
import { systemClock } from "#base/clock.ts";
import { controlGroups } from "#functions/sandbox/testing/host.ts";
import { attempt, deployAttacker } from "../support/attackers.ts";
import type { AttackerRuntime } from "../support/attackers.ts";
import { environmentsOf } from "../support/groups.ts";
import type { Target } from "../support/platform.ts";

/** One function's timeout while its processes make processes. */
export interface KillTime {
  /** From the end of its time to its last process; includes the way of the call to the platform. */
  readonly goneAfterMs: number;
  /** The most that were seen at once. */
  readonly processCount: number;
}

const timeoutMs = 1_000;

/** A fork bomb in a warm environment runs into its timeout, `runs` times. */
export async function measureKills(
  target: Target,
  runtime: AttackerRuntime,
  { runs, afterEach }: { readonly runs: number; readonly afterEach?: (time: KillTime) => void },
): Promise<readonly KillTime[]> {
  const name = `kill-time-${runtime}`;
  const settings = { MemorySize: 1_769, Timeout: timeoutMs / 1_000 };
  await deployAttacker(target, name, { runtime, operations: "exhaustion", settings });
  const times: KillTime[] = [];
  for (let run = 0; run < runs; run++) {
    await attempt(target, name, [{ id: "it", operation: "touch", given: { path: "/tmp/warm" } }]);
    const environments = await environmentsOf(target, name);
    const id = environments.at(-1) ?? "";
    const groups = controlGroups(id).map((group) => `${group}/cgroup.procs`);
    const sentMs = systemClock.monotonicMs();
    const bomb = attempt(target, name, [{ id: "it", operation: "bomb" }]).then(
      () => "answered",
      () => "failed",
    );
    let processCount = 0;
    for (;;) {
      const count = countIn(groups);
      if (count === 0) break;
      processCount = Math.max(processCount, count);
      await systemClock.sleep(1, neverAborted);
    }
    const time = { goneAfterMs: systemClock.monotonicMs() - sentMs - timeoutMs, processCount };
    times.push(time);
    await bomb;
    afterEach?.(time);
  }
  return times;
}

/** In the group that knows most of them: the groups of one sandbox have the same members. */
function countIn(files: readonly string[]): number {
  let most = 0;
  for (const file of files) {
    try {
      most = Math.max(most, readFileSync(file, "latin1").split("\n").length - 1);
    } catch {
      // Removed with its last process.
    }
  }
  return most;
}

const neverAborted = new AbortController().signal;
