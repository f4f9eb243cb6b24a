import { readFileSync, readlinkSync } from "node:fs";

/**
 * Names of what one process leaves on the host (control groups, directories): they say who owns it,
 * so that a later start can tell a dead owner's remains from a live neighbour's. The start time
 * keeps a reused process id from looking alive; the namespace keeps another container's from being
 * judged by our /proc.
 */
export const instancePrefix = `skerry-${pidNamespace()}-`;

export function instanceName(pid: number): string {
  return `${instancePrefix}${pid}-${startTimeOf(pid) ?? 0}`;
}

/** For names beginning with `instancePrefix`. */
export function isInstanceAlive(name: string): boolean {
  const [pid, startTime] = name.slice(instancePrefix.length).split("-");
  return startTime !== undefined && startTimeOf(Number(pid)) === startTime;
}

/** Clock ticks after boot at which the process started: field 22 of /proc/<pid>/stat (proc(5)); undefined for the dead. */
function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything, spaces included.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // A zombie owns nothing any more; some first processes of containers reap late or never.
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
