import { backoffMs } from "#base/backoff.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { QueueSource, SourceRecord } from "../events.ts";
import { batchBackoff, batchDrainMs, sourceTroubleBackoff } from "../limits.ts";
import { eventOf, gather, isFull, nothingGathered, recordBytesMax, traceOf } from "./batch.ts";
import { readItemFailures } from "./item-failures.ts";
import type { PollerDeps } from "./poller-deps.ts";
import { firstScale, type QueueScale, scaleQueue } from "./queue-scaling.ts";
import type { CallResult, Mapping, Poller } from "./sources.ts";

/** Takes messages from a queue, in batches, as long as there is room for another batch. */
export function pollQueue(deps: PollerDeps, mapping: Mapping<QueueSource>): Poller {
  return new QueuePoller(deps, mapping);
}

/** A batch that was taken, and when: its messages come back by themselves later. */
interface Batch {
  readonly records: readonly SourceRecord[];
  readonly takenMs: number;
}

class QueuePoller implements Poller {
  readonly #deps: PollerDeps;
  readonly #mapping: Mapping<QueueSource>;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #polling: Promise<void>;
  #scale: QueueScale;
  #roomMade = Promise.withResolvers<void>();
  /** Taken, but for the next batch. */
  #carried: Batch = { records: [], takenMs: 0 };

