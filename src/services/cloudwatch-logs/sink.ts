import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Store } from "#storage/storage.ts";
import { appendEvents, ensureStream, eventBytes, type NewEvent } from "./events.ts";
import {
  batchBytesMax,
  bufferBytesMax,
  bufferLinesMax,
  eventOverheadBytes,
  flushDelayMs,
  flushLinesMax,
  flushRetryMs,
} from "./limits.ts";

/**
 * Takes the lines of functions without making anybody wait: `write` is a push into a bounded buffer,
 * and the buffer is stored in groups. Lines that do not fit are dropped; a line in the stream says how
 * many, and so does the platform's log.
 */
export interface LogBuffer extends AsyncDisposable {
  write(
    group: { readonly accountId: string; readonly region: string; readonly name: string },
    stream: string,
    lines: readonly NewEvent[],
  ): void;
  /** Resolves when all lines written before the call are stored, or storing them has failed. */
  flush(): Promise<void>;
}

interface PendingStream {
  readonly accountId: string;
  readonly region: string;
  readonly groupName: string;
  readonly streamName: string;
  lines: NewEvent[];
  droppedCount: number;
}

export function createLogBuffer(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}): LogBuffer {
  const pending = new Map<string, PendingStream>();
  let bufferedBytes = 0;
  let bufferedLines = 0;
  let timer: Disposable | undefined;
  let storing: Promise<boolean> | undefined;

  function streamFor(group: Parameters<LogBuffer["write"]>[0], streamName: string): PendingStream {
    const { accountId, region, name: groupName } = group;
    const id = JSON.stringify([accountId, region, groupName, streamName]);
    const known = pending.get(id);
    if (known) return known;
    const made = { accountId, region, groupName, streamName, lines: [], droppedCount: 0 };
    pending.set(id, made);
    return made;
  }

  function push(target: PendingStream, line: NewEvent): void {
    const bytes = eventBytes(line.message);
    if (bufferedBytes + bytes > bufferBytesMax || bufferedLines >= bufferLinesMax) {
      target.droppedCount++;
      return;
    }
    bufferedBytes += bytes;
    bufferedLines++;
    target.lines.push(line);
  }

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

  /** Takes the oldest lines out of the buffer, at most as many as one transaction stores. */
  function take(): PendingStream[] {
    const taken: PendingStream[] = [];
    let room = flushLinesMax;
    for (const [id, stream] of pending) {
      if (room <= 0) break;
      const lines = stream.lines.splice(0, room);
      room -= lines.length;
      if (stream.lines.length > 0) {
        taken.push({ ...stream, lines, droppedCount: 0 });
        break;
      }
      pending.delete(id);
      taken.push({ ...stream, lines });
    }
    return taken;
  }

  async function storeOnce(): Promise<boolean> {
    const taken = take();
    const nowMs = deps.clock.nowMs();
    try {
      await deps.store.write((tx) => {
        for (const stream of taken) {
          const target = ensureStream(tx, stream, nowMs, deps.random);
          appendEvents(tx, target, withDropNote(stream, nowMs), nowMs);
        }
      });
    } catch (error) {
      putBack(taken);
      deps.log.event("logs.flush-failed", { level: "warn", error });
      return false;
    }
    for (const { lines, droppedCount, groupName } of taken) {
      bufferedLines -= lines.length;
      for (const { message } of lines) bufferedBytes -= eventBytes(message);
      if (droppedCount > 0) {
        deps.log.event("logs.lines-dropped", { level: "warn", count: droppedCount, groupName });
      }
    }
    return true;
  }

  /** Lines that could not be stored go before what was written meanwhile. */
  function putBack(taken: readonly PendingStream[]): void {
    for (const stream of taken) {
      const target = streamFor({ ...stream, name: stream.groupName }, stream.streamName);
      target.lines = [...stream.lines, ...target.lines];
      target.droppedCount += stream.droppedCount;
    }
  }

  /** One at a time; false when the store refused, and then it is tried again later. */
  function storeAll(): Promise<boolean> {
    storing ??= (async () => {
      while (pending.size > 0) {
        if (await storeOnce()) continue;
        arm(flushRetryMs);
        return false;
      }
      return true;
    })().finally(() => (storing = undefined));
    return storing;
  }

  const buffer: LogBuffer = {
    write(group, streamName, lines) {
      if (lines.length === 0) return;
      const target = streamFor(group, streamName);
      for (const line of lines) for (const piece of pieces(line)) push(target, piece);
      arm(flushDelayMs);
    },
    async flush() {
      // What is being stored now may have begun before the caller's last line was written.
      if (storing) await storing;
      if (pending.size > 0) await storeAll();
    },
    async [Symbol.asyncDispose]() {
      disarm();
      await buffer.flush();
      disarm();
      if (bufferedLines > 0) {
        deps.log.event("logs.lines-lost", { level: "error", count: bufferedLines });
      }
    },
  };
  return buffer;
}

function withDropNote(stream: PendingStream, nowMs: number): readonly NewEvent[] {
  if (stream.droppedCount === 0) return stream.lines;
  const message = `[skerry] ${stream.droppedCount} log lines were dropped because they came faster than they could be stored`;
  return [...stream.lines, { timestampMs: nowMs, message }];
}

/** An event holds 1 MiB; longer lines become several events. Empty lines are not events. */
function* pieces(line: NewEvent): Generator<NewEvent> {
  const bytesMax = batchBytesMax - eventOverheadBytes;
  if (line.message === "") return;
  const timestampMs = Math.max(0, Math.floor(line.timestampMs));
  if (line.message.length * 3 <= bytesMax || Buffer.byteLength(line.message) <= bytesMax) {
    yield { timestampMs, message: line.message };
    return;
  }
  const charactersMax = Math.floor(bytesMax / 3);
  for (let at = 0; at < line.message.length; at += charactersMax) {
    yield { timestampMs, message: line.message.slice(at, at + charactersMax) };
  }
}
