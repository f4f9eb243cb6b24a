import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import type { Store, Transaction } from "#storage/storage.ts";
import { Backlog, type Group, type PendingStream } from "./backlog.ts";
import { columnsOf, toChunks, type Chunk } from "./chunks.ts";
import { addUsage, appendChunks, ensureGroup, ensureStream, storedBytesOf } from "./events.ts";
import { flushDelayMs, flushRetryMs } from "./limits.ts";
import { packed } from "./packing.ts";

/**
 * Takes the lines of functions without making anybody wait: writing one is a push into a bounded buffer,
 * and the buffer is stored in groups. Lines that do not fit are dropped; a line in the stream says how
 * many, and so does the platform's log.
 */
export interface LogBuffer extends AsyncDisposable {
  /** For as long as somebody writes into that stream; there may be several of one. */
  open(group: Group, stream: string): LogWriter;
  /** Resolves when all lines written before the call are stored, or storing them has failed. */
  flush(): Promise<void>;
}

export interface LogWriter {
  /** One line, as one event; several where it is larger than an event may be. */
  write(timestampMs: number, message: string): void;
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

  /**
   * Stores what waits now; what is written meanwhile waits for the timer, or under load each commit
   * would carry only the few lines since the one before. One at a time. False when the store refused,
   * and then it is tried again later.
   */
  function storeAll(): Promise<boolean> {
    storing ??= (async () => {
      let isStored = await drain();
      if (isStored) {
        backlog.seal();
        isStored = await drain();
      }
      if (!backlog.isEmpty) arm(isStored ? flushDelayMs : flushRetryMs);
      return isStored;
    })().finally(() => (storing = undefined));
    return storing;
  }

  async function drain(): Promise<boolean> {
    while (backlog.isLeaving) {
      if (!(await storeOnce(deps, backlog))) return false;
    }
    return true;
  }

  async function flush(): Promise<void> {
    // What is being stored now may have begun before the caller's last line was written.
    if (storing) await storing;
    if (!backlog.isEmpty) await storeAll();
  }

  return {
    open: (group, streamName) =>
      new StreamWriter({ backlog, group, streamName, written: () => arm(flushDelayMs) }),
    flush,
    async [Symbol.asyncDispose]() {
      disarm();
      // What is on its way to the store is in no list, and not lost either.
      while (storing || !backlog.isEmpty) if (!(await storeAll())) break;
      disarm();
      if (backlog.lineCount > 0) {
        deps.log.event("logs.lines-lost", { level: "error", count: backlog.lineCount });
      }
    },
  };
}

interface WriterDeps {
  readonly backlog: Backlog;
  readonly group: Group;
  readonly streamName: string;
  readonly written: () => void;
}

class StreamWriter implements LogWriter {
  readonly #deps: WriterDeps;
  #pending: PendingStream | undefined;
  #sealCount = -1;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  write(timestampMs: number, message: string): void {
    const { backlog, group, streamName, written } = this.#deps;
    if (!this.#pending || this.#sealCount !== backlog.sealCount) {
      this.#pending = backlog.streamFor(group, streamName);
      this.#sealCount = backlog.sealCount;
    }
    backlog.push(this.#pending, timestampMs, message);
    written();
  }
}

/** One transaction's worth; false when the store refused it, and then nothing is lost. */
async function storeOnce(deps: LogBufferDeps, backlog: Backlog): Promise<boolean> {
  const taken = backlog.take();
  const nowMs = deps.clock.nowMs();
  try {
    const prepared = await Promise.all(
      taken.map(async (stream) => ({ stream, chunks: await packed(chunksOf(stream, nowMs)) })),
    );
    await deps.store.write((tx) => appendAll(deps, tx, { prepared, nowMs }));
  } catch (error) {
    backlog.putBack(taken);
    deps.log.event("logs.flush-failed", { level: "warn", error });
    return false;
  }
  backlog.release(taken);
  for (const { droppedCount, group } of taken) {
    if (droppedCount === 0) continue;
    deps.log.event("logs.lines-dropped", {
      level: "warn",
      count: droppedCount,
      groupName: group.name,
    });
  }
  return true;
}

interface Prepared {
  readonly stream: PendingStream;
  readonly chunks: readonly Chunk[];
}

/** Each group is looked up and counted once, however many environments write into it. */
function appendAll(
  deps: LogBufferDeps,
  tx: Transaction,
  batch: { readonly prepared: readonly Prepared[]; readonly nowMs: number },
): void {
  const { prepared, nowMs } = batch;
  for (const members of Map.groupBy(prepared, ({ stream }) => groupKey(stream.group)).values()) {
    const [first] = members;
    if (!first) continue;
    const group = ensureGroup(tx, first.stream.group, nowMs, deps.random);
    for (const { stream, chunks } of members) {
      const fresh = { name: stream.streamName, createdAtMs: nowMs };
      const target = { group, stream: ensureStream(tx, group, fresh, deps.random) };
      appendChunks(tx, target, chunks, nowMs);
    }
    addUsage(tx, group.id, storedBytesOf(members.flatMap(({ chunks }) => chunks)));
  }
}

function groupKey({ accountId, region, name }: Group): string {
  return `${accountId} ${region} ${name}`;
}

function chunksOf(stream: PendingStream, nowMs: number): Chunk[] {
  const { timesMs, lengths, droppedCount } = stream;
  const text = stream.text();
  if (droppedCount === 0) return toChunks(columnsOf({ timesMs, lengths, text }, nowMs));
  const note = `[skerry] ${droppedCount} log lines were dropped because they came faster than they could be stored`;
  const noted = {
    timesMs: [...timesMs, nowMs],
    lengths: [...lengths, note.length],
    text: text + note,
  };
  return toChunks(columnsOf(noted, nowMs));
}
