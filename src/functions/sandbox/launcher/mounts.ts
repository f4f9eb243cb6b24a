import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MountOption } from "../drivers/bubblewrap/omissions.ts";
import { bindSourcesMax } from "../limits.ts";

const run = promisify(execFile);
/** bubblewrap sets them again on what it binds; what is attached later has these alone. */
const protections = ["ro", "nosuid", "nodev"] as const satisfies readonly MountOption[];

/**
 * Gives every source a path that any uid can walk to. Sources may lie below directories closed to
 * the sandbox's uid (`/root`, a data directory of mode 0700); bubblewrap runs under that uid and
 * would not reach them. As root, in the launcher's own mount namespace, each source is bound once
 * under a random name; as an ordinary user the path itself is used.
 */
export interface OpenMounts {
  /** Idempotent and cached; a source replaced on disk is bound anew. Rejects when it does not exist. */
  open(source: string): Promise<string>;
  /**
   * Mounts `source` read-only at `name` below an already running sandbox's slot directory, or says
   * `false` where the launcher cannot.
   */
  attach(source: string, slot: string, name: string): Promise<boolean>;
  /** Undoes `attach`, so that the slot directory can be removed. */
  detach(slot: string, names: readonly string[]): Promise<void>;
  /** The path under which sandboxes see the slot directory `id`. */
  slot(id: string): string;
}

export function createDirectMounts(slots: string): OpenMounts {
  return {
    open: (source) => Promise.resolve(source),
    attach: () => Promise.resolve(false),
    detach: () => Promise.resolve(),
    slot: (id) => join(slots, id),
  };
}

/**
 * Needs root and an own mount namespace with private propagation. `omitted` are options that a test
 * of the attacks does without.
 */
export function createPrivateMounts(
  slots: string,
  omitted: readonly MountOption[] = [],
): OpenMounts {
  const options = ["bind", ...protections.filter((each) => !omitted.includes(each))].join(",");
  const base = chooseBase();
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=0711,size=4m,nosuid,nodev", "tmpfs", base]);
  const slotsOpen = join(base, opaqueName());
  mkdirSync(slotsOpen, { mode: 0o711 });
  execFileSync("mount", ["--bind", slots, slotsOpen]);
  // What is mounted below it later must reach sandboxes that already run: they are its slaves.
  execFileSync("mount", ["--make-shared", slotsOpen]);
  const opened = new Map<string, { readonly key: string; readonly path: Promise<string> }>();

  const open = (source: string): Promise<string> => {
    const status = statSync(source, { throwIfNoEntry: false });
    if (!status) return Promise.reject(new Error(`mount source is missing: ${source}`));
    const key = `${status.dev}:${status.ino}`;
    const known = opened.get(source);
    if (known?.key === key) return known.path;
    if (opened.size >= bindSourcesMax) forgetOldest(opened);
    const target = join(base, opaqueName());
    makeMountPoint(target, status.isDirectory());
    const path = run("mount", ["-o", options, source, target]).then(() => target);
    path.catch(() => opened.delete(source));
    opened.set(source, { key, path });
    return path;
  };

  return {
    open,
    async attach(source, slot, name) {
      // Bound again from the read-only one: a later change of flags would not propagate.
      const readOnly = await open(source);
      const target = join(slotsOpen, slot, name);
      mkdirSync(target, { mode: 0o755 });
      await run("mount", ["--bind", readOnly, target]);
      return true;
    },
    async detach(slot, names) {
      if (names.length === 0) return;
      const paths = names.map((name) => join(slotsOpen, slot, name));
      await run("umount", ["--lazy", ...paths]).catch(() => undefined);
    },
    slot: (id) => join(slotsOpen, id),
  };
}

/** An existing directory that no source can lie in; the mount over it is seen by the launcher alone. */
function chooseBase(): string {
  const found = ["/sys/kernel", "/sys", "/media", "/srv", "/mnt"].find((path) => existsSync(path));
  if (found === undefined) throw new Error("no directory to mount the launcher's tmpfs on");
  return found;
}

function makeMountPoint(path: string, isDirectory: boolean): void {
  if (isDirectory) mkdirSync(path, { mode: 0o711 });
  else writeFileSync(path, "", { mode: 0o644 });
}

function forgetOldest(opened: Map<string, { readonly path: Promise<string> }>): void {
  const [source, entry] = opened.entries().next().value ?? [];
  if (source === undefined || entry === undefined) return;
  opened.delete(source);
  // Sandboxes that use it hold their own mounts of it.
  entry.path.then((path) => run("umount", ["--lazy", path])).catch(() => undefined);
}

function opaqueName(): string {
  return randomBytes(12).toString("hex");
}
