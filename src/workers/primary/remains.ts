import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "#base/clock.ts";
import { remainsPollMs } from "../limits.ts";

/**
 * Resolves when no process is left whose command line names `folder`: a worker's launcher and the
 * programs that put up its sandboxes all do, and everything inside a sandbox ends with them. A launcher
 * ends by itself once its worker has, when the control groups of its sandboxes are empty.
 */
export async function untilNothingRemains(
  folder: string,
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (processesNaming(folder).length > 0) await deps.clock.sleep(remainsPollMs, deps.signal);
}

function processesNaming(folder: string): readonly string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`${folder}/`);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}
