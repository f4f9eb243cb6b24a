import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Clock } from "#base/clock.ts";
import { emptyPollMs, emptyPollsMax } from "../limits.ts";

export interface UidRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Ends what runs under `uids` and is in no control group of ours: bubblewrap forks before it can be put
 * into one. Resolves to true once nothing of these uids is left, `false` if something would not go.
 */
export async function endProcessesOf(uids: UidRange, clock: Clock): Promise<boolean> {
  for (let polls = 0; polls < emptyPollsMax; polls++) {
    const left = processesOf(uids);
    if (left.length === 0) return true;
    left.forEach(kill);
    await clock.sleep(emptyPollMs, neverAborted);
  }
  return false;
}

const neverAborted = new AbortController().signal;

/**
 * As root a launcher is in a process namespace that dies with it; a platform of an earlier version, or a
 * first process that was stopped by a debugger, can still have left a bubblewrap that init has adopted.
 * Ends those of the range; that of a launcher alive has not been adopted.
 */
export function endOrphans(uids: UidRange): void {
  processesOf(uids).filter(isOrphan).forEach(kill);
}

function isOrphan(pid: number): boolean {
  const status = statusOf(pid);
  return status?.name === "bwrap" && status.parent === 1;
}

/** Zombies are nobody's any more and left out. */
function processesOf(uids: UidRange): readonly number[] {
  return processIds().filter((pid) => {
    const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? -1;
    return uid >= uids.first && uid < uids.first + uids.count && statusOf(pid)?.state !== "Z";
  });
}

function processIds(): number[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** "pid (comm) state ppid …", see proc(5); the name may hold anything, so it is cut at its last ")". */
function statusOf(
  pid: number,
): { readonly name: string; readonly state: string; readonly parent: number } | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    const name = line.slice(line.indexOf("(") + 1, line.lastIndexOf(")"));
    const [state = "", parent] = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return { name, state, parent: Number(parent) };
  } catch {
    return undefined; // It ended while we looked.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
