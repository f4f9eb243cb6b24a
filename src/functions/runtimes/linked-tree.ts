import { createHash } from "node:crypto";
import {
  copyFile,
  link,
  mkdir,
  opendir,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  stat,
} from "node:fs/promises";
import { dirname, join } from "node:path";

/** One part of a tree: a host directory or file, and where it appears in the tree. */
export interface TreePart {
  readonly source: string;
  readonly path: string;
  /** What makes this part another one: name and version. */
  readonly identity: string;
}

/**
 * Puts parts together as `<directory>/<name>-<hash>`, by hard links where the file system allows and
 * copies elsewhere, and answers with its path. Done once for the same parts; a half-made tree is never
 * visible. Errors pass through as Node's.
 */
export async function buildLinkedTree(request: {
  readonly directory: string;
  readonly name: string;
  readonly parts: readonly TreePart[];
  readonly wants: (fileName: string) => boolean;
}): Promise<string> {
  const { directory, name, parts, wants } = request;
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.path}\0${part.identity}\0`);
  const tree = join(directory, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (await exists(tree)) return tree;
  const hidden = `${tree}.${process.pid}`;
  await rm(hidden, { recursive: true, force: true });
  await mkdir(hidden, { recursive: true });
  for (const part of parts) {
    const target = join(hidden, part.path);
    await mkdir(dirname(target), { recursive: true });
    const isDirectory = (await stat(part.source)).isDirectory();
    await (isDirectory ? copyDirectory(part.source, target, wants) : copyOne(part.source, target));
  }
  try {
    await rename(hidden, tree);
  } catch (error) {
    await rm(hidden, { recursive: true, force: true });
    // Another process was first; its tree is the same.
    if (!(await exists(tree))) throw error;
  }
  return tree;
}

async function copyDirectory(
  source: string,
  target: string,
  wants: (fileName: string) => boolean,
): Promise<void> {
  await mkdir(target, { recursive: true });
  for await (const entry of await opendir(source)) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) await copyDirectory(from, to, wants);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else if (entry.isFile() && wants(entry.name)) await copyOne(from, to);
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    // Another file system, or links are not permitted there. Times stay: Python's byte code is checked by them.
    await copyFile(from, to);
    const { atime, mtime } = await stat(from);
    await utimes(to, atime, mtime);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
