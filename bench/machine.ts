import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";

/** What the figures were measured on and with; neither names nor paths of the machine. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly isRoot: boolean;
  /** Program → version; `absent` where it is not installed. */
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    isRoot: process.getuid?.() === 0,
    versions: {
      node: process.version,
      lmdb: packageVersion("lmdb"),
      bubblewrap: firstLine("bwrap", ["--version"]),
      python3: firstLine("python3", ["--version"]),
      wrk: firstLine("wrk", ["-v"]),
      go: firstLine("go", ["version"]),
    },
  };
}

/** The commit that is measured; `unknown` outside a repository. */
export function commit(): string {
  const id = firstLine("git", ["rev-parse", "--short", "HEAD"]);
  if (id === "absent") return "unknown";
  const changed = firstLine("git", ["status", "--porcelain", "--untracked-files=no"]);
  return changed === "" ? id : `${id} with changes`;
}

export interface StealClock {
  /** Share of all processors' time since the start that the hypervisor gave to others. */
  percent(): number;
}

/** Zero on a machine that has its processors to itself, or does not say. */
export function stealClock(): StealClock {
  const start = processorTicks();
  return {
    percent() {
      const now = processorTicks();
      const total = now.total - start.total;
      return total > 0 ? (100 * (now.steal - start.steal)) / total : 0;
    },
  };
}

/** "cpu user nice system idle iowait irq softirq steal guest guest_nice", proc_stat(5). */
function processorTicks(): { readonly total: number; readonly steal: number } {
  const line = readFileSync("/proc/stat", "latin1").split("\n")[0] ?? "";
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: fields.reduce((sum, ticks) => sum + ticks, 0), steal: fields[7] ?? 0 };
}

/** Some say their version on standard output, some on standard error with exit code 1. */
function firstLine(program: string, args: readonly string[]): string {
  try {
    return lineOf(
      execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
    );
  } catch (error) {
    const { stdout } = error as { stdout?: string }; // what execFileSync throws when it did run
    return stdout === undefined || stdout === "" ? "absent" : lineOf(stdout);
  }
}

function lineOf(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/Copyright.*/, "").trim();
}

function packageVersion(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version; // npm requires it
}