  constructor(deps: PollerDeps, mapping: Mapping<QueueSource>) {
    this.#deps = deps;
    this.#mapping = mapping;
    this.#scale = firstScale(mapping.settings.batchesMax, deps.clock.monotonicMs());
    this.#polling = this.#poll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new PlatformError("server.stopping", "the mapping is not polled any more"));
    this.#roomMade.resolve();
    await this.#polling;
    using _limit = this.#deps.clock.timer(batchDrainMs, () => this.#abandon.abort());
    const abandoned = Promise.withResolvers<void>();
    this.#abandon.signal.addEventListener("abort", () => abandoned.resolve(), { once: true });
    await Promise.race([Promise.allSettled(this.#running), abandoned.promise]);
    this.#abandon.abort();
  }

  async #poll(): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stop;
    let troubles = 0;
    while (!signal.aborted) {
      try {
        if (!(await this.#hasRoom())) continue;
        const batch = await this.#collect();
        if (batch.records.length > 0) this.#begin(batch);
        troubles = 0;
      } catch (error) {
        if (signal.aborted) break;
        log.event("source.failed", { level: "warn", source: this.#mapping.source.arn, error });
        const pauseMs =
          sourceTroubleBackoff.baseMs + backoffMs(troubles++, sourceTroubleBackoff, random);
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
    this.#putBack(this.#carried.records);
  }

  /** Waits until one more batch may run. */
  async #hasRoom(): Promise<boolean> {
    if (this.#running.size < this.#scale.allowed) return true;
    const nowMs = this.#deps.clock.monotonicMs();
    const { batchesMax } = this.#mapping.settings;
    this.#scale = scaleQueue(this.#scale, { kind: "busy", nowMs }, batchesMax);
    if (this.#running.size < this.#scale.allowed) return true;
    this.#roomMade = Promise.withResolvers<void>();
    await this.#roomMade.promise;
    return false;
  }

  /** A batch: as many as fit, gathered for as long as the mapping's window. */
  async #collect(): Promise<Batch> {
    const { clock } = this.#deps;
    const { batchSize, windowMs } = this.#mapping.settings;
    let gathering = nothingGathered;
    let takenMs = 0;
    let untilMs = Infinity;
    try {
      for (;;) {
        const carried = this.#carried;
        const isCarried = carried.records.length > 0;
        const found = isCarried
          ? carried.records
          : await this.#receive({ ...gathering, waitMs: untilMs - clock.monotonicMs() });
        if (found.length > 0 && gathering.records.length === 0) {
          takenMs = isCarried ? carried.takenMs : clock.monotonicMs();
          untilMs = clock.monotonicMs() + windowMs;
        }
        const added = gather(gathering, found, batchSize);
        gathering = added.gathering;
        this.#carried = { records: added.rest, takenMs };
        const isOver = gathering.records.length > 0 && clock.monotonicMs() >= untilMs;
        if (added.rest.length > 0 || isFull(gathering, batchSize) || isOver)
          return { records: gathering.records, takenMs };
      }
    } catch (error) {
      // What was gathered before the source failed, or we were stopped, is not lost, only late.
      this.#putBack(gathering.records);
      throw error;
    }
  }

  /** Messages that match; the others are deleted, as the service does it. */
  async #receive(options: {
    readonly records: readonly SourceRecord[];
    readonly byteCount: number;
    readonly waitMs: number;
  }): Promise<readonly SourceRecord[]> {
    const { source, settings, matches } = this.#mapping;
    const found = await source.receive({
      limit: settings.batchSize - options.records.length,
      bytesMax: Math.max(1, recordBytesMax - options.byteCount),
      waitMs: Math.max(0, options.waitMs),
      signal: this.#stop.signal,
    });
    if (!matches || found.length === 0) return found;
    const unwanted = found.filter((record) => !matches(record.value));
    if (unwanted.length > 0) await source.acknowledge(unwanted);
    return unwanted.length === 0 ? found : found.filter((record) => !unwanted.includes(record));
  }

  #begin(batch: Batch): void {
    const running = this.#run(batch)
      .catch((error: unknown) =>
        // The messages come back when their visibility timeout is over.
        this.#deps.log.event("source.batch-failed", { level: "error", error }),
      )
      .finally(() => {
        this.#running.delete(running);
        this.#roomMade.resolve();
      });
    this.#running.add(running);
  }

  async #run(batch: Batch): Promise<void> {
    const { source, settings } = this.#mapping;
    const { records } = batch;
    const called = await this.#call(batch);
    if (!called) return;
    const { result } = called;
    const ids = new Set(records.map((record) => record.id));
    const failed =
      result.kind !== "ok"
        ? ({ kind: "all" } as const)
        : settings.reportsItemFailures
          ? readItemFailures(result.payload, ids)
          : ({ kind: "none" } as const);
    const done =
      failed.kind === "none"
        ? records
        : failed.kind === "all"
          ? []
          : records.filter((record) => !failed.ids.has(record.id));
    if (done.length > 0) await source.acknowledge(done);
    // Reported items are not a reason to slow down: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    if (failed.kind === "all") this.#slowDown();
    this.#note(batch, called, failed.kind === "none" ? "delivered" : "failed");
    // The others become visible again when their visibility timeout is over.
  }

  /**
   * Calls the function; while there is no room for it, again and again until the messages would be visible
   * again anyway. Undefined when it has not run.
   */
  async #call(batch: Batch): Promise<Called | undefined> {
    const { clock, random } = this.#deps;
    const { source, call, report } = this.#mapping;
    const event = eventOf(batch.records);
    const trace = traceOf(batch.records);
    const startMs = clock.monotonicMs();
    let visibleMs: number | undefined;
    for (let attempts = 1; ; attempts++) {
      const result = await call(event, { trace, signal: this.#abandon.signal });
      if (this.#abandon.signal.aborted) return undefined;
      if (result.kind === "ok" || result.kind === "function-error") {
        report(result.kind === "ok" ? "OK" : "PROBLEM: Function call failed");
        return { result, attempts, durationMs: clock.monotonicMs() - startMs };
      }
      report("PROBLEM: Function call failed");
      this.#slowDown();
      visibleMs ??= batch.takenMs + (await source.visibilityTimeoutMs());
      const pauseMs = batchBackoff.baseMs / 2 + backoffMs(attempts - 1, batchBackoff, random);
      const isLate = clock.monotonicMs() + pauseMs >= visibleMs;
      if (isLate || this.#stop.signal.aborted) {
        this.#note(
          batch,
          { result, attempts, durationMs: clock.monotonicMs() - startMs },
          "failed",
        );
        this.#putBack(batch.records);
        return undefined;
      }
      await clock.sleep(pauseMs, this.#stop.signal).catch(() => undefined);
    }
  }

  #slowDown(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#scale = scaleQueue(this.#scale, { kind: "failed", nowMs });
  }

  #putBack(records: readonly SourceRecord[]): void {
    if (records.length === 0) return;
    ignore(this.#mapping.source.release(records, 0), "they come back by themselves, later");
  }

  #note(batch: Batch, called: Called, outcome: "delivered" | "failed"): void {
    const { result, attempts, durationMs } = called;
    const [first] = batch.records;
    this.#deps.journal.note({
      atMs: this.#deps.clock.nowMs(),
      durationMs,
      sourceArn: this.#mapping.source.arn,
      targetArn: this.#mapping.functionArn,
      recordId: first?.id ?? "",
      recordCount: batch.records.length,
      attempts,
      outcome,
      ...(result.kind !== "ok" && { error: result.kind }),
      traceId: traceOf(batch.records)?.traceId ?? "",
    });
  }
}

interface Called {
  readonly result: CallResult;
  readonly attempts: number;
  readonly durationMs: number;
}
