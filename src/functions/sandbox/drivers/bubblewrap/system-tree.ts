import {
  chmodSync,
  copyFileSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeDirectory } from "../../directories.ts";
import type { Mount, SystemTree } from "./arguments.ts";

/**
 * Facts about the host that the kernel shows to everyone with a /proc. Each cover costs a sandbox's
 * start a tenth of a millisecond (measured), so what only root may open is left as it is: no sandbox
 * has root's uid on the host.
 */
const hiddenFileNames = [
  "cmdline",
  "config.gz",
  "diskstats",
  "interrupts",
  "kallsyms",
  "kcore",
  "key-users",
  "keys",
  "kmsg",
  "latency_stats",
  "modules",
  "partitions",
  "sched_debug",
  "swaps",
  "sysrq-trigger",
  "timer_list",
  "timer_stats",
  "vmallocinfo",
];
const hiddenDirectoryNames = ["acpi", "asound", "bus", "fs", "irq", "scsi"];

/**
 * Looks at the host once and writes the generated part under `directory` (must not exist yet).
 * Synchronous: it runs at the driver's start, before anything waits.
 */
export function createSystemTree(directory: string): SystemTree {
  const empty = join(directory, "empty");
  makeDirectory(directory, 0o755);
  makeDirectory(empty, 0o755);
  const mounts: Mount[] = [{ source: "/usr", target: "/usr" }];
  if (isDirectory("/usr/local")) mounts.push({ source: empty, target: "/usr/local" });
  const links: { target: string; path: string }[] = [];
  for (const path of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    const target = linkTarget(path);
    if (target !== undefined) links.push({ target, path });
    else if (isDirectory(path)) mounts.push({ source: path, target: path });
  }
  return {
    mounts,
    links,
    etc: createEtc(join(directory, "etc")),
    empty,
    hiddenFiles: hiddenFileNames.map((name) => `/proc/${name}`).filter(isOpenToAll),
    hiddenDirectories: hiddenDirectoryNames.map((name) => `/proc/${name}`).filter(isDirectory),
  };
}

function createEtc(directory: string): string {
  for (const path of ["", "ssl", "ssl/certs"]) makeDirectory(join(directory, path), 0o755);
  const files: Readonly<Record<string, string>> = {
    passwd:
      "root:x:0:0:root:/root:/sbin/nologin\nsandbox:x:1000:1000::/tmp:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    group: "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n",
    // The name under which extensions listen for telemetry (Telemetry API, "destination").
    hosts: "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n",
    "resolv.conf": "# no name server: egress resolves names outside\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "host.conf": "multi on\n",
    "mime.types": "",
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), 0o644);
  }
  copyFirst(
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"],
    join(directory, "ssl/certs/ca-certificates.crt"),
  );
  copyFirst(["/etc/ssl/openssl.cnf"], join(directory, "ssl/openssl.cnf"));
  copyFirst(["/etc/ld.so.cache"], join(directory, "ld.so.cache"));
  copyJavaSettings(directory);
  // Functions run in UTC unless they set TZ (Lambda developer guide, reserved variables: TZ).
  copyFirst(["/usr/share/zoneinfo/UTC"], join(directory, "localtime"));
  return directory;
}

/**
 * Distributions keep the settings and certificates of a Java below /usr here and link to them; without
 * its `java.security` one does not start. What only root may read stays out.
 */
function copyJavaSettings(directory: string): void {
  const names = readdirSync("/etc").filter((name) => /^java-\d+-[a-z]+$/.test(name));
  for (const name of [...names, "ssl/certs/java", "pki/java"]) {
    const source = join("/etc", name);
    if (!isDirectory(source)) continue;
    for (const path of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      const status = statSync(join(source, path), { throwIfNoEntry: false });
      if (!status?.isFile() || (status.mode & 0o004) === 0) continue;
      const target = join(directory, name, path);
      makeDirectories(dirname(target));
      copyFileSync(join(source, path), target);
      chmodSync(target, 0o644);
    }
  }
}

function makeDirectories(path: string): void {
  if (exists(path)) return;
  makeDirectories(dirname(path));
  makeDirectory(path, 0o755);
}

/** Copies the first that can be read; a host without any of them has sandboxes without it. */
function copyFirst(sources: readonly string[], target: string): void {
  for (const source of sources) {
    if (!exists(source)) continue;
    copyFileSync(source, target);
    chmodSync(target, 0o644);
    return;
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Readable or writable by somebody who is neither the owner nor in the group. */
function isOpenToAll(path: string): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && (status.mode & 0o006) !== 0;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
    ? readlinkSync(path)
    : undefined;
}
