import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import type { Revision } from "#functions/registry/registry.ts";
import { instanceName } from "#functions/sandbox/drivers/bubblewrap/instance.ts";
import {
  controlGroups,
  eventually,
  launcherProcess,
  processesOf,
  shellSpec,
} from "#functions/sandbox/testing/host.ts";
import { startPlatform, type Platform } from "./platform.ts";

/** What there is of everything that could leak, once all has ended. */
export interface Look {
  readonly cycles: number;
  /** Must be the same at every look. */
  readonly counts: Readonly<Record<string, number>>;
  readonly platformRssMiB: number;
  readonly platformHeapMiB: number;
  readonly launcherRssMiB: number;
}

export interface CyclesOptions {
  readonly cycles: number;
  /** Every how manieth cycle is a whole invocation; the others are bare sandboxes. */
  readonly wholeEvery: number;
  /** Cycles before the first look, so that caches are full, and between looks. */
  readonly warmUp: number;
  readonly lookEvery: number;
  readonly concurrency: number;
  readonly onLook?: (look: Look) => void;
}

const never = new AbortController().signal;

/**
 * Makes, uses and ends environments again and again and looks for what stays. A *whole* cycle is one
 * invocation through invoker and pool: a new sandbox, code linked in, init, the call, and one of the ends
 * an environment can have: retired while idle or frozen, crashed, failed in init, out of time, out of
 * memory. A *bare* one is a sandbox of the driver with a shell in it: booted, a tree linked in, its limits
 * changed, frozen and, every other time, thawed, its memory asked for, ended. As root.
 */
export async function runCycles(options: CyclesOptions): Promise<readonly Look[]> {
  const uids = { first: 1_995_000_000 + (process.pid % 1024) * 256, count: 256 };
  await using platform = await startPlatform({ uids, pool: { freezeAfterMs: 0 } });
  const lanes = await Promise.all(
    Array.from({ length: options.concurrency }, () => openLane(platform)),
  );
  const looks: Look[] = [];
  let begun = 0;
  const runUntil = async (target: number): Promise<void> => {
    await Promise.all(
      lanes.map(async (lane) => {
        while (begun < target) {
          const number = begun++;
          if (number % options.wholeEvery === 0) await lane.whole(number / options.wholeEvery);
          else await lane.bare();
        }
      }),
    );
  };
  await runUntil(options.warmUp);
  for (let target = options.warmUp; ; target += options.lookEvery) {
    await runUntil(Math.min(target, options.warmUp + options.cycles));
    const look = await lookAt(platform, uids, begun - options.warmUp);
    looks.push(look);
    options.onLook?.(look);
    if (target >= options.warmUp + options.cycles) return looks;
  }
}

interface Lane {
  readonly whole: (number: number) => Promise<void>;
  readonly bare: () => Promise<void>;
}

/** Ends an environment can have; the dear ones seldom. */
const ends = ["retire", "crash", "retire", "init", "retire", "throw"] as const;
const dearEnds = ["timeout", "memory"] as const;
const dearEvery = 25;

const code = `export const handler = async (event) => {
  if (event.end === "crash") process.exit(3);
  if (event.end === "throw") throw new Error("thrown");
  if (event.end === "timeout") await new Promise(() => setInterval(() => {}, 1000));
  for (const kept = []; event.end === "memory";) kept.push(Buffer.alloc(8 << 20, 1));
  console.log("a line");
  return 1;
};`;

async function openLane(platform: Platform): Promise<Lane> {
  const good = await platform.deploy(code, { timeoutMs: 1_000, memoryMiB: 128 });
  const bad = await platform.deploy(`throw new Error("at load"); export const handler = 1;`);
  const tree = join(import.meta.dirname, "../../sandbox/launcher/inside");
  const call = async (revision: Revision, end: string): Promise<void> => {
    await platform.call(revision, { end });
    if (end === "throw" || end === "retire") platform.pool.retire(revision.functionArn, undefined);
    await eventually("the environment is gone", () =>
      platform.pool
        .snapshot()
        .environments.every((one) => one.functionArn !== revision.functionArn),
    );
  };
  let bareCount = 0;
  return {
    async whole(number) {
      const dear = dearEnds[Math.floor(number / dearEvery) % dearEnds.length] ?? "timeout";
      const end =
        number % dearEvery === dearEvery - 1 ? dear : (ends[number % ends.length] ?? "retire");
      await call(end === "init" ? bad : good, end);
    },
    async bare() {
      await using sandbox = await platform.driver.create(shellSpec(), never);
      await sandbox.link("task", tree);
      await sandbox.configure({ memoryMiB: 128, cpuMilli: 500 });
      await sandbox.configure({ frozen: true });
      if (++bareCount % 2 === 0) await sandbox.configure({ frozen: false });
      await sandbox.memoryPeakMiB();
    },
  };
}

async function lookAt(
  platform: Platform,
  uids: { readonly first: number; readonly count: number },
  cycles: number,
): Promise<Look> {
  const launcher = launcherProcess(platform.driver.launcherPid);
  // The test platform keeps what a real one sends on.
  platform.logs.clear();
  platform.events.length = 0;
  await eventually("all is idle", () => platform.driver.liveCount === 0);
  // Output of a dead sandbox stays readable for a second, for readers that are behind.
  await systemClock.sleep(drainedMs, never);
  globalThis.gc?.();
  return {
    cycles,
    counts: {
      ownDescriptors: readdirSync("/proc/self/fd").length,
      ownChildren: readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ")
        .length,
      launcherDescriptors: readdirSync(`/proc/${launcher}/fd`).length,
      launcherMounts: readFileSync(`/proc/${launcher}/mountinfo`, "utf8").split("\n").length,
      launcherThreads: readdirSync(`/proc/${launcher}/task`).length,
      sandboxProcesses: processesOf(uids).length,
      groups: controlGroups(instanceName(process.pid)).reduce(
        (sum, home) =>
          sum +
          readdirSync(home, { withFileTypes: true }).filter((one) => one.isDirectory()).length,
        0,
      ),
      // Slots and whatever else is made on disk; code and blobs stay the same.
      entries: readdirSync(platform.directory, { recursive: true }).length,
    },
    platformRssMiB: process.memoryUsage.rss() / 1024 ** 2,
    platformHeapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
    launcherRssMiB: residentMiB(launcher),
  };
}

const drainedMs = 1_200;

function residentMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1]) / 1024;
}

/** MiB per thousand cycles, by least squares over the second half of the looks; the first half settles. */
export function slope(looks: readonly Look[], of: (look: Look) => number): number {
  const half = looks.slice(Math.floor(looks.length / 2));
  const meanX = half.reduce((sum, look) => sum + look.cycles, 0) / half.length;
  const meanY = half.reduce((sum, look) => sum + of(look), 0) / half.length;
  let covariance = 0;
  let variance = 0;
  for (const look of half) {
    covariance += (look.cycles - meanX) * (of(look) - meanY);
    variance += (look.cycles - meanX) ** 2;
  }
  return variance === 0 ? 0 : (covariance / variance) * 1_000;
}
