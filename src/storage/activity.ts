import { PlatformError } from "#base/errors.ts";

/** What is under way in a store, so that closing can wait for it and refuse the rest. */
export interface Activity {
  /** Something begins; `PlatformError("storage.closed")` once closing has begun. */
  begin(): void;
  /** What began has ended, however. */
  end(): void;
  /** Runs `work` between the two. */
  run<T>(work: () => Promise<T>): Promise<T>;
  assertOpen(): void;
  /** Refuses what comes from now on and resolves when what was under way has ended. */
  close(): Promise<void>;
}

export function createActivity(): Activity {
  const idle = Promise.withResolvers<void>();
  let active = 0;
  let closing = false;
  const assertOpen = (): void => {
    if (closing) throw new PlatformError("storage.closed", "the store is closed");
  };
  const begin = (): void => {
    assertOpen();
    active++;
  };
  const end = (): void => {
    active--;
    if (closing && active === 0) idle.resolve();
  };
  return {
    assertOpen,
    begin,
    end,
    async run(work) {
      begin();
      try {
        return await work();
      } finally {
        end();
      }
    },
    close() {
      closing = true;
      if (active === 0) idle.resolve();
      return idle.promise;
    },
  };
}
