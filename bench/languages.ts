import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { createRuntimes } from "#functions/runtimes/runtimes.ts";
import { type BareProfile, openBareProfile } from "#functions/sandbox/bare.bench.ts";

/** A language with the smallest function of it, and its interpreter without a platform. */
export interface Language extends Disposable {
  readonly runtime: string;
  readonly files: Readonly<Record<string, string>>;
  /** The interpreter on this host, and what makes it do nothing. */
  readonly bare: readonly [program: string, ...rest: string[]];
  /** The same inside a sandbox's profile. */
  readonly profile: BareProfile;
  readonly insideBare: readonly string[];
}

export async function openNode(): Promise<Language> {
  const files = { "index.mjs": "export const handler = async () => 1;" };
  return open("nodejs24.x", files, ["-e", "0"]);
}

/** The first Python this host has; undefined without any. */
export async function openPython(): Promise<Language | undefined> {
  const files = { "index.py": "def handler(event, context):\n    return 1\n" };
  for (const version of ["3.13", "3.12", "3.11"]) {
    try {
      return await open(`python${version}`, files, ["-c", "0"]);
    } catch {
      // Not installed; another may be.
    }
  }
  return undefined;
}

async function open(
  runtime: string,
  files: Language["files"],
  nothing: readonly string[],
): Promise<Language> {
  const workDir = mkdtempSync(join(tmpdir(), "skerry-bench-"));
  const spec = await createRuntimes({ workDir, clock: systemClock, endpointPort: 4566 })
    .get(runtime)
    ?.sandboxSpec({ memoryMiB: 256, scratchMiB: 512 });
  const program = spec?.command[0];
  if (!spec || program === undefined) throw new Error(`${runtime} is not there`);
  const mount = spec.mounts.find((each) => each.target === program);
  const profile = openBareProfile(spec);
  return {
    runtime,
    files,
    bare: [mount?.source ?? program, ...nothing],
    profile,
    insideBare: [program, ...nothing],
    [Symbol.dispose]() {
      profile[Symbol.dispose]();
      rmSync(workDir, { recursive: true, force: true });
    },
  };
}
