import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * A guest's modules as one script, in a directory of its own under `workDir`, and the directory's path.
 * Node needs ten milliseconds longer to start from a dozen ES modules than from one CommonJS file (its
 * loader for modules alone takes five), and every start of a sandbox would pay for it. Written once for
 * the same content; a half-written directory is never visible. Errors pass through as Node's.
 */
export function writeGuestScript(request: {
  readonly workDir: string;
  readonly name: string;
  /** The module that boots; its script is `boot.cjs`. */
  readonly entry: string;
  /** Further scripts, joined likewise, by name. */
  readonly scripts?: readonly { readonly name: string; readonly entry: string }[];
  /** Files put beside it unchanged, by name. */
  readonly beside: readonly { readonly name: string; readonly source: string }[];
}): string {
  const scripts = [{ name: "boot.cjs", entry: request.entry }, ...(request.scripts ?? [])];
  const files = [
    ...scripts.map(({ name, entry }) => ({
      name,
      text: joinModules(entry, (path) => readFileSync(path, "utf8")),
    })),
    ...request.beside.map(({ name, source }) => ({ name, text: readFileSync(source, "utf8") })),
  ];
  const hash = createHash("sha256");
  for (const { name, text } of files) hash.update(`${name}\0${text}\0`);
  const directory = join(request.workDir, `${request.name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(directory)) return directory;
  const hidden = `${directory}.${process.pid}`;
  rmSync(hidden, { recursive: true, force: true });
  mkdirSync(hidden, { recursive: true, mode: 0o755 });
  for (const { name, text } of files) writeFileSync(join(hidden, name), text, { mode: 0o644 });
  try {
    renameSync(hidden, directory);
  } catch (error) {
    rmSync(hidden, { recursive: true, force: true });
    // Another process was first; its directory is the same.
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

/**
 * Joins ES modules into one CommonJS script: each becomes a function that gives its exports, in the
 * order in which they need each other. Takes the syntax our guests keep to: static imports at the start
 * of a line, from `node:` or a relative path, and exports on declarations that are never assigned
 * again. Throws an `Error` that names the line for anything else.
 */
export function joinModules(entry: string, read: (path: string) => string): string {
  const names = new Map<string, string>();
  const open = new Set<string>();
  const parts: string[] = [];

  const add = (path: string): string => {
    const known = names.get(path);
    if (known !== undefined) return known;
    if (open.has(path)) throw new Error(`${path} imports itself through others`);
    open.add(path);
    const imported = read(path).replaceAll(importPattern, (_, wanted: string, from: string) =>
      toRequire(wanted, from.startsWith(".") ? add(resolve(dirname(path), from)) : undefined, from),
    );
    const exported: string[] = [];
    const body = imported.replaceAll(exportPattern, (_, kind: string, name: string) => {
      exported.push(name);
      return `${kind} ${name}`;
    });
    const left = /^(import|export)\b.*/m.exec(body)?.[0];
    if (left !== undefined) throw new Error(`${path}: cannot be joined: ${left}`);
    const name = `$${names.size}`;
    names.set(path, name);
    parts.push(`const ${name} = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();\n`);
    return name;
  };
  add(entry);
  return `"use strict";\n${parts.join("")}`;
}

const importPattern = /^import ([\w$]+|\{[^}]*\}) from "((?:node:|\.{1,2}\/)[^"]+)";$/gm;
const exportPattern = /^export (const|class|function|async function) ([\w$]+)/gm;

function toRequire(wanted: string, module: string | undefined, from: string): string {
  const source = module ?? `require("${from}")`;
  // The default of a built-in module is the module; ours have none.
  if (!wanted.startsWith("{") && module !== undefined)
    throw new Error(`${from} has no default export`);
  return `const ${wanted.replaceAll(" as ", ": ")} = ${source};`;
}
