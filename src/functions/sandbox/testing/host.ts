import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import type { SandboxSpec } from "../sandbox.ts";
import { probeSpec } from "../drivers/bubblewrap/probe-sandbox.ts";

/** What the tests of this folder look at from outside, on the host. */

/** Process ids of a uid range; zombies are nobody's any more and left out. */
export function processesOf(uids: {
  readonly first: number;
  readonly count: number;
}): readonly number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { uid } = statSync(`/proc/${name}`);
      const isOurs = uid >= uids.first && uid < uids.first + uids.count;
      if (isOurs && !/^State:\s+Z/m.test(readFileSync(`/proc/${name}/status`, "utf8"))) {
        found.push(Number(name));
      }
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Processes with `text` in their command line. */
export function processesNaming(text: string): readonly number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes(text)) found.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/**
 * The launcher itself, behind the processes it is started through and ends with; for tests that look at
 * it or end it alone.
 */
export function launcherProcess(pid: number | undefined): number {
  let found = pid ?? assert.fail("no launcher runs");
  for (;;) {
    const next = processesNaming("launcher/launcher.").find((each) => parentOf(each) === found);
    if (next === undefined) return found;
    found = next;
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return -1; // It ended while we looked.
  }
}

/** Control groups whose path contains `name`, two levels below any mounted hierarchy's used part. */
export function controlGroups(name: string): readonly string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(directory, entry.name);
      if (entry.name.includes(name)) found.push(path);
      else if (depth < 6) visitSafely(path, depth + 1);
    }
  };
  const visitSafely = (directory: string, depth: number): void => {
    try {
      visit(directory, depth);
    } catch {
      // Removed by its owner while we looked.
    }
  };
  visitSafely("/sys/fs/cgroup", 0);
  return found;
}

/** Boots without Node, in a few milliseconds; it echoes nothing and sleeps on the channel. */
export function shellSpec(change: Partial<SandboxSpec> = {}): SandboxSpec {
  const script = String.raw`printf '{"booted":true}\n' >&3; exec 3>&-; exec cat <&4 >/dev/null`;
  return { ...probeSpec(), command: ["/bin/sh", "-c", script], pidsMax: 16, ...change };
}

/** Waits for a state of the host that no event announces, a few seconds at most. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  if (!(await isTrueSoon(isSo))) assert.fail(`never came true: ${what}`);
}

/** The same, with the answer as a value. */
export async function isTrueSoon(isSo: () => boolean): Promise<boolean> {
  for (let looks = 0; looks < 1_000; looks++) {
    if (isSo()) return true;
    await systemClock.sleep(5, neverAborted);
  }
  return false;
}

const neverAborted = new AbortController().signal;
