import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Service } from "#protocol/service/service.ts";
import type { Store } from "#storage/storage.ts";
import { defineLogs } from "./operations.ts";
import { createLogBuffer, type LogBuffer } from "./sink.ts";
import { createSweeper } from "./sweeper.ts";

/** Log groups, their streams and events, and the way functions' lines get there. */
export interface CloudwatchLogs extends AsyncDisposable {
  readonly service: Service;
  /**
   * Where the pool writes. Never blocks or throws; lines are stored within about 50 ms, and any read
   * through the API of this process stores them first.
   */
  readonly sink: Pick<LogBuffer, "open">;
  /** Stores what waits in the sink; resolves when it is durable, or when storing it has failed. */
  flush(): Promise<void>;
  /** Removes expired events and what deletions left behind, now instead of within ten minutes. */
  sweep(): Promise<void>;
}

/** Disposing stores what waits in the sink and stops the removal of expired events. */
export function createCloudwatchLogs(deps: {
  readonly store: Store;
  readonly clock: Clock;
  /** By which events expire; `clock` unless somebody can move it. */
  readonly expiryClock?: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where other processes write too: makes them store what waits in their sinks. */
  readonly flushOthers?: () => Promise<unknown>;
}): CloudwatchLogs {
  const buffer = createLogBuffer(deps);
  const { expiryClock = deps.clock } = deps;
  const sweeper = createSweeper({ ...deps, expiryClock });
  const flush = (): Promise<void> => buffer.flush();
  const flushAll = async (): Promise<void> => {
    await Promise.all([flush(), deps.flushOthers?.()]);
  };
  return {
    service: defineLogs({ ...deps, expiryClock, flush: flushAll }),
    sink: buffer,
    flush,
    sweep: () => sweeper.sweep(),
    async [Symbol.asyncDispose]() {
      await sweeper[Symbol.asyncDispose]();
      await buffer[Symbol.asyncDispose]();
    },
  };
}
