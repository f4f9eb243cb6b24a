import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Store } from "#storage/storage.ts";
import { expiryKeys, expiryParts } from "../items/expiry.ts";
import type { Tables } from "../tables/tables.ts";
import { expireSome } from "./expiring.ts";
import { stepJobs } from "./jobs.ts";
import { removeSome } from "./remains.ts";

export interface SweeperDeps {
  readonly store: Store;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What happens behind the answers, in small transactions: indexes are filled, what deleted tables and indexes
 * left is removed, items whose time to live has passed are deleted. It looks when it is woken, when something
 * is due by the clock, and at start, where it goes on with what an earlier process began.
 */
export interface Sweeper extends AsyncDisposable {
  wake(): void;
  /** Resolves when nothing is left to do now. */
  settle(): Promise<void>;
}

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { store, clock, log } = deps;
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let isWanted = false;
  let timer: Disposable | undefined;

  async function work(): Promise<void> {
    while (isWanted && !stop.signal.aborted) {
      isWanted = false;
      for (const step of [removeSome, stepJobs, expireSome]) {
        while (!stop.signal.aborted && (await step(deps)));
      }
    }
  }

  function wake(): void {
    isWanted = true;
    if (running || stop.signal.aborted) return;
    running = work()
      .catch((error: unknown) => log.event("dynamodb.sweep-failed", { level: "warn", error }))
      .then(() => void (running = undefined));
  }

  async function arm(): Promise<void> {
    const [first] = await store.read((reader) =>
      Array.from(reader.list(expiryKeys.every(), { limit: 1 }), ({ key }) => expiryParts(key)),
    );
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (!first || stop.signal.aborted) return;
    timer = clock.timer(Math.max(0, first.atSeconds * 1_000 - clock.nowMs()), wake);
  }

  const watching = (async () => {
    for await (const _ of store.watch(expiryKeys.every(), stop.signal)) await arm();
  })().catch((error: unknown) =>
    log.event("dynamodb.watch-failed", { level: "warn", error: String(error) }),
  );
  wake();
  return {
    wake,
    async settle() {
      wake();
      while (running) await running;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
      timer?.[Symbol.dispose]();
      while (running) await running;
    },
  };
}
