import { keyParts } from "#storage/keys.ts";
import type { S3Deps } from "./deps.ts";
import { garbageRunMax } from "./limits.ts";
import { keys } from "./records.ts";

/** Removes files that no object names any more, as soon as there are any. */
export interface Collector extends AsyncDisposable {
  /** Resolves when what was garbage before the call is gone, and what earlier processes left is settled. */
  collect(): Promise<void>;
}

/**
 * Woken by the store, so an idle platform does nothing. A file goes before its mark, so that a crash in
 * between leaves a mark whose file is gone, never a file that nothing knows of. What an earlier process
 * left between writing a file and naming it is adopted or removed first.
 */
export function createCollector(deps: Pick<S3Deps, "store" | "bodies" | "log">): Collector {
  const stop = new AbortController();
  const settled = settleLeftovers();
  let running: Promise<void> = settled;

  async function settleLeftovers(): Promise<void> {
    for (const bodyId of await deps.bodies.leftovers()) {
      const isNamed = await deps.store.read(
        (reader) => reader.get(keys.body(bodyId)) !== undefined,
      );
      await (isNamed ? deps.bodies.adopt(bodyId) : deps.bodies.delete(bodyId));
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const marks = await deps.store.read((reader) =>
        Array.from(reader.list(keys.everyGarbage(), { limit: garbageRunMax }), ({ key }) =>
          Uint8Array.from(key),
        ),
      );
      if (marks.length === 0) return;
      for (const mark of marks) await deps.bodies.delete(String(keyParts(mark).at(-1)));
      await deps.store.write((tx) => {
        for (const mark of marks) tx.delete(mark);
      });
    }
  }

  function collect(): Promise<void> {
    running = running.then(run);
    return running;
  }

  async function follow(): Promise<void> {
    try {
      await settled;
      for await (const _ of deps.store.watch(keys.everyGarbage(), stop.signal)) {
        if (stop.signal.aborted) return;
        await collect();
      }
    } catch (error) {
      running = Promise.resolve();
      if (!stop.signal.aborted) deps.log.event("s3.collect-failed", { level: "warn", error });
    }
  }

  const following = follow();
  return {
    collect,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await running.catch(() => undefined); // reported where it was followed
    },
  };
}
