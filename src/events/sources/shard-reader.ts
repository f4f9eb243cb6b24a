import { backoffMs } from "#base/backoff.ts";
import type { SourceRecord } from "../events.ts";
import { deadLetterRetry, sourceTroubleBackoff } from "../limits.ts";
import { gather, isFull, nothingGathered, recordBytesMax } from "./batch.ts";
import { failureRecord } from "./failure-record.ts";
import type { PollerDeps } from "./poller-deps.ts";
import { type Position, writePosition } from "./positions.ts";
import { type BatchRun, runBatch, type StreamMapping, type StreamSignals } from "./stream-batch.ts";
import { type Discarded, splitByKey } from "./stream-decisions.ts";
import {
  countInWindow,
  readWindowState,
  windowAt,
  windowFields,
  type WindowState,
} from "./windows.ts";

export interface ShardReading {
  readonly mapping: StreamMapping;
  readonly shardId: string;
  readonly position: Position & { readonly at: string };
  readonly signals: StreamSignals;
}

/** Records that were read together, and where reading goes on behind them. */
interface Block {
  readonly records: readonly SourceRecord[];
  /** Undefined: that was the end of the shard. */
  readonly next: string | undefined;
}

/** Reads a shard in order. True when it has been read to its end; false when stopped before. */
export async function readShard(deps: PollerDeps, reading: ShardReading): Promise<boolean> {
  const { clock, random, log } = deps;
  const { stop } = reading.signals;
  const reader = new ShardReader(deps, reading);
  for (let troubles = 0; !stop.aborted;) {
    try {
      if (await reader.step()) return true;
      troubles = 0;
    } catch (error) {
      if (stop.aborted) break;
      const { shardId, mapping } = reading;
      log.event("source.failed", { level: "warn", source: mapping.source.arn, shardId, error });
      const pauseMs =
        sourceTroubleBackoff.baseMs + backoffMs(troubles++, sourceTroubleBackoff, random);
      await clock.sleep(pauseMs, stop).catch(() => undefined);
    }
  }
  return false;
}

class ShardReader {
  readonly #deps: PollerDeps;
  readonly #mapping: StreamMapping;
  readonly #shardId: string;
  readonly #signals: StreamSignals;
  #at: string;
  #window: WindowState | undefined;
  #discarded: Discarded[] = [];

  constructor(deps: PollerDeps, reading: ShardReading) {
    this.#deps = deps;
    this.#mapping = reading.mapping;
    this.#shardId = reading.shardId;
    this.#signals = reading.signals;
    this.#at = reading.position.at;
    this.#window = reading.position.window;
  }

