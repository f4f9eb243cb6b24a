import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnosis, RunningServer } from "#cli/command.ts";
import { type Config, readConfig } from "#config/config.ts";
import { options } from "#config/options.ts";
import { startPrimary } from "./primary.ts";

/** Settings of an embedded server: those of the command line, under the names of `Config`. */
export type StartSettings = { readonly [Name in keyof Config]?: Config[Name] | undefined };

/**
 * Starts Skerry inside this process, for test runners: a free port, state in memory, data in a
 * temporary folder, unless `settings` says otherwise. Disposing stops it and removes what it made.
 * Errors: `PlatformError("config.invalid")`; whatever keeps a listener from opening.
 */
export async function start(settings: StartSettings = {}): Promise<RunningServer> {
  await using begun = new AsyncDisposableStack();
  const temporary = settings.dataDir === undefined ? await temporaryFolder(begun) : undefined;
  const chosen: StartSettings = {
    port: 0,
    storage: settings.dataDir === undefined ? "memory" : "lmdb",
    dataDir: temporary,
    ...settings,
  };
  const flags = Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const value = chosen[name as keyof Config]; // the table's keys are the interface's
      return [option.flag, value === undefined ? undefined : String(value)];
    }),
  );
  const config = readConfig(settings.mode ?? "dev", {
    flags,
    environment: {},
    file: undefined,
    workingDirectory: process.cwd(),
  });
  const server = begun.use(await startServer(config));
  const running = begun.move();
  return { ...server, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Removed with the stack, after everything that was begun later. */
async function temporaryFolder(owner: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "skerry-"));
  owner.defer(() => rm(path, { recursive: true, force: true }));
  return path;
}

/**
 * Starts everything bottom-up and resolves when requests are answered. What does that is loaded only
 * by a process that serves: a primary stays small.
 */
export async function startServer(config: Config): Promise<RunningServer> {
  if (config.workers > 1) return startPrimary(config, version);
  const { assemble } = await import("./assembly.ts");
  return assemble(config, version);
}

/** What `skerry doctor` prints: nothing is left running and nothing is stored. */
export async function diagnose(config: Config): Promise<Diagnosis> {
  const [{ assembleEngine }, { probeRuntimes }, workDir] = await Promise.all([
    import("./assembly.ts"),
    import("./admin.ts"),
    mkdtemp(join(tmpdir(), "skerry-doctor-")),
  ]);
  try {
    await using engine = await assembleEngine({ ...config, dataDir: workDir });
    const probe = await engine.driver.probe();
    return {
      version,
      sandbox: { driver: engine.driver.name, ...probe },
      properties: probe.usable ? await engine.driver.selfTest() : [],
      runtimes: await probeRuntimes(engine.runtimes),
    };
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

const { version } = createRequire(import.meta.url)("../package.json") as { version: string }; // our own
