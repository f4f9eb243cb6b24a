import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert } from "#base/assert.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { cachesPerPackageMax } from "./limits.ts";
import { treeBytes } from "./unpack.ts";

/**
 * What functions made of their code, beside their packages: `cache-<hash of the code>/<key>`. Whoever can name
 * a key gets what was kept under it, so a key holds everything that makes two functions two.
 */
export interface Caches {
  /** Path of what was kept, or undefined. A look at the file system of a few microseconds, at each start. */
  find(codeSha256: string, key: string): string | undefined;
  /**
   * Keeps files by their relative paths, all or none; the first to keep something under a key wins. Of the
   * caches of one package the oldest go when there are too many. Errors pass through as Node's.
   */
  keep(codeSha256: string, key: string, files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  drop(codeSha256: string, key: string): Promise<void>;
}

const folderPattern = /^cache-([0-9a-f]{64})$/;

export function createCaches(deps: {
  readonly root: string;
  readonly building: string;
  readonly random: Random;
}): Caches {
  const { root, building, random } = deps;
  const pathOf = (codeSha256: string, key: string): string => {
    assert(/^[0-9a-f]{64}$/.test(codeSha256), "a code hash is 64 lower-case hexadecimal digits");
    assert(/^[0-9a-f]{64}$/.test(key), "a key is 64 lower-case hexadecimal digits");
    return join(folderOf(root, codeSha256), key);
  };
  return {
    find(codeSha256, key) {
      const path = pathOf(codeSha256, key);
      return existsSync(path) ? path : undefined;
    },
    async keep(codeSha256, key, files) {
      const path = pathOf(codeSha256, key);
      const temporary = join(building, `${process.pid}-${randomHex(random, 8)}`);
      try {
        await write(temporary, files);
        await mkdir(dirname(path), { recursive: true, mode: 0o755 });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { recursive: true, force: true });
        if (!existsSync(path)) throw error;
      }
      await removeOldest(dirname(path));
    },
    drop: (codeSha256, key) => rm(pathOf(codeSha256, key), { recursive: true, force: true }),
  };
}

/**
 * Removes the caches of packages that are not there, and says how many bytes those of each other one have.
 * `sizes` remembers, by path, what never changes once it is there.
 */
export async function tidyCaches(
  root: string,
  sizes: Map<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const bytes = new Map<string, number>();
  for (const name of await readdir(root)) {
    const [, codeSha256] = folderPattern.exec(name) ?? [];
    if (codeSha256 === undefined) continue;
    const isThere = existsSync(join(root, `code-${codeSha256}`));
    for (const key of await readdir(join(root, name)).catch(() => [])) {
      const path = join(root, name, key);
      const size = sizes.get(path) ?? (await treeBytes(path).catch(() => 0));
      if (isThere) sizes.set(path, size);
      else sizes.delete(path);
      bytes.set(`code-${codeSha256}`, (bytes.get(`code-${codeSha256}`) ?? 0) + size);
    }
    if (!isThere) await rm(join(root, name), { recursive: true, force: true });
  }
  return bytes;
}

function folderOf(root: string, codeSha256: string): string {
  return join(root, `cache-${codeSha256}`);
}

async function write(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  for (const [path, content] of files) {
    const isInside = path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
    assert(isInside, "a cache's paths stay inside of it");
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(folder, path), content, { flag: "wx", mode: 0o644 });
  }
}

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= cachesPerPackageMax) return;
  const aged = names.map(async (name) => ({ name, madeMs: await madeAtMs(join(folder, name)) }));
  const oldestFirst = (await Promise.all(aged)).toSorted((a, b) => a.madeMs - b.madeMs);
  for (const { name } of oldestFirst.slice(0, names.length - cachesPerPackageMax))
    await rm(join(folder, name), { recursive: true, force: true });
}

/** Another process may have removed it meanwhile. */
async function madeAtMs(path: string): Promise<number> {
  return stat(path).then(
    (status) => status.mtimeMs,
    () => 0,
  );
}
