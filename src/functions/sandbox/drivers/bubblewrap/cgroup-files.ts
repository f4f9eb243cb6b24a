import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { emptyPollMs, emptyPollsMax } from "../../limits.ts";
import {
  directoriesOf,
  findCgroups,
  flatKeyed,
  groupPaths,
  limitWrites,
  oomFile,
  peakFiles,
} from "./cgroup.ts";
import type { CgroupLayout, CgroupLimits, GroupPaths } from "./cgroup.ts";

/**
 * Control groups on disk. Everything is synchronous: these are reads and writes of kernel memory,
 * tens of microseconds each, in a process that does nothing else.
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
  /** Removes the tree's own directories; its groups must be gone. */
  remove(clock: Clock): Promise<void>;
}

export interface Cgroup {
  /** Puts a process in, in every hierarchy, before it runs anything. */
  add(pid: number): void;
  configure(limits: CgroupLimits): void;
  setFrozen(frozen: boolean): void;
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

/** Finds where this process may make groups, and makes `name` there. No groups at all is an answer too. */
export function openCgroupTree(name: string): CgroupTree {
  const layout = writableLayout(
    findCgroups(readText("/proc/self/cgroup"), readText("/proc/self/mountinfo")),
    name,
  );
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
    create: (child, limits) => createCgroup(groupPaths(layout, `${name}/${child}`), limits),
    async remove(clock) {
      for (const directory of directoriesOf(paths)) await endGroup(directory, clock);
    },
  };
}

/**
 * Ends and removes groups left by launchers that no longer run. Their names carry the process id and
 * its start time, so a reused id is not mistaken for a live owner.
 */
export async function removeAbandoned(
  prefix: string,
  isAlive: (name: string) => boolean,
  clock: Clock,
): Promise<number> {
  const layout = findCgroups(readText("/proc/self/cgroup"), readText("/proc/self/mountinfo"));
  const parents = new Set<string>();
  for (const place of [layout.memory, layout.cpu, layout.pids, layout.unified]) {
    if (!place) continue;
    parents.add(place.directory).add(place.mountPoint);
  }
  let removed = 0;
  for (const parent of parents) {
    for (const name of subdirectories(parent)) {
      if (!name.startsWith(prefix) || isAlive(name)) continue;
      const directory = join(parent, name);
      for (const child of subdirectories(directory)) {
        await endGroup(join(directory, child), clock);
      }
      await endGroup(directory, clock);
      removed += 1;
    }
  }
  return removed;
}

/** A group stays busy for a moment after its last process left the list, so removing is tried again. */
async function endGroup(directory: string, clock: Clock): Promise<void> {
  for (let polls = 0; polls < emptyPollsMax; polls++) {
    processesIn(directory).forEach(killProcess);
    if (removeDirectory(directory)) return;
    await clock.sleep(emptyPollMs, neverAborted);
  }
}

const neverAborted = new AbortController().signal;

function createCgroup(paths: GroupPaths, limits: CgroupLimits): Cgroup {
  const directories = directoriesOf(paths);
  let memoryMiB = limits.memoryMiB ?? 0;
  const apply = (change: CgroupLimits): void => {
    const raising = change.memoryMiB !== undefined && change.memoryMiB > memoryMiB;
    for (const write of limitWrites(paths, change, raising)) {
      if (!tryWrite(write.file, write.value) && !write.optional) {
        throw new Error(`cannot set ${basename(write.file)} to ${write.value}`);
      }
    }
    memoryMiB = change.memoryMiB ?? memoryMiB;
  };
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  // The first limit is set on an empty group: the kernel's own default is above any limit.
  memoryMiB = Number.MAX_SAFE_INTEGER;
  apply(limits);
  const unified = paths.unified?.path;
  const members = paths.pids?.path ?? unified ?? paths.memory?.path;
  const kill = (): boolean => unified !== undefined && tryWrite(join(unified, "cgroup.kill"), "1");
  const isEmpty = (): boolean => members === undefined || processesIn(members).length === 0;
  return {
    add(pid) {
      for (const directory of directories) {
        writeFileSync(join(directory, "cgroup.procs"), String(pid));
      }
    },
    configure: apply,
    setFrozen(frozen) {
      if (unified === undefined) throw new Error("this host has no cgroup.freeze");
      writeFileSync(join(unified, "cgroup.freeze"), frozen ? "1" : "0");
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

/**
 * Drops from the layout what this process cannot use, and for v2 prepares a parent whose children
 * get controllers: a group with processes cannot hand controllers down ("no internal processes"), so
 * ours move into a leaf first; where even that is refused, root uses a group at the top.
 */
function writableLayout(layout: CgroupLayout, name: string): CgroupLayout {
  const usable: Record<keyof CgroupLayout, CgroupLayout["memory"]> = {
    memory: undefined,
    cpu: undefined,
    pids: undefined,
    unified: undefined,
  };
  for (const key of ["memory", "cpu", "pids"] as const) {
    const place = layout[key];
    if (place?.version === 1 && canMake(join(place.directory, name))) usable[key] = place;
  }
  const unified = layout.unified;
  if (!unified) return usable;
  const controllers = (["memory", "cpu", "pids"] as const).filter(
    (key) => layout[key]?.version === 2,
  );
  const parents = [...new Set([unified.directory, unified.mountPoint])];
  for (const directory of parents) {
    if (!prepareUnified(directory, name, controllers)) continue;
    const place = { ...unified, directory };
    usable.unified = place;
    const offered = readText(join(directory, name, "cgroup.controllers"))
      .trim()
      .split(" ");
    for (const key of controllers) usable[key] = offered.includes(key) ? place : undefined;
    if (controllers.every((key) => usable[key] !== undefined)) return usable;
  }
  return usable;
}

function prepareUnified(directory: string, name: string, controllers: readonly string[]): boolean {
  if (!canMake(join(directory, name))) return false;
  if (controllers.length === 0) return true;
  const handDown = controllers.map((key) => `+${key}`).join(" ");
  if (!tryWrite(join(directory, "cgroup.subtree_control"), handDown)) {
    moveToLeaf(directory, `${name}-self`);
    tryWrite(join(directory, "cgroup.subtree_control"), handDown);
  }
  tryWrite(join(directory, name, "cgroup.subtree_control"), handDown);
  return true;
}

/** Only a delegated group is ours to rearrange: one whose processes all belong to our own family. */
function moveToLeaf(directory: string, leaf: string): void {
  const family = new Set([process.pid, process.ppid]);
  const members = processesIn(directory);
  if (!members.every((pid) => family.has(pid)) || !canMake(join(directory, leaf))) return;
  for (const pid of members) tryWrite(join(directory, leaf, "cgroup.procs"), String(pid));
}

function canMake(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

function readPeakMiB(files: readonly string[]): number {
  for (const file of files) {
    const bytes = Number(readText(file).trim() || Number.NaN);
    if (Number.isFinite(bytes)) return Math.ceil(bytes / (1024 * 1024));
  }
  return 0;
}

function processesIn(directory: string): readonly number[] {
  return readText(join(directory, "cgroup.procs"))
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone between the listing and the signal.
  }
}

function subdirectories(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** Whether it is gone now. */
function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return !exists(directory);
  }
}

function exists(file: string): boolean {
  return subdirectoriesOrFiles(dirname(file)).includes(basename(file));
}

function subdirectoriesOrFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function tryWrite(file: string, value: string): boolean {
  try {
    writeFileSync(file, value);
    return true;
  } catch {
    return false;
  }
}