  /** One block of records, read and worked on. True at the end of the shard. */
  async step(): Promise<boolean> {
    const block = await this.#readBlock();
    const { matches, stream } = this.#mapping;
    const wanted = matches ? block.records.filter((one) => matches(one.value)) : block.records;
    const isDone =
      stream.tumblingMs > 0 ? await this.#runWindows(wanted) : await this.#runLanes(wanted);
    if (!isDone) return false;
    if (block.next === undefined && this.#window)
      if (!(await this.#closeWindow(false))) return false;
    if (block.records.length > 0 || block.next !== this.#at) await this.#advance(block.next);
    return block.next === undefined;
  }

  /** As many records as all lanes together may have, gathered for as long as the mapping's window. */
  async #readBlock(): Promise<Block> {
    const { clock } = this.#deps;
    const { source, settings, stream } = this.#mapping;
    const countMax = settings.batchSize * stream.parallelism;
    let gathering = nothingGathered;
    let position = this.#at;
    const windowEndMs = this.#window?.endMs ?? Infinity;
    let untilMs = windowEndMs;
    for (;;) {
      const { records, next } = await source.read({
        shardId: this.#shardId,
        position,
        limit: countMax - gathering.records.length,
        bytesMax: Math.max(1, recordBytesMax - gathering.byteCount),
        waitMs: Math.max(0, untilMs - clock.nowMs()),
        signal: this.#signals.stop,
      });
      if (gathering.records.length === 0 && records.length > 0)
        untilMs = Math.min(untilMs, clock.nowMs() + settings.windowMs);
      const added = gather(gathering, records, countMax);
      gathering = added.gathering;
      if (added.rest.length > 0)
        return { records: gathering.records, next: gathering.records.at(-1)?.receipt ?? position };
      const isOver = clock.nowMs() >= untilMs;
      if (next === undefined || isFull(gathering, countMax) || isOver)
        return { records: gathering.records, next };
      position = next;
    }
  }

  /** Lanes side by side; in each, one batch after the other. */
  async #runLanes(records: readonly SourceRecord[]): Promise<boolean> {
    const { settings, stream } = this.#mapping;
    const lanes = splitByKey(records, stream.parallelism);
    const outcomes = await Promise.all(
      lanes.map(async (lane) => {
        for (let rest = lane; rest.length > 0;) {
          const { gathering, rest: behind } = gather(nothingGathered, rest, settings.batchSize);
          if (!(await this.#run(gathering.records, { savesProgress: lanes.length === 1 })))
            return false;
          rest = behind;
        }
        return true;
      }),
    );
    return outcomes.every(Boolean);
  }

  #run(
    records: readonly SourceRecord[],
    options: { readonly savesProgress: boolean; readonly window?: Partial<BatchRun> },
  ): Promise<boolean> {
    let savedAt = -1;
    const run: BatchRun = {
      discard: (discarded) => void this.#discarded.push(discarded),
      done: async (last) => {
        const at = records.indexOf(last);
        // The end of all is written by whoever knows where reading goes on.
        if (!options.savesProgress || at <= savedAt || at === records.length - 1) return;
        savedAt = at;
        await this.#advance(last.receipt);
      },
      ...options.window,
    };
    return runBatch(this.#deps, this.#mapping, { records, signals: this.#signals, run });
  }

  /** Tumbling windows: one batch after the other, each within one window. */
  async #runWindows(records: readonly SourceRecord[]): Promise<boolean> {
    const { clock } = this.#deps;
    const { settings, stream } = this.#mapping;
    let rest = records;
    while (rest.length > 0) {
      const [first] = rest;
      this.#window ??= windowAt(first?.sentMs ?? clock.nowMs(), stream.tumblingMs);
      const inside = rest.slice(0, countInWindow(this.#window, rest));
      if (inside.length === 0) {
        if (!(await this.#closeWindow(false))) return false;
        continue;
      }
      const { gathering } = gather(nothingGathered, inside, settings.batchSize);
      const { isDone, isTooLarge } = await this.#callWindow(gathering.records, {});
      if (!isDone) return false;
      rest = rest.slice(gathering.records.length);
      const last = gathering.records.at(-1);
      if (last && rest.length > 0) await this.#advance(last.receipt);
      if (isTooLarge && !(await this.#closeWindow(true))) return false;
    }
    const isOver = this.#window !== undefined && clock.nowMs() >= this.#window.endMs;
    return isOver ? this.#closeWindow(false) : true;
  }

  async #callWindow(
    records: readonly SourceRecord[],
    how: { readonly isFinal?: boolean; readonly isEarly?: boolean },
  ): Promise<{ readonly isDone: boolean; readonly isTooLarge: boolean }> {
    const window =
      this.#window ?? windowAt(this.#deps.clock.nowMs(), this.#mapping.stream.tumblingMs);
    const { isFinal = false, isEarly = false } = how;
    const sourceArn = this.#mapping.source.arn;
    let isTooLarge = false;
    const isDone = await this.#run(records, {
      savesProgress: false,
      window: {
        fields: windowFields(window, { shardId: this.#shardId, sourceArn, isFinal, isEarly }),
        answered: (payload) => {
          const answer = readWindowState(payload);
          isTooLarge = answer.isTooLarge;
          this.#window = { ...window, state: answer.isTooLarge ? window.state : answer.state };
        },
      },
    });
    return { isDone, isTooLarge };
  }

  /** The last call for a window, without records. */
  async #closeWindow(isEarly: boolean): Promise<boolean> {
    const { isDone } = await this.#callWindow([], { isFinal: true, isEarly });
    if (!isDone) return false;
    this.#window = undefined;
    await this.#advance(this.#at);
    return true;
  }

  /** Position, window and what was given up, in one transaction. */
  async #advance(next: string | undefined): Promise<void> {
    const { store, outbox } = this.#deps;
    const { id } = this.#mapping;
    const discarded = this.#discarded;
    const window = this.#window;
    await store.write((tx) => {
      const position = { at: next, ...(window && { window }) };
      writePosition(tx, { mappingId: id, shardId: this.#shardId }, position);
      for (const one of discarded) this.#tell(one, (told) => outbox.add(tx, told));
    });
    this.#discarded = this.#discarded.slice(discarded.length);
    if (next !== undefined) this.#at = next;
  }

  #tell(
    discarded: Discarded,
    add: (told: Parameters<PollerDeps["outbox"]["add"]>[1]) => void,
  ): void {
    const { functionArn, accountId, region, source, stream } = this.#mapping;
    const { log, clock } = this.#deps;
    const [first] = discarded.records;
    log.event("source.discarded", {
      level: "warn",
      source: source.arn,
      shardId: this.#shardId,
      condition: discarded.condition,
      records: discarded.records.length,
    });
    if (stream.onFailureArn === undefined || !first) return;
    const about = {
      functionArn,
      streamArn: source.arn,
      shardId: this.#shardId,
      nowMs: clock.nowMs(),
    };
    add({
      targetArn: stream.onFailureArn,
      record: {
        id: `${this.#mapping.id}/${this.#shardId}/${first.id}`,
        event: failureRecord(discarded, about),
        ...(first.trace && { trace: first.trace }),
      },
      origin: { service: "lambda.amazonaws.com", arn: functionArn, accountId, region },
      usesRole: true,
      retry: deadLetterRetry,
    });
  }
}
