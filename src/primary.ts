import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import { systemRandom } from "#base/random.ts";
import type { RunningServer } from "#cli/command.ts";
import type { Config } from "#config/config.ts";
import { uidRange } from "#functions/sandbox/limits.ts";
import { createTelemetry } from "#telemetry/telemetry.ts";
import { startWorkers } from "#workers/workers.ts";
import type { WorkerOwn } from "./assembly.ts";

/** What a worker is started with. */
export interface WorkerSettings {
  readonly config: Config;
  readonly version: string;
  readonly own: WorkerOwn;
}

/** What it answers when it serves. */
export type WorkerStarted = Omit<RunningServer, keyof AsyncDisposable>;

/**
 * A server of several processes, startedWorkers from this one, which answers no requests itself. Errors:
 * `config.invalid` for a store that cannot be shared; those of `assemble`.
 */
export async function startPrimary(config: Config, version: string): Promise<RunningServer> {
  const { workers: count, host, port, dataDir, accountConcurrency, functionMemoryMiB } = config;
  if (config.storage !== "lmdb")
    throw new PlatformError(
      "config.invalid",
      `--workers ${count} needs a store that processes can share: --storage lmdb, not ${config.storage}`,
    );
  const { log } = createTelemetry({
    clock: systemClock,
    random: systemRandom,
    logLevel: config.logLevel,
    otlpEndpoint: undefined,
    write: (line) => void process.stderr.write(line),
  });
  const folderOf = (place: number): string => join(dataDir, "work", `worker-${place}`);
  const settingsOf = (place: number, chosenPort: number): WorkerSettings => ({
    config: { ...shareOf(config), port: chosenPort },
    version,
    own: { workDir: folderOf(place), uids: uidsOf(place, count) },
  });
  const startedWorkers = await startWorkers<WorkerStarted>({
    program: fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url)),
    count,
    host,
    port,
    accountConcurrency,
    functionMemoryMiB,
    settingsOf,
    folderOf,
    log,
    clock: systemClock,
    random: systemRandom,
  });
  const { started } = startedWorkers;
  const [first] = started;
  if (!first) throw new RangeError("no worker was started");
  return {
    ...first,
    notices: [...new Set(started.flatMap((one) => one.notices))],
    [Symbol.asyncDispose]: () => startedWorkers[Symbol.asyncDispose](),
  };
}

/**
 * One worker's part of what the settings allow all of them together. Concurrency and memory are not
 * divided: they are leased, and go where they are needed.
 */
function shareOf(config: Config): Config {
  const { workers, genericPerKind, connectionsMax } = config;
  return {
    ...config,
    connectionsMax: Math.ceil(connectionsMax / workers),
    genericPerKind: Math.ceil(genericPerKind / workers),
  };
}

/** Sandboxes of two workers must not have the same user either. */
function uidsOf(place: number, workers: number): WorkerOwn["uids"] {
  const count = Math.floor(uidRange.count / workers);
  return { first: uidRange.first + place * count, count };
}
