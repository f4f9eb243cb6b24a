import { compareBytes } from "./bytes.ts";
import type { Changes } from "./transaction.ts";
import type { KeyRange } from "./storage.ts";

/** Who in this process waits for changes of which range. Drivers tell it what was committed. */
export interface Watchers {
  watch(range: KeyRange, signal: AbortSignal): AsyncIterable<void>;
  /** Wakes those whose range the changes touch. */
  committed(changes: readonly Changes[]): void;
  /** Wakes all: another process committed something. */
  somethingChanged(): void;
  /** Ends every iteration. */
  close(): void;
  readonly count: number;
}

interface Watcher {
  readonly range: KeyRange;
  dirty: boolean;
  wake: () => void;
}

/** `onCount` is told how many watch, each time that changes. */
export function createWatchers(onCount: (count: number) => void = () => undefined): Watchers {
  const active = new Set<Watcher>();
  let closed = false;

  const touch = (watcher: Watcher): void => {
    watcher.dirty = true;
    watcher.wake();
  };
  async function* watch(range: KeyRange, signal: AbortSignal): AsyncGenerator<void> {
    const watcher: Watcher = { range, dirty: true, wake: () => undefined };
    const onAbort = (): void => watcher.wake();
    active.add(watcher);
    onCount(active.size);
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted && !closed) {
        if (watcher.dirty) {
          watcher.dirty = false;
          yield;
        } else {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      active.delete(watcher);
      onCount(active.size);
    }
  }
  return {
    watch,
    committed(changes) {
      if (active.size === 0) return;
      const ranges = changes.flatMap((each) => each.deletedRanges);
      const keys = changes.flatMap((each) => each.entries.map((entry) => entry.key));
      keys.sort(compareBytes);
      for (const watcher of active)
        if (!watcher.dirty && touches(watcher.range, keys, ranges)) touch(watcher);
    },
    somethingChanged: () => active.forEach(touch),
    close() {
      closed = true;
      active.forEach((watcher) => watcher.wake());
    },
    get count() {
      return active.size;
    },
  };
}

function touches(
  range: KeyRange,
  sortedKeys: readonly Uint8Array[],
  ranges: readonly KeyRange[],
): boolean {
  let low = 0;
  for (let high = sortedKeys.length; low < high;) {
    const middle = (low + high) >>> 1;
    const key = sortedKeys[middle];
    if (key && compareBytes(key, range.start) < 0) low = middle + 1;
    else high = middle;
  }
  const first = sortedKeys[low];
  if (first && compareBytes(first, range.end) < 0) return true;
  return ranges.some(
    (other) => compareBytes(other.start, range.end) < 0 && compareBytes(range.start, other.end) < 0,
  );
}
