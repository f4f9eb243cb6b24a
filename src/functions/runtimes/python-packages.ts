import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { buildLinkedTree } from "./linked-tree.ts";
import type { TreePart } from "./linked-tree.ts";

/** boto3 and all it needs at run time; each is pure Python, so one copy serves every version. */
const closure = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"];

/**
 * The tree Python functions find at /var/runtime/python, made of the first folder that holds boto3
 * with all it needs; undefined when none does. (Lambda's Python runtimes include boto3: developer
 * guide, "Runtime-included SDK versions (Python)".)
 */
export async function buildBotoTree(
  directory: string,
  folders: readonly string[],
): Promise<string | undefined> {
  const folder = findBoto(folders);
  if (folder === undefined) return undefined;
  const parts = closure.map((name): TreePart => ({
    source: join(folder, name),
    path: name,
    identity: `${folder} ${versionOf(folder, name)}`,
  }));
  return buildLinkedTree({ directory, name: "python-sdk", parts, wants: () => true });
}

/** The first of these folders from which boto3 can be imported whole. */
export function findBoto(folders: readonly string[]): string | undefined {
  return folders.find((folder) => closure.every((name) => existsSync(join(folder, name))));
}

/** From the name of its metadata folder, e.g. `boto3-1.43.11.dist-info`. */
function versionOf(folder: string, name: string): string {
  const stem = name === "dateutil" ? "python_dateutil" : name.replace(".py", "");
  const pattern = new RegExp(`^${stem}-([^-]+)\\.(dist|egg)-info$`, "i");
  for (const entry of readdirSync(folder)) {
    const version = pattern.exec(entry)?.[1];
    if (version !== undefined) return version;
  }
  return "";
}
