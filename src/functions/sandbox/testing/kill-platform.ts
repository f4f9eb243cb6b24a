import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { createBubblewrapDriver } from "../drivers/bubblewrap/bubblewrap.ts";
import { instanceName } from "../drivers/bubblewrap/instance.ts";
import { controlGroups, isTrueSoon, processesNaming, processesOf, shellSpec } from "./host.ts";

const never = new AbortController().signal;
/** A new launcher takes a third of a second; a busy host may need far more. */
const recoveryMaxMs = 20_000;

/** Whom a kill hits: `launcher` also stands for any of the processes it is started through. */
export const victims = ["platform", "launcher", "both", "all"] as const;

export interface Kill {
  readonly uids: { readonly first: number; readonly count: number };
  readonly sandboxes: number;
  readonly victim: (typeof victims)[number];
  /** From the victim's first word, which it says before it has made anything. */
  readonly afterMs: number;
  /** 0 … 1; which of the launcher's processes is hit. */
  readonly which: number;
}

export interface Remains {
  /** How long the last process lived on. */
  readonly livedOnMs: number;
  /** Left after the grace time: sandboxes' processes and the launcher's. Mounts end with these. */
  readonly processes: number;
  /** Left once the next platform works. */
  readonly groups: number;
  readonly directories: number;
  /** The next platform, or the same with a new launcher, makes sandboxes. */
  readonly works: boolean;
}

/**
 * Runs a platform in a child process that makes, freezes and ends sandboxes all the time, kills with
 * signal 9 what `kill.victim` says, and looks for what is left. As root; only processes of the uid range
 * and those that name the run's own directory are looked at.
 */
export async function killPlatform(kill: Kill): Promise<Remains> {
  const workDir = mkdtempSync(join(tmpdir(), "skerry-killed-"));
  const program = fileURLToPath(new URL("victim.ts", import.meta.url));
  const platform = spawn(
    process.execPath,
    ["--conditions=source", program, workDir, JSON.stringify(kill.uids), String(kill.sandboxes)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const words = createInterface({ input: platform.stdout })[Symbol.asyncIterator]();
    await words.next();
    await systemClock.sleep(kill.afterMs, never);
    return kill.victim === "launcher"
      ? await loseLauncher(kill, { platform, workDir, words })
      : await losePlatform(kill, { platform, workDir });
  } finally {
    await end(platform);
    rmSync(workDir, { recursive: true });
  }
}

async function losePlatform(
  kill: Kill,
  { platform, workDir }: { readonly platform: ChildProcess; readonly workDir: string },
): Promise<Remains> {
  const launchers = launcherProcesses(workDir, platform);
  const home = instanceName(platform.pid ?? 0);
  const targets = kill.victim === "platform" ? [] : chosen(launchers, kill);
  const gone = end(platform);
  targets.forEach(killIfAlive);
  await gone;
  const { livedOnMs, processes } = await ended(
    () => processesOf(kill.uids).length + processesNaming(workDir).length,
  );
  await using driver = createBubblewrapDriver({
    workDir,
    uids: kill.uids,
    log: { event: () => undefined },
    clock: systemClock,
    random: systemRandom,
  });
  await using sandbox = await driver.create(shellSpec(), never);
  await isTrueSoon(() => readdirSync(workDir).length === 1);
  return {
    livedOnMs,
    processes,
    groups: controlGroups(home).length,
    directories: readdirSync(workDir).length - 1,
    works: sandbox.id !== "" && processesOf(kill.uids).length > 0,
  };
}

async function loseLauncher(
  kill: Kill,
  {
    platform,
    workDir,
    words,
  }: {
    readonly platform: ChildProcess;
    readonly workDir: string;
    readonly words: AsyncIterator<string>;
  },
): Promise<Remains> {
  const launchers = launcherProcesses(workDir, platform);
  const before = processesOf(kill.uids);
  chosen(launchers, kill).forEach(killIfAlive);
  const old = new Set([...before, ...launchers]);
  const { livedOnMs, processes } = await ended(
    () =>
      [...processesOf(kill.uids), ...processesNaming(workDir)].filter((pid) => old.has(pid)).length,
  );
  const works = await Promise.race([madeByAnother(launchers, words), late()]);
  await end(platform);
  const left = await ended(() => processesOf(kill.uids).length + processesNaming(workDir).length);
  return { livedOnMs, processes: processes + left.processes, groups: 0, directories: 0, works };
}

/** Whether the platform says that it has made a sandbox through a launcher that is none of `old`. */
async function madeByAnother(
  old: readonly number[],
  words: AsyncIterator<string>,
): Promise<boolean> {
  for (;;) {
    const { done, value } = await words.next();
    if (done === true) return false;
    const launcher = Number.parseInt(value, 10);
    if (launcher > 0 && !old.includes(launcher)) return true;
  }
}

async function late(): Promise<boolean> {
  await systemClock.sleep(recoveryMaxMs, never);
  return false;
}

/** Waits up to a few seconds for the last one; answers how long that took and how many stayed. */
async function ended(
  count: () => number,
): Promise<{ readonly livedOnMs: number; readonly processes: number }> {
  const fromMs = systemClock.monotonicMs();
  const isEnded = await isTrueSoon(() => count() === 0);
  return { livedOnMs: systemClock.monotonicMs() - fromMs, processes: isEnded ? 0 : count() };
}

function launcherProcesses(workDir: string, platform: ChildProcess): readonly number[] {
  return processesNaming(workDir).filter((pid) => pid !== platform.pid);
}

function chosen(launchers: readonly number[], kill: Kill): readonly number[] {
  if (kill.victim === "all") return launchers;
  return launchers.slice(Math.floor(kill.which * launchers.length)).slice(0, 1);
}

async function end(platform: ChildProcess): Promise<void> {
  if (platform.exitCode !== null || platform.signalCode !== null) return;
  const gone = new Promise((resolve) => platform.once("exit", resolve));
  platform.kill("SIGKILL");
  await gone;
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
