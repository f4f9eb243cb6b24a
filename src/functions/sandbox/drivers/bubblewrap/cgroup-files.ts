import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";
import { emptyPollMs, emptyPollsMax } from "../../limits.ts";
import {
  directoriesOf,
  flatKeyed,
  groupPaths,
  limitWrites,
  oomFile,
  peakFiles,
  unlimitedCpu,
} from "./cgroup.ts";
import type { CgroupLimits, CgroupWrite, GroupPaths } from "./cgroup.ts";
import { ownCgroups } from "./cgroup-home.ts";
import type { CgroupHome } from "./cgroup-home.ts";
import {
  endGroup,
  exists,
  killProcess,
  neverAborted,
  processesIn,
  readText,
  removeDirectory,
  tryWrite,
} from "./cgroup-io.ts";

/**
 * Control groups on disk. Almost everything is synchronous: these are reads and writes of kernel
 * memory, tens of microseconds each, in a process that does nothing else. Moving a process is the
 * exception: before it the kernel waits until no processor forks or exits any more (a grace period of
 * RCU, 10 ms and more), unless it did so a moment ago.
 */
export interface CgroupTree {
  readonly capabilities: {
    readonly memory: boolean;
    readonly cpu: boolean;
    readonly pids: boolean;
    readonly kill: boolean;
    readonly freeze: boolean;
  };
  /** Makes the group `name` with its limits. Throws when a limit cannot be set. */
  create(name: string, limits: CgroupLimits): Cgroup;
  /** The same group for another process of ours, which knows the limits it was made with. */
  find(name: string, limits: CgroupLimits): Cgroup;
  /**
   * A process will be moved soon: the kernel begins to wait now. Done by moving this process to where
   * it is; a grace period counts for every move that comes before it is forgotten.
   */
  expectMove(): void;
  /** Removes the tree's own directories; its groups must be gone. */
  remove(clock: Clock): Promise<void>;
}

export interface Cgroup {
  /** Whether there is any group to hold a process. */
  readonly isUsable: boolean;
  /** Puts a process in, in every hierarchy, before it runs anything. Rejects when it cannot. */
  add(pid: number): Promise<void>;
  /** Rejects when the group is gone. What the kernel may have to reclaim memory for holds up nobody. */
  configure(limits: CgroupLimits): Promise<void>;
  /** Beside the loop: it waits for whoever moves a process anywhere on this host. Kept in order. */
  setFrozen(frozen: boolean): Promise<void>;
  /** Asks the kernel to kill every member; `false` where it cannot do so at once. */
  kill(): boolean;
  isEmpty(): boolean;
  /** Resolves to true once no process is left, killing again while it waits. */
  emptied(clock: Clock): Promise<boolean>;
  /** Processes killed because the group's memory was used up. */
  outOfMemoryCount(): number;
  memoryPeakMiB(): number;
  /** After `emptied`. */
  remove(clock: Clock): Promise<void>;
}

/** The groups below a home that the platform has prepared. No groups at all is an answer too. */
export function openCgroupTree({ name, layout }: CgroupHome): CgroupTree {
  const paths = groupPaths(layout, name);
  const unified = paths.unified?.path;
  return {
    capabilities: {
      memory: paths.memory !== undefined,
      cpu: paths.cpu !== undefined,
      pids: paths.pids !== undefined,
      kill: unified !== undefined && exists(join(unified, "cgroup.kill")),
      freeze: unified !== undefined && exists(join(unified, "cgroup.freeze")),
    },
    create(child, limits) {
      const group = groupPaths(layout, `${name}/${child}`);
      makeGroup(group, limits);
      return openGroup(group, limits);
    },
    find: (child, limits) => openGroup(groupPaths(layout, `${name}/${child}`), limits),
    expectMove: createExpectation(),
    async remove(clock) {
      for (const directory of directoriesOf(paths)) await endGroup(directory, clock);
    },
  };
}

