import { link, lstat, mkdir, open, readdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PlatformError } from "#base/errors.ts";
import { messages, readArchive, type ArchiveEntry, type ArchiveLimits } from "./archive.ts";
import { checkLinkTarget, RefusedArchive } from "./entry.ts";

/**
 * Writes an archive as a tree below `target`, an empty directory nobody else writes to. Links are made
 * last, so that nothing is ever written through one; an entry below a link's own path is refused.
 */
export async function unpackArchive(
  archivePath: string,
  target: string,
  limits: ArchiveLimits,
): Promise<{ readonly byteCount: number }> {
  const tree = new GrowingTree();
  const totals = await readArchive(
    archivePath,
    async (entry) => {
      tree.claim(entry);
      if (entry.kind === "link") return tree.rememberLink(entry.path, await linkTarget(entry));
      const path = join(target, entry.path);
      if (entry.kind === "directory") return makeDirectory(path);
      await makeDirectory(dirname(path));
      await writeEntry(path, entry);
    },
    limits,
  );
  for (const [path, to] of tree.links) {
    await makeDirectory(dirname(join(target, path)));
    await symlink(to, join(target, path));
  }
  return totals;
}

/** Reads everything and keeps nothing; the same refusals as unpacking. */
export async function checkArchive(
  source: Uint8Array | string,
  limits: ArchiveLimits,
): Promise<{ readonly byteCount: number; readonly entryCount: number }> {
  const tree = new GrowingTree();
  return readArchive(
    source,
    async (entry) => {
      tree.claim(entry);
      if (entry.kind === "link") return tree.rememberLink(entry.path, await linkTarget(entry));
      for await (const _ of entry.content());
    },
    limits,
  );
}

/** What each path has become so far; the same path twice keeps the last, as `unzip -o` does. */
class GrowingTree {
  readonly links = new Map<string, string>();
  readonly #kinds = new Map<string, ArchiveEntry["kind"]>();

  claim(entry: Pick<ArchiveEntry, "kind" | "path">): void {
    for (let at = entry.path.indexOf("/"); at >= 0; at = entry.path.indexOf("/", at + 1)) {
      const parent = entry.path.slice(0, at);
      if ((this.#kinds.get(parent) ?? "directory") !== "directory")
        throw refuse(`entry ${entry.path} lies below something that is no directory`);
      this.#kinds.set(parent, "directory");
    }
    const before = this.#kinds.get(entry.path);
    if (before !== undefined && before !== entry.kind)
      throw refuse(`entry ${entry.path} is there twice, as ${before} and as ${entry.kind}`);
    this.#kinds.set(entry.path, entry.kind);
  }

  rememberLink(path: string, target: string): void {
    try {
      checkLinkTarget(path, target);
    } catch (error) {
      throw error instanceof RefusedArchive ? refuse(error.message) : error;
    }
    this.links.set(path, target);
  }
}

function refuse(why: string): PlatformError {
  return new PlatformError("package.invalid", messages.unreadable, {
    cause: new RefusedArchive(why),
  });
}

async function linkTarget(entry: ArchiveEntry): Promise<string> {
  return Buffer.concat(await Array.fromAsync(entry.content())).toString("utf8");
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
}

async function writeEntry(path: string, entry: ArchiveEntry): Promise<void> {
  // "w" and not "wx": a name that appears twice keeps its last content. Links do not exist yet.
  const file = await open(path, "w", entry.mode);
  try {
    for await (const chunk of entry.content()) await file.writeFile(chunk);
    await file.chmod(entry.mode); // past the umask, and past the first of two entries
  } finally {
    await file.close();
  }
}

/**
 * Lays the tree `source` over `target` with hard links: later files replace earlier ones, directories
 * unite. Never follows a link of either tree.
 */
export async function overlayTree(source: string, target: string): Promise<void> {
  await makeDirectory(target);
  for (const item of await readdir(source, { withFileTypes: true })) {
    const from = join(source, item.name);
    const to = join(target, item.name);
    const existing = await lstat(to).catch(() => undefined);
    if (item.isDirectory()) {
      if (existing && !existing.isDirectory()) await rm(to);
      await overlayTree(from, to);
      continue;
    }
    if (existing) await rm(to, { recursive: true });
    await link(from, to); // the link itself, should `from` be a symbolic one
  }
}

/** Bytes of all files below; hard links count each time, which only makes a bound stricter. */
export async function treeBytes(path: string): Promise<number> {
  let bytes = 0;
  for (const item of await readdir(path, { withFileTypes: true })) {
    const inside = join(path, item.name);
    bytes += item.isDirectory() ? await treeBytes(inside) : (await lstat(inside)).size;
  }
  return bytes;
}
