import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { emptyPollMs, emptyPollsMax } from "../../limits.ts";

/**
 * The one way a group goes away: its processes killed, its directory removed. It stays busy for a moment
 * after its last process has left the list, so removing is tried again. Nothing in this file throws for
 * what may just have gone.
 */
export async function endGroup(directory: string, clock: Clock): Promise<void> {
  for (let polls = 0; polls < emptyPollsMax; polls++) {
    processesIn(directory).forEach(killProcess);
    if (removeDirectory(directory)) return;
    await clock.sleep(emptyPollMs, neverAborted);
  }
}

export const neverAborted: AbortSignal = new AbortController().signal;

export function canMake(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

export function processesIn(directory: string): readonly number[] {
  return (
    readText(join(directory, "cgroup.procs"))
      .split("\n")
      .map(Number)
      // A process outside the reader's process namespace reads as 0, and signalling 0 means oneself.
      .filter((pid) => pid > 0)
  );
}

export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone between the listing and the signal.
  }
}

export function subdirectories(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Whether it is gone now. */
export function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return !exists(directory);
  }
}

export function exists(file: string): boolean {
  return subdirectoriesOrFiles(dirname(file)).includes(basename(file));
}

function subdirectoriesOrFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

export function tryWrite(file: string, value: string): boolean {
  try {
    writeFileSync(file, value);
    return true;
  } catch {
    return false;
  }
}
