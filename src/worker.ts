import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { assert } from "#base/assert.ts";
import { yieldBackgroundThreads } from "#base/background-threads.ts";
import { systemClock } from "#base/clock.ts";
import { connectToPrimary, openMembership, type OpenMembership } from "#workers/workers.ts";
import type { AssembledServer } from "./assembly.ts";
import type { WorkerSettings, WorkerStarted } from "./primary.ts";

/**
 * The program of one worker, started by the primary and ended with it. Signals are the
 * primary's to answer: a terminal and a service manager send them to every process.
 */
enableCompileCache(join(homedir(), ".cache", "skerry"));
yieldBackgroundThreads();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

connectToPrimary((primary) => {
  let settings: WorkerSettings | undefined;
  let membership: OpenMembership | undefined;
  let server: AssembledServer | undefined;
  const end = async (): Promise<void> => {
    await server?.[Symbol.asyncDispose]();
    await membership?.[Symbol.asyncDispose]();
  };
  return {
    async open(told) {
      settings = told.settings as WorkerSettings; // as `startPrimary` made them
      const { accountConcurrency, functionMemoryMiB, workers } = settings.config;
      membership = await openMembership({
        id: told.id,
        folder: told.folder,
        primary,
        accountConcurrency,
        memoryShareMiB: Math.floor(functionMemoryMiB / workers),
        clock: systemClock,
      });
    },
    async start(earlierIds): Promise<WorkerStarted> {
      assert(settings && membership, "a worker is opened before it is started");
      await membership.join(earlierIds);
      const { config, version, own } = settings;
      const { assemble } = await import("./assembly.ts");
      server = await assemble(config, version, { own, membership });
      const { url, port, isolation, notices } = server;
      return { url, port, isolation, notices };
    },
    drain: () => server?.drain(settings?.config.drainTimeoutMs ?? 0),
    settle: () => server?.settle(),
    end,
    receive: (name, meta) => membership?.receive(name, meta),
    orphaned() {
      // Nobody is left to ask for anything; what runs is not waited for.
      void Promise.resolve(server?.drain(0))
        .then(end)
        .finally(() => process.exit());
    },
  };
});
