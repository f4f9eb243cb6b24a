import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { SandboxDriver, SandboxSpec } from "#functions/sandbox/sandbox.ts";
import { createChannel } from "./channel/channel.ts";
import { kinds } from "./channel/frames.ts";
import { bootCpuMilli, processesMax, pythonByteCodeBytesMax, pythonCompiling } from "./limits.ts";
import { guestDirectory } from "./node.ts";
import type { PythonHost } from "./python-hosts.ts";

export interface PythonGuestDeps {
  readonly workDir: string;
  readonly clock: Clock;
  /** Where it is compiled; without one the guest is given as it is. */
  readonly driver?: SandboxDriver | undefined;
  readonly log?: Logger | undefined;
}

/** Path below the guest's folder → content. */
type Files = ReadonlyMap<string, Buffer>;

/**
 * The folder sandboxes of this interpreter see as the guest: its sources and their byte code, which an
 * interpreter finds where it would have put it itself (`__pycache__`, PEP 3147) and takes without a look
 * at the sources (PEP 552). Compiling them costs each start as much as all else the guest does. Made
 * once per interpreter and guest, in a sandbox that runs nothing but the guest, and kept in the work
 * directory. Where it cannot be made the answer is the guest itself: starts are slower then, nothing else.
 * Never rejects.
 */
export async function pythonGuest(
  deps: PythonGuestDeps,
  host: PythonHost,
  interpreter: Pick<SandboxSpec, "mounts" | "command" | "environment">,
): Promise<string> {
  const { clock, driver, log } = deps;
  if (!driver) return guestDirectory;
  const startedMs = clock.monotonicMs();
  try {
    const sources = readSources();
    const name = `python-guest-${host.version}-${identityOf(driver, host, sources)}`;
    const folder = join(deps.workDir, name);
    if (existsSync(folder)) return folder;
    const compiled = await compile({ clock, driver }, interpreter, modulesOf(sources));
    const tag = `cpython-${host.version.replace(".", "")}`;
    const byteCode = [...compiled].map(([path, bytes]) => [cachePath(path, tag), bytes] as const);
    keep(folder, new Map([...sources, ...byteCode]));
    log?.event("python.guest-compiled", { durationMs: clock.monotonicMs() - startedMs });
    return folder;
  } catch (error) {
    log?.event("python.guest-not-compiled", { level: "warn", error });
    return guestDirectory;
  }
}

function readSources(): Files {
  const folders = ["python", "python/skerry_guest"];
  const paths = folders.flatMap((folder) =>
    readdirSync(join(guestDirectory, folder))
      .filter((name) => name.endsWith(".py"))
      .toSorted()
      .map((name) => `${folder}/${name}`),
  );
  return new Map(paths.map((path) => [path, readFileSync(join(guestDirectory, path))]));
}

/** In the order in which the guest compiles them. */
function modulesOf(sources: Files): readonly string[] {
  return [...sources.keys()].filter((path) => path.startsWith("python/skerry_guest/"));
}

function cachePath(path: string, tag: string): string {
  const [, folder, stem] = /^(.*)\/(.*)\.py$/.exec(path) ?? [];
  return `${folder}/__pycache__/${stem}.${tag}.pyc`;
}

/** Byte code is of one interpreter: what could make it another's makes another folder. */
function identityOf(driver: SandboxDriver, host: PythonHost, sources: Files): string {
  const { size, mtimeMs } = statSync(host.executable);
  const hash = createHash("sha256");
  hash.update(`${driver.name}\0${host.executable}\0${size}\0${mtimeMs}\0`);
  for (const [path, bytes] of sources) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex").slice(0, 16);
}

async function compile(
  deps: { readonly clock: Clock; readonly driver: SandboxDriver },
  interpreter: Pick<SandboxSpec, "mounts" | "command" | "environment">,
  modules: readonly string[],
): Promise<Files> {
  const { timeoutMs, ...size } = pythonCompiling;
  await using sandbox = await deps.driver.create(
    {
      ...interpreter,
      ...size,
      links: [],
      listeners: [],
      cpuMilli: bootCpuMilli,
      pidsMax: processesMax,
    },
    AbortSignal.timeout(timeoutMs),
  );
  const channel = createChannel(sandbox.channel);
  sandbox.stdout.resume();
  sandbox.stderr.resume();
  using _limit = deps.clock.timer(timeoutMs, () => channel.close());
  const compiled = new Map<string, Buffer>();
  let left = pythonByteCodeBytesMax;
  for (;;) {
    const frame = await channel.next();
    if (frame.kind === kinds.ready) continue;
    if (frame.kind === kinds.streamEnd && compiled.size === modules.length) return compiled;
    const path = modules[compiled.size];
    left -= frame.body.length;
    if (frame.kind !== kinds.streamData || path === undefined || left < 0) {
      throw new PlatformError("sandbox.start-failed", "Python did not compile its guest.");
    }
    compiled.set(path, Buffer.from(frame.body));
  }
}

/** A half-made folder is never visible under its name. */
function keep(folder: string, files: Files): void {
  const hidden = `${folder}.${process.pid}`;
  rmSync(hidden, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    const file = join(hidden, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, bytes, { mode: 0o644 });
  }
  try {
    renameSync(hidden, folder);
  } catch (error) {
    rmSync(hidden, { recursive: true, force: true });
    // Another process was first; its folder is the same.
    if (!existsSync(folder)) throw error;
  }
}
