import { link, mkdir, opendir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { treeEntriesMax } from "./limits.ts";

/**
 * Makes the tree `source` appear at `<slot>/<name>` without copying: directories are made anew,
 * files hard-linked, symbolic links repeated. It is built under a hidden name and renamed, so that
 * a process inside sees all of it or nothing. Errors pass through as Node's; nothing is left behind.
 */
export async function linkTree(source: string, slot: string, name: string): Promise<void> {
  const hidden = join(slot, `.${name}`);
  try {
    await copyDirectory(source, hidden, { left: treeEntriesMax });
    await rename(hidden, join(slot, name));
  } catch (error) {
    await rm(hidden, { recursive: true, force: true });
    throw error;
  }
}

async function copyDirectory(
  source: string,
  target: string,
  budget: { left: number },
): Promise<void> {
  await mkdir(target, { mode: 0o755 });
  for await (const entry of await opendir(source)) {
    if (budget.left-- <= 0) throw new Error(`more than ${treeEntriesMax} entries to link`);
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) await copyDirectory(from, to, budget);
    else if (entry.isFile()) await link(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else throw new Error(`not a file, directory or link: ${entry.name}`);
  }
}

/** Entries in `source`, counted no further than `limit`. */
export async function countEntries(source: string, limit: number): Promise<number> {
  let count = 0;
  for await (const _ of await opendir(source, { recursive: true })) {
    count += 1;
    if (count > limit) break;
  }
  return count;
}
