import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from "node:fs";
import path from "node:path";
import type { Clock } from "#base/clock.ts";
import { watchPollMs } from "../../limits.ts";

/**
 * Tells other processes that something was committed: each commit writes one byte of a shared file,
 * which those with watchers see as an event of the file system. A process that dies between its
 * commit and the byte is caught by a slow look at the number of the last commit. Both run only while
 * there is someone to wake.
 */
export interface Doorbell extends Disposable {
  ring(): void;
  /** Starts or stops listening. */
  listen(wanted: boolean): void;
}

export function openDoorbell(deps: {
  readonly directory: string;
  readonly clock: Clock;
  /** Called for rings of any process, this one included, and at intervals. */
  readonly onRing: () => void;
}): Doorbell {
  const file = path.join(deps.directory, "bell");
  const descriptor = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o664);
  const byte = Uint8Array.of(0x0a);
  let watcher: FSWatcher | undefined;
  let timer: Disposable | undefined;

  const poll = (): void => {
    timer = deps.clock.timer(watchPollMs, () => {
      deps.onRing();
      poll();
    });
  };
  const stop = (): void => {
    watcher?.close();
    timer?.[Symbol.dispose]();
    watcher = timer = undefined;
  };
  return {
    ring() {
      try {
        writeSync(descriptor, byte, 0, 1, 0);
      } catch {
        // A full disk, where overwriting needs space too: the interval remains.
      }
    },
    listen(wanted) {
      if (!wanted) return stop();
      if (timer) return;
      poll();
      try {
        watcher = watch(file, { persistent: false }, deps.onRing);
        watcher.on("error", () => watcher?.close()); // the interval remains
      } catch {
        watcher = undefined; // no more inotify instances: the interval remains
      }
      deps.onRing();
    },
    [Symbol.dispose]() {
      stop();
      closeSync(descriptor);
    },
  };
}
