import { errorName } from "./attackers.ts";
import type { Attack } from "./contest.ts";
import { runsOf } from "./golden.ts";

/** The host's programs and libraries, as they are there. */
const hosts: readonly string[] = ["/usr", "/var/lang", "/var/runtime/node_modules"];
const common = { row: "views", control: "none", raw: true } as const;

/** What the golden tables are made of, as attempts. */
export const views = {
  /** `/usr` is the host's, and big; what is in it is as on the host. */
  files: {
    ...common,
    id: "files",
    operation: "walk",
    given: { path: "/", skip: ["/proc", "/usr", "/var/lang/lib", "/var/runtime/node_modules"] },
  },
  search: {
    ...common,
    id: "search",
    operation: "search",
    given: { path: "/", needles: [] as readonly string[], skip: hosts },
  },
  status: { ...common, id: "status", operation: "read", given: { path: "/proc/self/status" } },
  limits: { ...common, id: "limits", operation: "read", given: { path: "/proc/self/limits" } },
  mounts: {
    ...common,
    id: "mounts",
    operation: "read",
    given: { path: "/proc/self/mountinfo", whole: true },
  },
  access: { ...common, id: "access", operation: "access", given: { path: "/proc" } },
  calls: { ...common, id: "calls", operation: "sweep", given: { from: 0, until: 1024 } },
  sockets: {
    ...common,
    id: "sockets",
    operation: "sockets",
    given: {
      from: 0,
      until: 46,
      types: [1, 2, 3, 4, 5, 6, 10],
      // Any; ICMP, IGMP, TCP, IPv6's ICMP, SCTP, raw; for netlink: route … kobject_uevent, generic.
      protocols: [0, 1, 2, 4, 6, 9, 12, 15, 16, 17, 58, 132, 255],
    },
  },
} as const satisfies Readonly<Record<string, Attack>>;

/**
 * Left out: the attacker's own code, the runtime's files, links into `/usr` (as the host has them) and
 * a Java installation's configuration, where there is one.
 */
export function fileLines(value: unknown): string[] {
  const entries = value as readonly string[]; // the operation's answer
  return entries
    .filter((line) => !/ \/etc\/(?:java-|ssl\/certs\/java)/.test(line))
    .filter((line) => !/ \/(?:bin|sbin|lib\w*)(?: ->.*)?$/.test(line))
    .filter((line) => !/ \/var\/(?:runtime|slot\/task)\/.*\//.test(line))
    .filter((line) => !/ \/var\/slot\/task\/./.test(line))
    .filter((line) => !/ \/var\/runtime\/guest\/./.test(line))
    .toSorted();
}

/** `rw /proc/…`: entries of processes but the attacker's own are left out, its own are `self`. */
export function accessLines(value: unknown): string[] {
  const access = value as Readonly<Record<string, string>>; // the operation's answer
  const lines = Object.entries(access)
    .filter(([path]) => !/^\/proc\/(?:1|\d+\/task)\//.test(path))
    .map(([path, how]) => `${how || "-"} ${normal(path)}`);
  return [...new Set(lines)].toSorted();
}

function normal(path: string): string {
  return path
    .replace(/^\/proc\/\d+\//, "/proc/self/")
    .replace(/\/fdinfo\/\d+$/, "/fdinfo/N")
    .replace(/\/(?:cpu|node|sched_domain\/cpu)\d+/, "/N");
}

/** Runs of numbers with the same fate. What the kernel said to arguments without sense is `allowed`. */
export function callLines(value: unknown, from: number): string[] {
  const outcomes = value as Readonly<Record<string, string>>; // the operation's answer
  const fates = Object.entries(outcomes)
    .map(([number, outcome]) => [Number(number) - from, fateOf(Number(number), outcome)] as const)
    .toSorted(([one], [other]) => one - other);
  return runsOf(fates);
}

/** Calls that came after Linux 5.1: an older kernel answers ENOSYS by itself. */
const recentFrom = 424;
/** uretprobe and uprobe, which the kernel lets through any filter (6.13 and later; seccomp.c). */
const neverFiltered = [335, 336];

function fateOf(number: number, outcome: string): string {
  if (neverFiltered.includes(number)) return "the kernel's own affair";
  if (outcome === "1") return "EPERM";
  if (outcome !== "38") return "allowed";
  return number >= recentFrom && number <= 469 && number !== 435 ? "allowed" : "ENOSYS";
}

/** `family type protocol outcome`, where it is not the family that is refused as a whole. */
export function socketLines(value: unknown): string[] {
  const outcomes = value as Readonly<Record<string, string>>; // the operation's answer
  const families = new Map<string, string[]>();
  for (const [socket, code] of Object.entries(outcomes)) {
    const [family = "", ...rest] = socket.split(" ");
    const name = code === "0" ? "allowed" : errorName(Number(code));
    const lines = families.get(family) ?? [];
    lines.push(`type ${rest[0]} protocol ${rest[1]} ${name}`);
    families.set(family, lines);
  }
  return [...families].flatMap(([family, lines]) => {
    const codes = new Set(lines.map((line) => line.split(" ").at(-1)));
    if (codes.size === 1) return [`family ${family} ${[...codes].join("")}`];
    return lines.map((line) => `family ${family} ${line}`).toSorted();
  });
}

/** Who the attacker is: users, capabilities, filter, session. */
export function statusLines(value: unknown): string[] {
  const wanted = /^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|NSpid|NSpgid|NSsid|Umask):/;
  return String(value)
    .split("\n")
    .filter((line) => wanted.test(line))
    .map((line) => line.replaceAll(/\s+/g, " ").trim());
}

export function limitLines(value: unknown): string[] {
  // What the host itself lays down for everyone is not ours.
  const ours = /^Max (?:open files|locked memory|msgqueue size|core file size)/;
  return String(value)
    .split("\n")
    .filter((line) => ours.test(line))
    .map((line) => line.replaceAll(/\s+/g, " ").trim());
}

/** Mount point, options, kind of file system and its own options; sources and numbers left out. */
export function mountLines(value: unknown): string[] {
  const lines = String(value).trim().split("\n");
  return lines
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , , , point, options] = before.split(" ");
      const [kind, , special = ""] = after.split(" ");
      const own = special
        .split(",")
        .filter((each) => /^(?:size|mode|uid|gid)=/.test(each) && kind !== "devtmpfs")
        .map((each) => each.replace(/^([ug]id)=\d+/, "$1=N"));
      const type = kind === "tmpfs" || kind === "proc" || kind === "devpts" ? kind : "host";
      return [point, options, type, ...own].join(" ");
    })
    .toSorted();
}
