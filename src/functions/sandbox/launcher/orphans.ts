import { readdirSync, readFileSync, statSync } from "node:fs";

export interface UidRange {
  readonly first: number;
  readonly count: number;
}

/**
 * bubblewrap asks the kernel to end it with its parent, but only a moment after it has forked. A
 * launcher killed in that moment leaves a process that waits for ever, before any program and in no
 * control group. Its uid tells it, and that init has adopted it: that of a launcher alive has not been.
 * Ends those of the range and answers how many there were.
 */
export function endOrphans(uids: UidRange): number {
  const orphans = processIds().filter((pid) => isOrphan(pid, uids));
  for (const pid of orphans) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  return orphans.length;
}

export function isOrphan(pid: number, uids: UidRange): boolean {
  try {
    const { uid } = statSync(`/proc/${pid}`);
    if (uid < uids.first || uid >= uids.first + uids.count) return false;
    // "pid (comm) state ppid …", see proc(5); the name may hold anything, so it is cut at its last ")".
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    const name = line.slice(line.indexOf("(") + 1, line.lastIndexOf(")"));
    const [, parent] = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return name === "bwrap" && parent === "1";
  } catch {
    return false; // It ended while we looked.
  }
}

function processIds(): number[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}
