import { cpuPeriodUs, cpuQuotaUsMin, tcpBytesMin, tcpMemoryShare } from "../../limits.ts";

/**
 * Where a process may make control groups, and what is written there: pure, for cgroup v1, v2 and
 * the hybrid of both. Sources: kernel documentation, admin-guide/cgroup-v1 and cgroup-v2.
 */
export interface CgroupLayout {
  /** Directory of the calling process, per controller; absent where the kernel offers none. */
  readonly memory: ControllerPlace | undefined;
  readonly cpu: ControllerPlace | undefined;
  readonly pids: ControllerPlace | undefined;
  /** The v2 tree, with or without controllers: it has `cgroup.kill`, `cgroup.freeze`, `cgroup.events`. */
  readonly unified: ControllerPlace | undefined;
}

interface ControllerPlace {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** The calling process's own group, under `mountPoint`. */
  readonly directory: string;
}

export interface CgroupLimits {
  readonly memoryMiB?: number | undefined;
  readonly cpuMilli?: number | undefined;
  readonly pidsMax?: number | undefined;
}

export interface CgroupWrite {
  readonly file: string;
  readonly value: string;
  /** Older or smaller kernels lack the file; going on without it is right. */
  readonly optional: boolean;
}

/** Directories of one group, by controller; equal paths where v2 unites them. */
export type GroupPaths = Readonly<
  Partial<
    Record<
      "memory" | "cpu" | "pids" | "unified",
      { readonly version: 1 | 2; readonly path: string }
    >
  >
>;

interface Mount {
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Reads the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. */
export function findCgroups(cgroupText: string, mountinfoText: string): CgroupLayout {
  const mounts = parseMounts(mountinfoText);
  const memberships = parseMemberships(cgroupText);
  const v2Mount = mounts.find((mount) => mount.type === "cgroup2");
  const v2Path = memberships.get("");
  const unified = v2Mount && v2Path !== undefined ? place(2, v2Mount, v2Path) : undefined;
  const controller = (name: string): ControllerPlace | undefined => {
    const path = memberships.get(name);
    if (path === undefined) return unified;
    const mount = mounts.find((each) => each.type === "cgroup" && each.options.includes(name));
    return mount && place(1, mount, path);
  };
  return {
    memory: controller("memory"),
    cpu: controller("cpu"),
    pids: controller("pids"),
    unified,
  };
}

function place(version: 1 | 2, mount: Mount, path: string): ControllerPlace {
  // Inside a container the mount shows a subtree: its root is a prefix of our path, or, with a
  // cgroup namespace whose root lies elsewhere, is not; then the mount point itself is the best guess.
  const root = mount.root === "/" ? "" : mount.root;
  const inside = path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : "";
  const directory = inside === "" || inside === "/" ? mount.mountPoint : mount.mountPoint + inside;
  return { version, mountPoint: mount.mountPoint, directory };
}

function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [before, after] = line.split(" - ");
    const [, , , root, mountPoint] = before?.split(" ") ?? [];
    const [type, , superOptions] = after?.split(" ") ?? [];
    if (root === undefined || mountPoint === undefined || type === undefined) continue;
    if (type !== "cgroup" && type !== "cgroup2") continue;
    const options = superOptions?.split(",") ?? [];
    mounts.push({ root: unescapePath(root), mountPoint: unescapePath(mountPoint), type, options });
  }
  return mounts;
}

/** Controller name → path; the v2 line, which names none, under the empty name. */
function parseMemberships(text: string): ReadonlyMap<string, string> {
  const memberships = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    const [, controllers, path] = match ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const name of controllers.split(",")) memberships.set(name, path);
  }
  return memberships;
}

/** mountinfo writes space, tab, newline and backslash as three octal digits (proc(5)). */
function unescapePath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The same group in every tree: `name` is relative, e.g. `skerry-12-345/ab12`. */
export function groupPaths(layout: CgroupLayout, name: string): GroupPaths {
  const paths: Record<string, { version: 1 | 2; path: string }> = {};
  for (const key of ["memory", "cpu", "pids", "unified"] as const) {
    const at = layout[key];
    if (at) paths[key] = { version: at.version, path: `${at.directory}/${name}` };
  }
  return paths;
}

