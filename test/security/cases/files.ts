import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isText, nothingListed, nothingRead, isListing } from "../support/contest.ts";
import type { Attack } from "../support/contest.ts";
import { closed } from "./proc.ts";
import type { Ground } from "../support/ground.ts";
import { root } from "../../support/commands.ts";

const row = "1 files of the host";
const writing = "1 writing outside /tmp";
const control = "none";

const hostFiles = [
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/hostname",
  "/etc/fstab",
  "/etc/machine-id",
  "/etc/environment",
  "/etc/issue",
  "/etc/profile",
  "/etc/bash.bashrc",
  "/etc/debian_version",
  "/etc/os-release",
  "/etc/login.defs",
  "/etc/sysctl.conf",
  "/etc/crontab",
  "/etc/ssh/sshd_config",
  "/var/lib/dpkg/status",
  "/var/log/dpkg.log",
  "/var/log/lastlog",
  "/root/.bashrc",
  "/root/.profile",
  "/run/utmp",
];
const hostFolders = [
  "/root",
  "/home",
  "/var/lib",
  "/var/log",
  "/var/cache",
  "/var/spool",
  "/boot",
  "/srv",
  "/mnt",
  "/media",
  "/run",
  "/sys",
  "/sys/kernel",
  "/sys/class",
  "/sys/devices",
  "/sys/fs/cgroup",
  "/sys/module",
  "/usr/local",
  "/usr/local/bin",
  "/etc/ssh",
  "/etc/apt",
  "/etc/systemd",
  "/etc/init.d",
  "/etc/cron.d",
];
const devices = [
  "/dev/mem",
  "/dev/port",
  "/dev/kmsg",
  "/dev/kvm",
  "/dev/fuse",
  "/dev/net/tun",
  "/dev/loop-control",
  "/dev/loop0",
  "/dev/vda",
  "/dev/sda",
  "/dev/nvme0n1",
  "/dev/rtc0",
  "/dev/hwrng",
  "/dev/cpu_dma_latency",
  "/dev/userfaultfd",
  "/dev/vsock",
  "/dev/vhost-vsock",
  "/dev/console",
  "/dev/tty0",
  "/dev/ttyS0",
  "/dev/uinput",
  "/dev/input",
  "/dev/mapper/control",
  "/dev/btrfs-control",
  "/dev/ppp",
  "/dev/snapshot",
  "/dev/watchdog",
  "/dev/nvram",
];
const folders = [
  "/",
  "/usr",
  "/usr/bin",
  "/usr/lib",
  "/usr/local",
  "/usr/share",
  "/bin",
  "/etc",
  "/etc/ssl/certs",
  "/var",
  "/dev",
  "/dev/shm",
  "/proc",
  "/sys",
  "$LAMBDA_TASK_ROOT",
];
const ownedByRoot = ["/", "/usr", "/usr/bin/env", "/etc", "/etc/passwd", "/dev/null", "/dev"];

/** `dataDir` is the attacked platform's own; `secretCode` the unpacked code of another function. */
export function fileAttacks(
  ground: Ground,
  { dataDir, secretCode }: { readonly dataDir: string; readonly secretCode: string },
): readonly Attack[] {
  const files = [...hostFiles, ground.secretFile, `${root}package.json`, secretCode];
  const places = [
    ...hostFolders,
    root,
    dataDir,
    `${dataDir}/work`,
    `${dataDir}/work/packages`,
    `${dataDir}/blobs`,
    dirname(ground.secretFile),
  ];
  return [
    ...files
      .filter(existsSync)
      .flatMap((path): readonly Attack[] => [
        attack("read", path, { blocked: nothingRead, succeeded: isText, excuse: empty }),
        attack("through", path, {}),
      ]),
    ...places
      .filter(existsSync)
      .map((path) =>
        attack("list", path, { blocked: nothingListed, succeeded: isListing, excuse: empty }),
      ),
    ...devices.filter(existsSync).map((path) => attack("through", path, { excuse: noDevice })),
    ...["/proc/1/root/etc/shadow", "/proc/1/cwd/etc/shadow", "/proc/self/root/etc/shadow"].map(
      (path) => attack("read", path, { blocked: nothingRead, excuse: closed }),
    ),
    ...["$LAMBDA_TASK_ROOT/../../../../../../../../etc/shadow", "/tmp/../etc/shadow"].map((path) =>
      attack("read", path, { blocked: nothingRead }),
    ),
    ...folders.flatMap((folder): readonly Attack[] => [
      {
        ...attack("create", `${folder}/${ground.canary}`, kernelFolder(folder)),
        row: writing,
        id: `create in ${folder}`,
      },
      {
        ...attack("directory", `${folder}/${ground.canary}`, kernelFolder(folder)),
        row: writing,
        id: `make a folder in ${folder}`,
      },
    ]),
    ...ownedByRoot.map((path) => ({ ...attack("mode", path, {}), row: writing })),
  ];
}

function attack(operation: string, path: string, rest: Partial<Attack>): Attack {
  return { row, id: `${operation} ${path}`, operation, given: { path }, control, ...rest };
}

function empty({ code }: { readonly code: string }): string | undefined {
  return code === "" ? "there is nothing in it on this host" : undefined;
}

/** Opening a device needs the hardware, or a driver that is free. */
function noDevice({ code }: { readonly code: string }): string | undefined {
  const absent = ["ENXIO", "ENODEV", "EBUSY", "EIO", "EPERM", "ENOENT", "EINVAL"];
  return absent.includes(code) ? "the device cannot be opened on this host either" : undefined;
}

/** Nobody can make files in file systems of the kernel's. */
function kernelFolder(folder: string): Partial<Attack> {
  if (folder !== "/proc" && folder !== "/sys") return {};
  return { excuse: () => "not even root can make files there" };
}
