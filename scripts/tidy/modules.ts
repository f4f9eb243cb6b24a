import { dirname, join, normalize } from "node:path";
import { mayImport, shelves, sideDoors } from "./rules.ts";

/** Path below `src/` that an import in `file` (also below `src/`) names; undefined for packages. */
export function resolveImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (specifier.startsWith(".")) return normalize(join(dirname(file), specifier));
  return undefined;
}

/** The row of the import table a file belongs to; files directly in `src/` are `main`. */
function layerOf(file: string): string {
  if (!file.includes("/")) return "main";
  const rows = Object.keys(mayImport).filter((row) => file.startsWith(`${row}/`));
  return rows.toSorted((a, b) => b.length - a.length)[0] ?? "unknown";
}

/** The unit that has a front door: a service or driver folder, a part of `functions`, or a layer. */
function moduleOf(file: string): string {
  const [first = "", second = ""] = file.split("/");
  if (!file.includes("/")) return "";
  if ((first === "services" || first === "functions") && !second.endsWith(".ts")) {
    return `${first}/${second}`;
  }
  return first;
}

/** The sentence to print when `file` must not import `target`, or undefined when it may. */
export function importProblem(file: string, target: string): string | undefined {
  const from = moduleOf(file);
  const to = moduleOf(target);
  if (from === to) return undefined;
  const layer = layerOf(file);
  const targetLayer = layerOf(target);
  const allowed = mayImport[layer];
  if (!allowed) return `${file}: folder ${layer} has no row in the import table`;
  const sameFamily = layer === "functions" && targetLayer === "functions";
  if (!sameFamily && !allowed.includes("*") && !allowed.includes(targetLayer)) {
    return `${file}: ${layer} may not import ${target} (${targetLayer})`;
  }
  if (layer !== "main" && !isDoor(target)) {
    return `${file}: ${target} is inside ${to}; enter through its front door`;
  }
  return undefined;
}

/** `x/x.ts`, a file of a shelf, a named side door, or the door of a subfolder that is a module of its own. */
export function isDoor(file: string): boolean {
  const parts = file.split("/");
  const name = parts.at(-1)?.replace(/\.ts$/, "");
  return shelves.includes(parts[0] ?? "") || file in sideDoors || name === parts.at(-2);
}
