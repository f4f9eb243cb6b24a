import { opendir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { worthCompiling as limits } from "./limits.ts";

/**
 * Whether a package has so much JavaScript that compiling it is felt, or uses the SDK that the runtime brings
 * along. Judged by a look at names and sizes; of a large package only a part is looked at. Never rejects.
 */
export async function isWorthCompiling(tree: string): Promise<boolean> {
  try {
    return await isMuch(tree);
  } catch {
    return false; // it is gone, or no tree: its start will tell
  }
}

async function isMuch(tree: string): Promise<boolean> {
  const scripts: string[] = [];
  const folders = [tree];
  let bytes = 0;
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await opendir(folder)) {
      if (++seen > limits.filesMax) return false;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      if (!entry.isFile() || !/\.[cm]?js$/.test(entry.name)) continue;
      scripts.push(path);
      bytes += (await stat(path)).size;
      if (bytes >= limits.fromBytes) return true;
    }
  }
  for (const path of scripts) if ((await readFile(path, "utf8")).includes("@aws-sdk/")) return true;
  return false;
}
