import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { uuid } from "./ids.ts";
import type { Random } from "./random.ts";

/** A process that holds something in the store, as it is written there. */
export interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Distinguishes a process from an earlier one with the same pid. */
  readonly incarnation: string;
  /** When the kernel started it, in its own ticks; missing where the kernel does not say. */
  readonly startedTicks?: string;
}

/** This process, as a holder of its own: another call makes another. */
export function createHolder(random: Random): Holder {
  const startedTicks = startOf(process.pid);
  return {
    host: hostname(),
    pid: process.pid,
    incarnation: uuid(random),
    ...(startedTicks !== undefined && { startedTicks }),
  };
}

/**
 * Whether `holder` certainly no longer runs, as `self` can tell. Only processes of the same machine can
 * be known to be gone; about others only time tells.
 */
export function isGone(holder: Holder, self: Holder): boolean {
  if (holder.host !== self.host) return false;
  if (holder.pid === self.pid) return holder.incarnation !== self.incarnation;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "EPERM");
  }
  // Somebody has that number; after a long time, or a restart of the machine, somebody else.
  const startedTicks = holder.startedTicks === undefined ? undefined : startOf(holder.pid);
  return startedTicks !== undefined && startedTicks !== holder.startedTicks;
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)); the name in field 2 may itself hold brackets and spaces. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
