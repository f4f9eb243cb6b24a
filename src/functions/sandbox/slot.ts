import { linkSync, opendirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import type { Dirent } from "node:fs";
import { chmod, link, mkdir, opendir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { hardLinkEntriesMax, treeEntriesMax } from "./limits.ts";
import { makeDirectory } from "./directories.ts";

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
  await mkdir(target);
  await chmod(target, 0o755);
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

/**
 * The same for a tree of at most `hardLinkEntriesMax` entries, synchronously: a millisecond of system
 * calls, where a turn of the event loop for each would take five (measured). Answers `false`, having
 * done nothing, when the tree is bigger.
 */
export function linkSmallTree(source: string, slot: string, name: string): boolean {
  const entries = listSmallTree(source);
  if (!entries) return false;
  const hidden = join(slot, `.${name}`);
  try {
    makeDirectory(hidden, 0o755);
    for (const entry of entries) {
      const from = join(entry.parentPath, entry.name);
      const to = join(hidden, relative(source, from));
      if (entry.isDirectory()) makeDirectory(to, 0o755);
      else if (entry.isFile()) linkSync(from, to);
      else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
      else throw new Error(`not a file, directory or link: ${entry.name}`);
    }
    renameSync(hidden, join(slot, name));
    return true;
  } catch (error) {
    rmSync(hidden, { recursive: true, force: true });
    throw error;
  }
}

/** Parents before what is in them; undefined for more than `hardLinkEntriesMax` entries. */
function listSmallTree(source: string): readonly Dirent[] | undefined {
  const entries: Dirent[] = [];
  const directories = [source];
  for (let path = directories.shift(); path !== undefined; path = directories.shift()) {
    const directory = opendirSync(path);
    try {
      for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
        entries.push(entry);
        if (entries.length > hardLinkEntriesMax) return undefined;
        if (entry.isDirectory()) directories.push(join(path, entry.name));
      }
    } finally {
      directory.closeSync();
    }
  }
  return entries;
}
