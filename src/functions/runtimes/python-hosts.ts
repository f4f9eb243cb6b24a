import { closeSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** An interpreter found on this host and the files of it that a sandbox needs. */
export interface PythonHost {
  /** `3.12` */
  readonly version: string;
  /** The program itself, links resolved. */
  readonly executable: string;
  /** `sys.base_prefix`. */
  readonly prefix: string;
  /** `<prefix>/lib/python3.12`, the standard library. */
  readonly library: string;
  /** `libpython*.so*` beside it, for interpreters built with a shared library. */
  readonly sharedLibraries: readonly string[];
  /** Where packages of this interpreter may lie, in order of preference. */
  readonly packageFolders: readonly string[];
}

export interface PythonSearch {
  /** Directories of programs, as in PATH. */
  readonly programFolders: readonly string[];
  /** Directories that hold one interpreter's prefix each, as `~/.pyenv/versions`. */
  readonly versionFolders: readonly string[];
}

/**
 * The first usable interpreter of this version, found by looking at files alone: starting programs is
 * the sandbox's business. Wrapper scripts (pyenv's shims) are passed over.
 */
export function findPython(version: string, search: PythonSearch): PythonHost | undefined {
  const candidates = [
    ...search.programFolders.map((folder) => join(folder, `python${version}`)),
    ...search.versionFolders.flatMap((folder) =>
      list(folder)
        .filter((name) => name.startsWith(`${version}.`))
        .toSorted((a, b) => patchOf(b) - patchOf(a))
        .map((name) => join(folder, name, "bin", `python${version}`)),
    ),
  ];
  for (const candidate of candidates) {
    const found = inspect(version, candidate);
    if (found) return found;
  }
  return undefined;
}

function inspect(version: string, candidate: string): PythonHost | undefined {
  try {
    const executable = realpathSync(candidate);
    if (!isElf(executable)) return undefined;
    const prefix = dirname(dirname(executable));
    const library = join(prefix, "lib", `python${version}`);
    // The landmark Python itself looks for (getpath: os.py).
    if (!statSync(join(library, "os.py")).isFile()) return undefined;
    const sharedLibraries = list(join(prefix, "lib"))
      .filter((name) => name.startsWith("libpython") && name.includes(".so"))
      .map((name) => join(prefix, "lib", name));
    const packageFolders = [
      join(library, "site-packages"),
      join(library, "dist-packages"),
      join(prefix, "lib/python3/dist-packages"),
    ];
    return { version, executable, prefix, library, sharedLibraries, packageFolders };
  } catch {
    return undefined;
  }
}

function isElf(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(4);
    readSync(file, head, 0, 4, 0);
    return head.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(file);
  }
}

function patchOf(name: string): number {
  return Number.parseInt(name.split(".")[2] ?? "0", 10) || 0;
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
