/**
 * The profile every sandbox gets, as bubblewrap arguments. Pure. Each line here is a defence; the
 * attacks that prove them are in `confinement.test.ts` and the driver's self-test.
 */
export interface Profile {
  /** Read-only, in order; sources are paths the sandbox's uid can reach. */
  readonly mounts: readonly Mount[];
  readonly links: readonly { readonly target: string; readonly path: string }[];
  readonly system: SystemTree;
  /** Host directory shown read-only at `/var/slot`. */
  readonly slot: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly scratchMiB: number;
  readonly descriptors: { readonly seccomp: number; readonly info: number; readonly block: number };
}

export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** What a sandbox sees of the host besides its own mounts; found once, at the driver's start. */
export interface SystemTree {
  /** `/usr` and what of `/bin`, `/lib*` is a directory of its own. */
  readonly mounts: readonly Mount[];
  /** `/bin` → `usr/bin` and so on. */
  readonly links: readonly { readonly target: string; readonly path: string }[];
  /** Generated `/etc`; nothing of the host's own. */
  readonly etc: string;
  /** An empty directory, laid over what must not be read. */
  readonly empty: string;
  /** Paths below /proc that exist on this kernel and tell about the host. */
  readonly hiddenFiles: readonly string[];
  readonly hiddenDirectories: readonly string[];
}

/** Where trees linked into a running sandbox appear. */
const slotTarget = "/var/slot";

/** Looks like a Lambda host name and says nothing about this one. */
const hostName = "169-254-76-1";

/**
 * Own user, pid, mount, network, IPC, host name and cgroup namespaces; no capability in any of them
 * and no way to make another user namespace. The process dies with the launcher and has no
 * controlling terminal it could type into.
 */
const namespaces = words(
  "--unshare-all --unshare-user --uid 1000 --gid 1000 --disable-userns --die-with-parent " +
    `--new-session --cap-drop ALL --hostname ${hostName}`,
);

/** The options, without the program: they travel through `--args`, so that /proc shows none of them. */
export function bubblewrapArguments(profile: Profile): readonly string[] {
  const { system, descriptors } = profile;
  return [
    ...namespaces,
    ...environmentArguments(profile.environment),
    ...system.mounts.flatMap(readOnlyBind),
    ...system.links.flatMap((link) => ["--symlink", link.target, link.path]),
    ...readOnlyBind({ source: system.etc, target: "/etc" }),
    ...profile.mounts.flatMap(readOnlyBind),
    ...readOnlyBind({ source: profile.slot, target: slotTarget }),
    ...profile.links.flatMap((link) => ["--symlink", link.target, link.path]),
    ...words("--proc /proc"),
    ...system.hiddenFiles.flatMap((target) => readOnlyBind({ source: "/dev/null", target })),
    ...system.hiddenDirectories.flatMap((target) => readOnlyBind({ source: system.empty, target })),
    ...words("--dev /dev --perms 1777"),
    ...words(`--size ${profile.scratchMiB * 1024 * 1024} --tmpfs /tmp`),
    ...words("--remount-ro /proc --remount-ro /dev --remount-ro / --chdir /"),
    ...words(`--seccomp ${descriptors.seccomp}`),
    ...words(`--info-fd ${descriptors.info} --block-fd ${descriptors.block}`),
  ];
}

/** Only for words of our own: a path may hold a space. */
function words(text: string): readonly string[] {
  return text.split(" ");
}

function readOnlyBind(mount: Mount): readonly string[] {
  return ["--ro-bind", mount.source, mount.target];
}

function environmentArguments(environment: Readonly<Record<string, string>>): readonly string[] {
  const variables = Object.entries(environment);
  return ["--clearenv", ...variables.flatMap(([name, value]) => ["--setenv", name, value])];
}

/** The bytes `--args` reads. No argument can hold a NUL; the launcher's shape check refuses it. */
export function encodeArguments(values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\0`).join(""), "utf8");
}
