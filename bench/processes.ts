import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";

/** The clock ticks of /proc: a processor's time is counted in these. */
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** Processor time, in microseconds, of a process and all below it; of children that ended as well. */
export function cpuUs(pid: number): number {
  const ticks = familyOf(pid).reduce((sum, each) => sum + each.ticks, 0);
  return (ticks / ticksPerSecond) * 1e6;
}

/** Resident memory of a process and all below it, MB (10⁶ bytes); pages they share count in each. */
export function residentMb(pid: number): number {
  return familyOf(pid).reduce((sum, each) => sum + ownResidentMb(each.pid), 0);
}

/** Resident memory of one process, MB. */
export function ownResidentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return (Number(kib ?? 0) * 1024) / 1e6;
}

function familyOf(pid: number): readonly Stat[] {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? statOf(name) : []));
  const family = all.filter((each) => each.pid === pid);
  for (const member of family) family.push(...all.filter((each) => each.parent === member.pid));
  return family;
}

/** "pid (name) state ppid … utime stime cutime cstime …", proc_pid_stat(5). */
function statOf(name: string): Stat[] {
  const text = textOf(`/proc/${name}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return text === "" ? [] : [{ pid: Number(name), parent: Number(fields[1]), ticks }];
}

/** Empty for what ended meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
