import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** A Java installation found on this host. */
export interface JavaHost {
  /** 21 */
  readonly major: number;
  /** Its directory, links resolved: what holds `bin/java` and `lib/modules`. */
  readonly home: string;
  /** `JAVA_RUNTIME_VERSION` of its `release` file. */
  readonly build: string;
}

export interface JavaSearch {
  /** `JAVA_HOME`, when set. */
  readonly home: string | undefined;
  /** Directories of programs, as in PATH. */
  readonly programFolders: readonly string[];
  /** Directories that hold one installation each, as `/usr/lib/jvm`. */
  readonly versionFolders: readonly string[];
}

/**
 * The first installation of exactly this major version, found by looking at files alone. Another
 * version never stands in: code built for a newer Java would run here and fail on the service, and
 * what was removed since an older one would be missing here alone.
 */
export function findJava(major: number, search: JavaSearch): JavaHost | undefined {
  const candidates = [
    ...(search.home === undefined ? [] : [search.home]),
    ...search.versionFolders.flatMap((folder) => list(folder).map((name) => join(folder, name))),
    ...search.programFolders.flatMap((folder) => homeOfProgram(join(folder, "java"))),
  ];
  for (const candidate of candidates) {
    const found = inspect(candidate);
    if (found?.major === major) return found;
  }
  return undefined;
}

function inspect(candidate: string): JavaHost | undefined {
  try {
    const home = realpathSync(candidate);
    if (!statSync(join(home, "lib/modules")).isFile()) return undefined;
    if (!statSync(join(home, "bin/java")).isFile()) return undefined;
    const release = readFileSync(join(home, "release"), "utf8");
    const field = (name: string): string =>
      new RegExp(`^${name}="([^"\n]*)"`, "m").exec(release)?.[1] ?? "";
    const major = Number.parseInt(field("JAVA_VERSION"), 10);
    return { major, home, build: field("JAVA_RUNTIME_VERSION") || field("JAVA_VERSION") };
  } catch {
    return undefined;
  }
}

/** `/usr/bin/java` → `/usr/lib/jvm/…/bin/java` → the directory above `bin`. */
function homeOfProgram(program: string): readonly string[] {
  try {
    return [dirname(dirname(realpathSync(program)))];
  } catch {
    return [];
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
