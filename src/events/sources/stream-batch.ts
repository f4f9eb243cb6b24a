import { backoffMs } from "#base/backoff.ts";
import type { SourceRecord, StreamSource } from "../events.ts";
import { batchBackoff } from "../limits.ts";
import { eventOf, traceOf } from "./batch.ts";
import { readItemFailures } from "./item-failures.ts";
import type { PollerDeps } from "./poller-deps.ts";
import type { CallResult, Mapping, StreamSettings } from "./sources.ts";
import { decideWork, type Discarded, dropOld, firstWork, type Work } from "./stream-decisions.ts";

/** A mapping of a stream: its settings are there. */
export interface StreamMapping extends Mapping<StreamSource> {
  readonly stream: StreamSettings;
}

export interface StreamSignals {
  /** No new tries. */
  readonly stop: AbortSignal;
  /** What runs is not heard any more. */
  readonly abandon: AbortSignal;
}

export interface BatchRun {
  /** Beside the records in the event. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** The answer to each call that did not fail as a whole. */
  readonly answered?: (payload: Uint8Array) => void;
  /** Given up; also called for some before others are done. */
  readonly discard: (discarded: Discarded) => void;
  /** Everything up to this record is done or given up. */
  readonly done: (last: SourceRecord) => Promise<void>;
}

/**
 * Works on consecutive records until each is done or given up. False when stopped before that: then what
 * was not reported as done is to be worked on again.
 */
export async function runBatch(
  deps: PollerDeps,
  mapping: StreamMapping,
  options: {
    readonly records: readonly SourceRecord[];
    readonly signals: StreamSignals;
    readonly run: BatchRun;
  },
): Promise<boolean> {
  const { clock, random } = deps;
  const { signals, run } = options;
  let left: Work[] = [firstWork(options.records)];
  for (let work = left.shift(); work; work = left.shift()) {
    if (signals.stop.aborted) return false;
    const before = work.records.at(-1);
    const fresh = dropOld(work, mapping.stream, clock.nowMs());
    if (fresh.discarded) run.discard(fresh.discarded);
    if (fresh.work.records.length === 0 && work.records.length > 0) {
      if (before) await run.done(before);
      continue;
    }
    const answer = await callOnce(deps, mapping, { work: fresh.work, signals, run });
    if (!answer) return false;
    const { records } = fresh.work;
    const decision = decideWork(fresh.work, answer, mapping.stream);
    if (decision.discarded) run.discard(decision.discarded);
    left = [...decision.next, ...left];
    const nextRecord = decision.next[0]?.records[0];
    const at = nextRecord ? records.indexOf(nextRecord) : records.length;
    const last = at === records.length ? before : records[at - 1];
    if (last) await run.done(last);
    if (!decision.pauses) continue;
    const tries = (decision.next[0]?.failures ?? 0) + (decision.next[0]?.setbacks ?? 0);
    const pauseMs = batchBackoff.baseMs / 2 + backoffMs(tries, batchBackoff, random);
    await clock.sleep(pauseMs, signals.stop).catch(() => undefined);
  }
  return true;
}

async function callOnce(
  deps: PollerDeps,
  mapping: StreamMapping,
  options: { readonly work: Work; readonly signals: StreamSignals; readonly run: BatchRun },
): Promise<
  { readonly result: CallResult; readonly failed: ReturnType<typeof readItemFailures> } | undefined
> {
  const { clock, journal } = deps;
  const { work, signals, run } = options;
  const { records } = work;
  const startMs = clock.monotonicMs();
  const trace = traceOf(records);
  const event = eventOf(records, run.fields);
  const result = await mapping.call(event, { trace, signal: signals.abandon });
  if (signals.abandon.aborted) return undefined;
  mapping.report(result.kind === "ok" ? "OK" : "PROBLEM: Function call failed");
  const ids = new Set(records.map((record) => record.id));
  const failed =
    result.kind !== "ok"
      ? ({ kind: "all" } as const)
      : mapping.settings.reportsItemFailures
        ? readItemFailures(result.payload, ids)
        : ({ kind: "none" } as const);
  if (result.kind === "ok" && failed.kind !== "all") run.answered?.(result.payload);
  journal.note({
    atMs: clock.nowMs(),
    durationMs: clock.monotonicMs() - startMs,
    sourceArn: mapping.source.arn,
    targetArn: mapping.functionArn,
    recordId: records[0]?.id ?? "",
    recordCount: records.length,
    attempts: work.failures + 1,
    outcome: failed.kind === "none" ? "delivered" : "failed",
    ...(result.kind !== "ok" && { error: result.kind }),
    traceId: trace?.traceId ?? "",
  });
  return { result, failed };
}
