import { join } from "node:path";
import type { Clock } from "#base/clock.ts";
import { directoriesOf, findCgroups, groupPaths } from "./cgroup.ts";
import type { CgroupLayout } from "./cgroup.ts";
import { canMake, endGroup, processesIn, readText, subdirectories, tryWrite } from "./cgroup-io.ts";

/**
 * Where one driver's groups lie. The platform prepares it for its launcher, because the launcher's own
 * process namespace hides whose processes are already there, and clears it behind one that died.
 */
export interface CgroupHome {
  /** Relative to the directories of `layout`. */
  readonly name: string;
  /** Only what groups can be made in. */
  readonly layout: CgroupLayout;
}

/** What the kernel says of this process; found once, since preparing a home may move it. */
export function ownCgroups(): CgroupLayout {
  return findCgroups(readText("/proc/self/cgroup"), readText("/proc/self/mountinfo"));
}

/** Makes the home, or finds it made. A host where none can be made has an empty layout. */
export function openCgroupHome(name: string, own: CgroupLayout): CgroupHome {
  return { name, layout: writableLayout(own, name) };
}

/** Ends every group in the home, with what still runs there, and the home. */
export async function removeCgroupHome(home: CgroupHome, clock: Clock): Promise<void> {
  for (const directory of directoriesOf(groupPaths(home.layout, home.name))) {
    await endFamily(directory, clock);
  }
}

async function endFamily(directory: string, clock: Clock): Promise<void> {
  for (const child of subdirectories(directory)) await endGroup(join(directory, child), clock);
  await endGroup(directory, clock);
}

/**
 * Ends and removes homes of platforms that no longer run. Their names carry the process id and its
 * start time, so a reused id is not mistaken for a live owner.
 */
export async function removeAbandoned(
  prefix: string,
  isAlive: (name: string) => boolean,
  clock: Clock,
): Promise<void> {
  const own = ownCgroups();
  const parents = new Set<string>();
  for (const place of [own.memory, own.cpu, own.pids, own.unified]) {
    if (!place) continue;
    parents.add(place.directory).add(place.mountPoint);
  }
  for (const parent of parents) {
    for (const name of subdirectories(parent)) {
      if (name.startsWith(prefix) && !isAlive(name)) await endFamily(join(parent, name), clock);
    }
  }
}

/**
 * Drops from the layout what this process cannot use, and for v2 prepares a parent whose children
 * get controllers: a group with processes cannot hand controllers down ("no internal processes"), so
 * this one moves into a leaf first; where even that is refused, root uses a group at the top.
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

/** Only a delegated group is ours to rearrange: one that holds this process and nobody else. */
function moveToLeaf(directory: string, leaf: string): void {
  const isOurs = processesIn(directory).every((pid) => pid === process.pid);
  if (!isOurs || !canMake(join(directory, leaf))) return;
  tryWrite(join(directory, leaf, "cgroup.procs"), String(process.pid));
}
