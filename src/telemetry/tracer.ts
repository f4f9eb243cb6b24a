import type { Clock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { attributeCharactersMax, spansMax, spansPerTraceMax, tracesMax } from "./limits.ts";
import { Sampler } from "./sampler.ts";
import type { FinishedSpan, Span, SpanAttributes, Tracer, TraceSummary } from "./telemetry.ts";

/** A tracer that keeps what it records in memory, within the three maxima of `limits.ts`. */
export function createTracer(deps: {
  readonly clock: Clock;
  readonly random: Random;
  /** Also receives every finished span (the OTLP exporter). Must not throw or block. */
  readonly forward?: (span: FinishedSpan) => void;
}): Tracer {
  const { clock, random } = deps;
  const traces = new Map<string, FinishedSpan[]>(); // in order of their first span: the oldest is first
  const sampler = new Sampler();
  const ids = new TraceIds(random);
  let spanCount = 0;
  // Monotonic time pinned to the wall once, so that spans of one trace can be compared to each other
  // to the microsecond even while the wall clock is being adjusted.
  const originMs = clock.nowMs() - clock.monotonicMs();
  const preciseNowMs = (): number => originMs + clock.monotonicMs();

  const evictOldest = (): void => {
    const oldest = traces.entries().next().value;
    if (oldest === undefined) return;
    traces.delete(oldest[0]);
    spanCount -= oldest[1].length;
  };
  const keep = (span: FinishedSpan): void => {
    deps.forward?.(span);
    let spans = traces.get(span.traceId);
    if (spans === undefined) traces.set(span.traceId, (spans = []));
    if (spans.length >= spansPerTraceMax) return;
    spans.push(span);
    spanCount++;
    while (traces.size > tracesMax || spanCount > spansMax) evictOldest();
  };
  const child = (parent: TraceContext): TraceContext & { readonly spanId: string } => ({
    ...parent,
    spanId: randomHex(random, 8),
  });

  return {
    nowMs: preciseNowMs,
    newTrace() {
      const nowMs = clock.nowMs();
      return {
        traceId: ids.next(nowMs),
        spanId: undefined,
        sampled: sampler.decide(nowMs),
        hops: 0,
      };
    },
    span(parent, name, attributes = {}) {
      if (!parent.sampled) return new UnrecordedSpan(parent);
      const context = child(parent);
      return openSpan({ context, parentId: parent.spanId, name, attributes, preciseNowMs, keep });
    },
    record(parent, name, startMs, endMs, attributes = {}) {
      if (!parent.sampled) return parent;
      const context = child(parent);
      const { traceId, spanId } = context;
      const common = { traceId, spanId, parentId: parent.spanId, name, startMs, endMs };
      keep({ ...common, error: undefined, attributes: shorten(attributes) });
      return context;
    },
    find(traceId) {
      return (traces.get(traceId) ?? []).toSorted((a, b) => a.startMs - b.startMs);
    },
    recent(limit) {
      return [...traces.values()].slice(-limit).toReversed().map(summarise);
    },
  };
}

/** `1-<8 hex seconds>-<24 hex>`; the beginning is made once for all traces of a second. */
class TraceIds {
  readonly #random: Random;
  #second = NaN;
  #begin = "";

  constructor(random: Random) {
    this.#random = random;
  }

  next(nowMs: number): string {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#begin = `1-${second.toString(16).padStart(8, "0")}-`;
    }
    return this.#begin + randomHex(this.#random, 12);
  }
}

/** Of a trace that is not recorded: what happens below it hangs where it does. */
class UnrecordedSpan implements Span {
  readonly context: TraceContext;
  readonly isRecorded = false;

  constructor(context: TraceContext) {
    this.context = context;
  }

  set(): void {}
  fail(): void {}
  end(): void {}
  [Symbol.dispose](): void {}
}

function openSpan(options: {
  readonly context: TraceContext & { readonly spanId: string };
  readonly parentId: string | undefined;
  readonly name: string;
  readonly attributes: SpanAttributes;
  readonly preciseNowMs: () => number;
  readonly keep: (span: FinishedSpan) => void;
}): Span {
  const { context, parentId, name, preciseNowMs, keep } = options;
  const startMs = preciseNowMs();
  let attributes = options.attributes;
  let error: string | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    const { traceId, spanId } = context;
    const endMs = preciseNowMs();
    keep({
      traceId,
      spanId,
      parentId,
      name,
      startMs,
      endMs,
      error,
      attributes: shorten(attributes),
    });
  };
  return {
    context,
    isRecorded: true,
    set: (more) => void (attributes = { ...attributes, ...more }),
    fail: (reason) => void (error = reason),
    end,
    [Symbol.dispose]: end,
  };
}

function shorten(attributes: SpanAttributes): SpanAttributes {
  const tooLong = (value: unknown): value is string =>
    typeof value === "string" && value.length > attributeCharactersMax;
  if (!Object.values(attributes).some(tooLong)) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      tooLong(value) ? value.slice(0, attributeCharactersMax) : value,
    ]),
  );
}

function summarise(spans: readonly FinishedSpan[]): TraceSummary {
  const ids = new Set(spans.map((span) => span.spanId));
  const root =
    spans.find((span) => span.parentId === undefined || !ids.has(span.parentId)) ?? spans[0];
  const startMs = Math.min(...spans.map((span) => span.startMs));
  return {
    traceId: root?.traceId ?? "",
    startMs,
    durationMs: Math.max(...spans.map((span) => span.endMs)) - startMs,
    rootName: root?.name ?? "",
    spanCount: spans.length,
    failed: spans.some((span) => span.error !== undefined),
  };
}
