import { readdir, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLinkedTree } from "./linked-tree.ts";
import type { TreePart } from "./linked-tree.ts";

/** This package's root: three folders above, in `src/` as in `dist/`. */
export const projectRoot = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** The directory of an installed package, looked for as Node does, upwards; undefined if absent. */
export function findPackage(name: string, from: string = projectRoot): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * The tree a Node function finds at /var/runtime/node_modules: every `@aws-sdk` package installed
 * beside the platform and all they need, and nothing else. (Lambda's runtimes include the AWS SDK for
 * JavaScript v3: developer guide, "Building Lambda functions with Node.js".)
 */
export async function buildSdkTree(directory: string): Promise<string> {
  const parts = await sdkClosure();
  // Type declarations are half of the files and no function reads them.
  const wants = (fileName: string): boolean => !/\.(d\.[cm]?ts|map|md)$/.test(fileName);
  const tree = await buildLinkedTree({ directory, name: "node-sdk", parts, wants });
  return join(tree, "node_modules");
}

async function sdkClosure(): Promise<readonly TreePart[]> {
  const anchor = findPackage("@aws-sdk/core");
  if (anchor === undefined) return [];
  const scope = dirname(anchor);
  const root = dirname(scope);
  const found = new Map<string, TreePart>();
  const open = (await readdir(scope)).map((name) => ({
    name: `@aws-sdk/${name}`,
    from: projectRoot,
  }));
  for (let next = open.pop(); next; next = open.pop()) {
    const source = findPackage(next.name, next.from);
    if (source === undefined || found.has(next.name)) continue;
    // Nested copies (`a/node_modules/b`) come along with the package they lie in.
    if (source !== join(root, next.name)) continue;
    const manifest = await readManifest(source);
    found.set(next.name, {
      source,
      path: join("node_modules", next.name),
      identity: manifest.version,
    });
    for (const name of manifest.dependencies) open.push({ name, from: source });
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function readManifest(
  folder: string,
): Promise<{ readonly version: string; readonly dependencies: readonly string[] }> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  // Checked field by field below.
  const { version, dependencies } = manifest as Readonly<Record<string, unknown>>;
  return {
    version: typeof version === "string" ? version : "",
    dependencies:
      typeof dependencies === "object" && dependencies !== null ? Object.keys(dependencies) : [],
  };
}
