import { bubblewrapArguments } from "#functions/sandbox/drivers/bubblewrap/arguments.ts";
import type { Cut, Omissions } from "#functions/sandbox/drivers/bubblewrap/omissions.ts";
import { controls } from "./contest.ts";

/**
 * One defence taken away. Where two locks hold the same door, `base` is the profile with the other
 * one open: alone, either must hold; without both, the attack must succeed.
 */
export interface Mutation {
  readonly name: string;
  /** What the examination looks at: the filter's rules, or the sandbox's walls. */
  readonly kind: "walls" | "filter";
  readonly base: keyof typeof bases;
  readonly without: Omissions;
}

const openFilter = { words: ["--seccomp", "6"] };
const mappedRoot = controls.filter.without.cuts.filter((cut) => cut.words[0] !== "--seccomp");

/** Profiles that mutations start from; each is examined once without any mutation. */
export const bases = {
  /** As a server runs it. */
  whole: {},
  /** Sandboxes under root's own uid: file permissions are no second lock any more. */
  "root's uid": { ownUids: true },
  /** Without the filter. */
  "no filter": { cuts: [openFilter] },
  /** Root inside, with every capability over its own namespaces: only the filter refuses. */
  "root inside": { cuts: mappedRoot },
} as const satisfies Readonly<Record<string, Omissions>>;

/** Both together. */
export function combined(base: Omissions, more: Omissions): Omissions {
  return { ...base, ...more, cuts: [...(base.cuts ?? []), ...(more.cuts ?? [])] };
}

const namespaces = ["user", "ipc", "pid", "net", "uts", "cgroup"] as const;
const asTried = { user: "user-try", cgroup: "cgroup-try" } as const;

/** `--unshare-all` spelled out (bwrap(1)) but for one. */
function unshareAllBut(left: (typeof namespaces)[number]): Cut {
  const rest = namespaces.filter((name) => name !== left);
  const option = (name: (typeof namespaces)[number]): string =>
    `--unshare-${name === "user" || name === "cgroup" ? asTried[name] : name}`;
  return { words: ["--unshare-all"], instead: rest.map(option) };
}

function walls(name: string, base: keyof typeof bases, ...cuts: readonly Cut[]): Mutation {
  return { name, kind: "walls", base, without: { cuts } };
}

/** Every option of `bubblewrapArguments` that defends something, and what else surrounds it. */
export function wallMutations(masks: readonly string[]): readonly Mutation[] {
  return [
    ...(["ipc", "pid", "net", "cgroup"] as const).map((name) =>
      walls(`--unshare-${name}`, "whole", unshareAllBut(name)),
    ),
    // Without a namespace of its own a name cannot be set either.
    walls("--unshare-uts", "whole", unshareAllBut("uts"), { words: ["--hostname", null] }),
    walls(
      "--unshare-user",
      "root's uid",
      unshareAllBut("user"),
      { words: ["--unshare-user"] },
      { words: ["--disable-userns"] },
      { words: ["--uid", null, "--gid", null] },
    ),
    walls("--uid", "whole", { words: ["--uid", "1000"] }),
    walls("--gid", "whole", { words: ["--gid", "1000"] }),
    walls("--disable-userns", "no filter", { words: ["--disable-userns"] }),
    walls("--new-session", "whole", { words: ["--new-session"] }),
    walls("--cap-drop", "root's uid", { words: ["--cap-drop", "ALL"] }),
    walls("--hostname", "whole", { words: ["--hostname", null] }),
    ...["/usr", "/etc", "/var/slot"].map((target) =>
      walls(`--ro-bind ${target}`, "root's uid", {
        words: ["--ro-bind", null, target],
        instead: ["--bind", null, target],
      }),
    ),
    walls("--ro-bind /var/lang/bin/node", "root's uid", {
      words: ["--ro-bind", null, "/var/lang/bin/node"],
      instead: ["--bind", null, "/var/lang/bin/node"],
    }),
    walls("generated /etc", "whole", {
      words: ["--ro-bind", null, "/etc"],
      instead: ["--ro-bind", "/etc", "/etc"],
    }),
    walls("empty /usr/local", "whole", { words: ["--ro-bind", null, "/usr/local"] }),
    walls("--proc", "whole", {
      words: ["--proc", "/proc"],
      instead: ["--ro-bind", "/proc", "/proc"],
    }),
    ...masks.map((path) => walls(`mask ${path}`, "whole", { words: ["--ro-bind", null, path] })),
    walls("--dev", "whole", { words: ["--dev", "/dev"], instead: ["--dev-bind", "/dev", "/dev"] }),
    walls("--perms", "whole", { words: ["--perms", "1777"] }),
    walls("--size", "whole", { words: ["--size", null] }),
    walls("--tmpfs", "root's uid", {
      words: ["--perms", "1777", "--size", null, "--tmpfs", "/tmp"],
      instead: ["--bind", "/var/tmp", "/tmp"],
    }),
    ...["/proc", "/dev", "/"].map((path) =>
      walls(`--remount-ro ${path}`, "whole", { words: ["--remount-ro", path] }),
    ),
    walls("--seccomp", "whole", openFilter),
    { name: "own uids", kind: "walls", base: "whole", without: { ownUids: true } },
    ...["nofile", "memlock", "msgqueue", "core"].map((limit): Mutation => ({
      name: `prlimit --${limit}`,
      kind: "walls",
      base: "whole",
      without: { limits: [limit] },
    })),
    ...(["ro", "nosuid", "nodev"] as const).map((option): Mutation => ({
      name: `the launcher's mount option ${option}`,
      kind: "walls",
      base: "whole",
      without: { mountOptions: [option] },
    })),
  ];
}

/** Options no mutation takes away, and why. */
export const unmutated: Readonly<Record<string, string>> = {
  "--clearenv":
    "bubblewrap itself is started with an empty environment, so there is nothing to clear",
  "--setenv": "gives, and takes nothing away",
  "--symlink": "gives, and takes nothing away",
  "--chdir": "where the boot program starts; every folder is open to it anyway",
  "--die-with-parent": "what an end of the launcher leaves is tried in resilience.test.ts",
  "--info-fd": "without it no sandbox is placed in its control group, and none starts",
  "--block-fd": "without it no sandbox is placed in its control group, and none starts",
};

/** Options of the profile that `wallMutations` does not name: a new one needs its attack. */
export function uncoveredOptions(): readonly string[] {
  const mount = { source: "/s", target: "/t" };
  const link = { target: "t", path: "/p" };
  const system = {
    mounts: [mount],
    links: [link],
    etc: "/e",
    empty: "/n",
    hiddenFiles: ["/proc/keys"],
    hiddenDirectories: ["/proc/acpi"],
  };
  const values = bubblewrapArguments({
    mounts: [mount],
    links: [link],
    system,
    slot: "/slot",
    environment: { A: "a" },
    scratchMiB: 1,
    descriptors: { seccomp: 6, info: 7, block: 8 },
  });
  const removed = wallMutations(["/proc/keys"]).flatMap(({ without }) =>
    (without.cuts ?? []).flatMap((cut) => cut.words),
  );
  const options = new Set(values.filter((value) => value.startsWith("--")));
  return [...options].filter((option) => !removed.includes(option) && !(option in unmutated));
}