function createExpectation(): () => void {
  const own = ownCgroups();
  const place = own.pids ?? own.unified ?? own.memory;
  let isWaiting = false;
  return () => {
    if (!place || isWaiting) return;
    isWaiting = true;
    // "0" is whoever writes (kernel documentation, admin-guide/cgroup-v1/cgroups, section 2.2).
    const waited = writeFile(join(place.directory, "cgroup.procs"), "0").finally(() => {
      isWaiting = false;
    });
    ignore(waited, "where it is not permitted, moving a process takes the longer");
  };
}

function makeGroup(paths: GroupPaths, limits: CgroupLimits): void {
  const directories = directoriesOf(paths);
  try {
    for (const directory of directories) mkdirSync(directory, { recursive: true });
    // The first limit is set on an empty group: the kernel's own default is above any limit.
    for (const write of limitWrites(paths, limits, false)) {
      if (!tryWrite(write.file, write.value)) refuse(write);
    }
  } catch (error) {
    directories.forEach(removeDirectory);
    throw error;
  }
}

function refuse(write: CgroupWrite): void {
  if (!write.optional) throw new Error(`cannot set ${basename(write.file)} to ${write.value}`);
}

function openGroup(paths: GroupPaths, limits: CgroupLimits): Cgroup {
  const directories = directoriesOf(paths);
  let memoryMiB = limits.memoryMiB ?? 0;
  const known = new Map(limitWrites(paths, limits, false).map(({ file, value }) => [file, value]));
  let lastFreeze: Promise<void> = Promise.resolve();
  const configure = async (change: CgroupLimits): Promise<void> => {
    const { memoryMiB: wantedMiB = memoryMiB } = change;
    const isLower = wantedMiB < memoryMiB;
    for (const write of limitWrites(paths, change, wantedMiB > memoryMiB)) {
      if (known.get(write.file) === write.value) continue;
      const written = isLower
        ? await writeFile(write.file, write.value).then(always(true), always(false))
        : tryWrite(write.file, write.value);
      if (!written) refuse(write);
      known.set(write.file, write.value);
    }
    memoryMiB = wantedMiB;
  };
  const unified = paths.unified?.path;
  const members = paths.pids?.path ?? unified ?? paths.memory?.path;
  const dying = paths.cpu && unlimitedCpu(paths.cpu);
  const kill = (): boolean => {
    if (unified === undefined || !tryWrite(join(unified, "cgroup.kill"), "1")) return false;
    // Not before: processes that can still fork would do so with every core.
    if (dying) tryWrite(dying.file, dying.value);
    return true;
  };
  const isEmpty = (): boolean => members === undefined || processesIn(members).length === 0;
  return {
    isUsable: members !== undefined,
    async add(pid) {
      // One after the other: the first waits for the kernel, for the others nothing is left to wait for.
      for (const directory of directories) {
        await writeFile(join(directory, "cgroup.procs"), String(pid));
      }
    },
    configure,
    setFrozen(frozen) {
      if (unified === undefined) return Promise.reject(new Error("this host has no cgroup.freeze"));
      const write = (): Promise<void> =>
        writeFile(join(unified, "cgroup.freeze"), frozen ? "1" : "0");
      const written = lastFreeze.then(write, write);
      lastFreeze = written;
      return written;
    },
    kill,
    isEmpty,
    async emptied(clock) {
      for (let polls = 0; polls < emptyPollsMax; polls++) {
        if (isEmpty()) return true;
        if (!kill() && members !== undefined) processesIn(members).forEach(killProcess);
        await clock.sleep(emptyPollMs, neverAborted);
      }
      return isEmpty();
    },
    outOfMemoryCount: () =>
      paths.memory ? flatKeyed(readText(oomFile(paths.memory)), "oom_kill") : 0,
    memoryPeakMiB: () => (paths.memory ? readPeakMiB(peakFiles(paths.memory)) : 0),
    async remove(clock) {
      for (const directory of directories) await endGroup(directory, clock);
    },
  };
}

function always<T>(value: T): () => T {
  return () => value;
}

function readPeakMiB(files: readonly string[]): number {
  for (const file of files) {
    const bytes = Number(readText(file).trim() || Number.NaN);
    if (Number.isFinite(bytes)) return Math.ceil(bytes / (1024 * 1024));
  }
  return 0;
}
