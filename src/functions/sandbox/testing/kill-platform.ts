import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../drivers/bubblewrap/bubblewrap.ts";
import { instanceName } from "../drivers/bubblewrap/instance.ts";
import { controlGroups, eventually, processesNaming, processesOf, shellSpec } from "./host.ts";

const never = new AbortController().signal;

/**
 * Runs a platform with sandboxes in a child process, kills it with signal 9 `afterMs` after its first
 * word (it says one before and one after it has made them), and asserts that no process stays and that
 * the next start removes groups and directories. Answers how long the last process lived on.
 */
export async function killPlatform(options: {
  readonly uids: { readonly first: number; readonly count: number };
  readonly sandboxes: number;
  readonly afterMs: number;
  /** Kills the launcher in the same moment, so that only the kernel is left to end what runs. */
  readonly launcherToo: boolean;
}): Promise<number> {
  const { uids } = options;
  const workDir = mkdtempSync(join(tmpdir(), "skerry-killed-"));
  const program = fileURLToPath(new URL("victim.ts", import.meta.url));
  const platform = spawn(
    process.execPath,
    ["--conditions=source", program, workDir, JSON.stringify(uids), String(options.sandboxes)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const stdout = platform.stdout[Symbol.asyncIterator]();
  await stdout.next();
  await systemClock.sleep(options.afterMs, never);
  const gone = new Promise((resolve) => platform.once("exit", resolve));
  const family = processesNaming(workDir);
  const groups = family.map(instanceName);
  platform.kill("SIGKILL");
  if (options.launcherToo) family.forEach(killIfAlive);
  await gone;
  const killedMs = systemClock.monotonicMs();
  await eventually("the last process is gone", () => processesOf(uids).length === 0);
  const livedOnMs = systemClock.monotonicMs() - killedMs;
  await eventually("its launcher is gone", () => processesNaming(workDir).length === 0);
  const [left] = readdirSync(workDir);
  {
    await using driver = createBubblewrapDriver({
      workDir,
      uids,
      log: { event: () => undefined },
      clock: systemClock,
      random: systemRandom,
    });
    await using _ = await driver.create(shellSpec(), never);
    await eventually("its directory is removed", () => !readdirSync(workDir).includes(left ?? ""));
    await eventually("its groups are removed", () => groups.flatMap(controlGroups).length === 0);
    assert.equal(processesOf(uids).length > 0, true, "the new platform works");
  }
  rmSync(workDir, { recursive: true });
  return livedOnMs;
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
