import { accessSync, constants } from "node:fs";
import { filterArchitecture } from "./seccomp.ts";

/** Where packages put programs; never a caller's PATH, the launcher may be root. */
const programDirectories = ["/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/sbin"];

export function findBubblewrap(): string | undefined {
  return findProgram("bwrap");
}

function findProgram(name: string): string | undefined {
  return programDirectories.map((each) => `${each}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether this host can run sandboxes: looks for the programs, then makes one. Never throws; the
 * reason names the command that repairs what is missing.
 */
export async function probeHost(
  tryOne: () => Promise<void>,
): Promise<{ readonly usable: boolean; readonly reason: string }> {
  const missing = missingParts();
  if (missing !== undefined) return { usable: false, reason: missing };
  try {
    await tryOne();
    return { usable: true, reason: "bubblewrap sandboxes work on this host" };
  } catch (error) {
    return {
      usable: false,
      reason: explain(error instanceof Error ? error.message : String(error)),
    };
  }
}

function missingParts(): string | undefined {
  if (process.platform !== "linux")
    return "Sandboxes need Linux namespaces; this is another system.";
  if (filterArchitecture(process.arch) === undefined) {
    return `There is no system-call filter for ${process.arch}; x64 and arm64 have one.`;
  }
  if (findBubblewrap() === undefined) {
    return "bubblewrap is not installed; run: apt-get install -y bubblewrap";
  }
  const lacking = ["prlimit", "unshare", "mount"].filter((name) => !findProgram(name));
  if (lacking.length === 0) return undefined;
  return `${lacking.join(", ")} not found; run: apt-get install -y util-linux mount`;
}

/** What bubblewrap says on hosts that hold something back, and what lets it go. */
const repairs: readonly (readonly [pattern: RegExp, repair: string])[] = [
  [
    /uid map: Permission denied|RTM_NEWADDR|gid_map/,
    "AppArmor restricts user namespaces (Ubuntu 23.10 and later); run: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give /usr/bin/bwrap an AppArmor profile with `userns,`",
  ],
  [
    /nesting depth|No space left on device/,
    "user namespaces are used up or forbidden here; run: sysctl -w user.max_user_namespaces=15000",
  ],
  [
    /No permissions to creat|Creating new namespace failed|Operation not permitted.*unshare/,
    "the kernel or a container refuses user namespaces; run: sysctl -w kernel.unprivileged_userns_clone=1, or in a container allow clone, unshare, mount and pivot_root in its seccomp profile",
  ],
  [
    /Can't mount proc/,
    "a container masks /proc; start it with --security-opt systempaths=unconfined (Kubernetes: procMount: Unmasked)",
  ],
  [
    /Failed to make .* slave/,
    "a container's AppArmor profile refuses mounts; start it with --security-opt apparmor=unconfined",
  ],
  [
    /unshare failed|mount: .*permission denied/i,
    "root here lacks CAP_SYS_ADMIN, as in most containers; start the platform as an ordinary user, or the container with --privileged",
  ],
  [
    /spawn .*(EINVAL|EPERM)/,
    "the uids of sandboxes are not mapped in this user namespace; start the platform as an ordinary user",
  ],
  [/[Uu]nknown option/, "bubblewrap is older than 0.8; install a newer one"],
];

export function explain(message: string): string {
  const repair = repairs.find(([pattern]) => pattern.test(message))?.[1];
  return repair === undefined ? message : `${message} — ${repair}`;
}
