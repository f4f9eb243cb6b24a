import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { SandboxDriver, SandboxSpec } from "#functions/sandbox/sandbox.ts";
import { createChannel } from "./channel/channel.ts";
import type { Channel } from "./channel/channel.ts";
import { kinds } from "./channel/frames.ts";
import { bootCpuMilli, javaArchiveBytesMax, javaTraining, processesMax } from "./limits.ts";

export interface JavaArchiveDeps {
  readonly workDir: string;
  readonly clock: Clock;
  /** Where the archive is made; without one there is none. */
  readonly driver: SandboxDriver | undefined;
  readonly log: Logger | undefined;
}

/**
 * The folder with the archive of loaded classes (JDK and client) for this Java, made once per host by
 * a sandbox that runs nothing but the client, and kept in the work directory. Undefined where it could
 * not be made: starts are slower then, nothing else. Never rejects.
 */
export async function javaArchive(
  deps: JavaArchiveDeps,
  parts: {
    readonly build: string;
    readonly clientFolder: string;
    readonly training: Pick<SandboxSpec, "mounts" | "command" | "environment">;
  },
): Promise<string | undefined> {
  const { driver, workDir, log } = deps;
  if (!driver) return undefined;
  const identity = await identityOf(parts.clientFolder);
  const hash = createHash("sha256").update(`${driver.name}\0${parts.build}\0${identity}`);
  const folder = join(workDir, `java-classes-${hash.digest("hex").slice(0, 16)}`);
  const file = join(folder, "classes.jsa");
  if (await exists(file)) return folder;
  const startedMs = deps.clock.monotonicMs();
  try {
    await train(deps, driver, { ...parts.training, file });
    log?.event("java.archive-made", { durationMs: deps.clock.monotonicMs() - startedMs });
    return folder;
  } catch (error) {
    log?.event("java.archive-failed", { level: "warn", error });
    return undefined;
  }
}

async function train(
  deps: JavaArchiveDeps,
  driver: SandboxDriver,
  how: Pick<SandboxSpec, "mounts" | "command" | "environment"> & { readonly file: string },
): Promise<void> {
  const signal = AbortSignal.timeout(javaTraining.timeoutMs);
  await using sandbox = await driver.create(
    {
      ...how,
      links: [],
      listeners: [],
      memoryMiB: javaTraining.memoryMiB,
      scratchMiB: javaTraining.scratchMiB,
      cpuMilli: bootCpuMilli,
      pidsMax: processesMax,
    },
    signal,
  );
  const channel = createChannel(sandbox.channel);
  sandbox.stdout.resume();
  sandbox.stderr.resume();
  using _limit = deps.clock.timer(javaTraining.timeoutMs, () => channel.close());
  const temporary = `${how.file}.${process.pid}`;
  await mkdir(dirname(how.file), { recursive: true, mode: 0o755 });
  try {
    await receive(channel, temporary);
    await rename(temporary, how.file);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function receive(channel: Channel, path: string): Promise<void> {
  await using file = await open(path, "w", 0o644);
  let bytes = 0;
  for (;;) {
    const frame = await channel.next();
    if (frame.kind === kinds.ready) continue;
    if (frame.kind === kinds.streamEnd && bytes > 0) return;
    bytes += frame.body.length;
    if (frame.kind !== kinds.streamData || bytes > javaArchiveBytesMax) {
      throw new PlatformError("sandbox.start-failed", "Java wrote no archive of its classes.");
    }
    await file.writeFile(frame.body);
  }
}

/** Names, sizes and times: what Java itself compares before it trusts an archive. */
async function identityOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).toSorted();
  const all = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name));
      return `${name}:${size}:${mtimeMs}`;
    }),
  );
  return all.join("\0");
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