/** Distinct directories to make, and to remove in the same order. */
export function directoriesOf(paths: GroupPaths): readonly string[] {
  return [...new Set(Object.values(paths).map((each) => each.path))];
}

/**
 * What to write for `limits`. `raising` says whether memory grows: the v1 pair of limits must be
 * written so that memory plus swap is never below memory.
 */
export function limitWrites(
  paths: GroupPaths,
  limits: CgroupLimits,
  raising: boolean,
): readonly CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  if (limits.memoryMiB !== undefined && paths.memory) {
    writes.push(...memoryWrites(paths.memory, limits.memoryMiB, raising));
  }
  if (limits.cpuMilli !== undefined && paths.cpu) {
    writes.push(...cpuWrites(paths.cpu, limits.cpuMilli));
  }
  if (limits.pidsMax !== undefined && paths.pids) {
    writes.push(required(`${paths.pids.path}/pids.max`, String(limits.pidsMax)));
  }
  return writes;
}

function memoryWrites(
  memory: { readonly version: 1 | 2; readonly path: string },
  memoryMiB: number,
  raising: boolean,
): readonly CgroupWrite[] {
  const bytes = String(memoryMiB * 1024 * 1024);
  if (memory.version === 2) {
    return [
      required(`${memory.path}/memory.max`, bytes),
      optional(`${memory.path}/memory.swap.max`, "0"),
      optional(`${memory.path}/memory.oom.group`, "1"),
    ];
  }
  const limit = required(`${memory.path}/memory.limit_in_bytes`, bytes);
  const withSwap = optional(`${memory.path}/memory.memsw.limit_in_bytes`, bytes);
  const order = raising ? [withSwap, limit] : [limit, withSwap];
  // Version 1 keeps the buffers of TCP, also of a sandbox's own loopback, out of the limit above.
  const tcpBytes = Math.max(tcpBytesMin, Math.floor(memoryMiB * 1024 * 1024 * tcpMemoryShare));
  return [
    ...order,
    optional(`${memory.path}/memory.swappiness`, "0"),
    optional(`${memory.path}/memory.kmem.tcp.limit_in_bytes`, String(tcpBytes)),
  ];
}

function cpuWrites(
  cpu: { readonly version: 1 | 2; readonly path: string },
  cpuMilli: number,
): readonly CgroupWrite[] {
  const quotaUs = Math.max(cpuQuotaUsMin, Math.round((cpuMilli * cpuPeriodUs) / 1000));
  if (cpu.version === 2) return [required(`${cpu.path}/cpu.max`, `${quotaUs} ${cpuPeriodUs}`)];
  return [
    required(`${cpu.path}/cpu.cfs_period_us`, String(cpuPeriodUs)),
    required(`${cpu.path}/cpu.cfs_quota_us`, String(quotaUs)),
  ];
}

/** Lets what is being killed use every core: a group held to one takes twice as long to die on two. */
export function unlimitedCpu(cpu: { readonly version: 1 | 2; readonly path: string }): CgroupWrite {
  return cpu.version === 2
    ? optional(`${cpu.path}/cpu.max`, `max ${cpuPeriodUs}`)
    : optional(`${cpu.path}/cpu.cfs_quota_us`, "-1");
}

function required(file: string, value: string): CgroupWrite {
  return { file, value, optional: false };
}

function optional(file: string, value: string): CgroupWrite {
  return { file, value, optional: true };
}

/** Files whose `key value` lines count processes killed for lack of memory. */
export function oomFile(memory: { readonly version: 1 | 2; readonly path: string }): string {
  return `${memory.path}/${memory.version === 2 ? "memory.events" : "memory.oom_control"}`;
}

/** Files holding the highest use in bytes, the best first. */
export function peakFiles(memory: {
  readonly version: 1 | 2;
  readonly path: string;
}): readonly string[] {
  return memory.version === 2
    ? [`${memory.path}/memory.peak`, `${memory.path}/memory.current`]
    : [`${memory.path}/memory.max_usage_in_bytes`, `${memory.path}/memory.usage_in_bytes`];
}

/** The number behind `key` in a flat-keyed file; 0 where it is missing. */
export function flatKeyed(text: string, key: string): number {
  for (const line of text.split("\n")) {
    const [name, value] = line.split(" ");
    if (name === key) return Number(value);
  }
  return 0;
}
