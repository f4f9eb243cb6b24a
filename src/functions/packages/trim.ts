import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { tidyCaches } from "./caches.ts";
import { spareMs } from "./limits.ts";
import { treeBytes } from "./unpack.ts";

/** Which trees are in use, by whom, and the removal of those that are not. */
export interface Trimmer {
  hold(name: string): Promise<AsyncDisposable>;
  trim(nowMs: number): Promise<void>;
  /** Half-built trees and holds of processes that are gone. */
  removeLeftovers(): Promise<void>;
}

/**
 * A hold is a file `<tree>.<pid>.<random>`; it counts while the process lives. Files and not memory,
 * because several processes share the trees.
 */
export function createTrimmer(deps: {
  readonly root: string;
  readonly building: string;
  readonly bytesMax: number;
  readonly random: Random;
  readonly log: Logger;
}): Trimmer {
  const { root, building, log } = deps;
  const holds = join(root, "holds");
  let madeHolds: Promise<unknown> | undefined;
  const sizes = new Map<string, number>(); // of trees, which never change once they are there
  const cacheSizes = new Map<string, number>(); // likewise

  const heldNames = async (): Promise<ReadonlySet<string>> => {
    const held = new Set<string>();
    for (const file of await readdir(holds).catch(() => [])) {
      const [name = "", pid = ""] = file.split(".");
      if (isAlive(Number(pid))) held.add(name);
      else await rm(join(holds, file), { force: true });
    }
    return held;
  };
  return {
    async hold(name) {
      madeHolds ??= mkdir(holds, { recursive: true });
      await madeHolds;
      const file = join(holds, `${name}.${process.pid}.${randomHex(deps.random, 8)}`);
      await writeFile(file, "");
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    },
    async trim(nowMs) {
      const caches = await tidyCaches(root, cacheSizes);
      const trees = (await listTrees(root, sizes)).map((tree) => ({
        ...tree,
        bytes: tree.bytes + (caches.get(tree.name) ?? 0),
      }));
      let bytes = trees.reduce((sum, tree) => sum + tree.bytes, 0);
      if (bytes <= deps.bytesMax) return;
      const held = await heldNames();
      for (const tree of trees.toSorted((a, b) => a.usedMs - b.usedMs)) {
        if (bytes <= deps.bytesMax) break;
        if (held.has(tree.name) || nowMs - tree.usedMs < spareMs) continue;
        // First out of sight, so that nobody finds half a tree.
        const doomed = join(building, `${process.pid}-${randomHex(deps.random, 8)}`);
        // Another process may have been faster.
        const isMine = await rename(join(root, tree.name), doomed).then(
          () => true,
          () => false,
        );
        if (!isMine) continue;
        await rm(doomed, { recursive: true, force: true });
        sizes.delete(tree.name);
        if (caches.has(tree.name)) await tidyCaches(root, cacheSizes);
        bytes -= tree.bytes;
        log.event("package.trimmed", { name: tree.name, bytes: tree.bytes });
      }
    },
    async removeLeftovers() {
      for (const name of await readdir(building)) {
        const [pid = ""] = name.split("-");
        if (!isAlive(Number(pid))) await rm(join(building, name), { recursive: true, force: true });
      }
      await heldNames();
    },
  };
}

async function listTrees(
  root: string,
  sizes: Map<string, number>,
): Promise<readonly { readonly name: string; readonly bytes: number; readonly usedMs: number }[]> {
  const trees = [];
  for (const name of await readdir(root)) {
    if (!/^(code|layers)-[0-9a-f]{64}$/.test(name)) continue;
    const path = join(root, name);
    const bytes = sizes.get(name) ?? (await treeBytes(path));
    sizes.set(name, bytes);
    trees.push({ name, bytes, usedMs: (await stat(path)).mtimeMs });
  }
  return trees;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
