import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import { Backlog, type Group, type PendingStream } from "./backlog.ts";
import { appendEvents, ensureStream, type NewEvent } from "./events.ts";
import { flushDelayMs, flushRetryMs } from "./limits.ts";

/**
 * Takes the lines of functions without making anybody wait: `write` is a push into a bounded buffer,
 * and the buffer is stored in groups. Lines that do not fit are dropped; a line in the stream says how
 * many, and so does the platform's log.
 */
export interface LogBuffer extends AsyncDisposable {
  write(group: Group, stream: string, lines: readonly NewEvent[]): void;
  /** Resolves when all lines written before the call are stored, or storing them has failed. */
  flush(): Promise<void>;
}

interface LogBufferDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function createLogBuffer(deps: LogBufferDeps): LogBuffer {
  const backlog = new Backlog();
  let timer: Disposable | undefined;
  let storing: Promise<boolean> | undefined;

  function arm(delayMs: number): void {
    timer ??= deps.clock.timer(delayMs, () => {
      timer = undefined;
      void storeAll();
    });
  }

  function disarm(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
  }

  /** One at a time; false when the store refused, and then it is tried again later. */
  function storeAll(): Promise<boolean> {
    storing ??= (async () => {
      while (!backlog.isEmpty) {
        if (await storeOnce(deps, backlog)) continue;
        arm(flushRetryMs);
        return false;
      }
      return true;
    })().finally(() => (storing = undefined));
    return storing;
  }

  async function flush(): Promise<void> {
    // What is being stored now may have begun before the caller's last line was written.
    if (storing) await storing;
    if (!backlog.isEmpty) await storeAll();
  }

  return {
    write(group, streamName, lines) {
      if (lines.length === 0) return;
      backlog.push(group, streamName, lines);
      arm(flushDelayMs);
    },
    flush,
    async [Symbol.asyncDispose]() {
      disarm();
      await flush();
      disarm();
      if (backlog.lineCount > 0) {
        deps.log.event("logs.lines-lost", { level: "error", count: backlog.lineCount });
      }
    },
  };
}

/** One transaction's worth; false when the store refused it, and then nothing is lost. */
async function storeOnce(deps: LogBufferDeps, backlog: Backlog): Promise<boolean> {
  const taken = backlog.take();
  const nowMs = deps.clock.nowMs();
  try {
    await deps.store.write((tx) => {
      for (const stream of taken) {
        const target = ensureStream(tx, stream, nowMs, deps.random);
        appendEvents(tx, target, withDropNote(stream, nowMs), nowMs);
      }
    });
  } catch (error) {
    backlog.putBack(taken);
    deps.log.event("logs.flush-failed", { level: "warn", error });
    return false;
  }
  backlog.release(taken);
  for (const { droppedCount, groupName } of taken) {
    if (droppedCount === 0) continue;
    deps.log.event("logs.lines-dropped", { level: "warn", count: droppedCount, groupName });
  }
  return true;
}

function withDropNote(stream: PendingStream, nowMs: number): readonly NewEvent[] {
  if (stream.droppedCount === 0) return stream.lines;
  const message = `[skerry] ${stream.droppedCount} log lines were dropped because they came faster than they could be stored`;
  return [...stream.lines, { timestampMs: nowMs, message }];
}
