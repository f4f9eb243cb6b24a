import type { Clock } from "#base/clock.ts";
import type { Logger, TraceContext } from "#base/context.ts";
import type { Random } from "#base/random.ts";
import { createLogger, type LogLevel } from "./log.ts";
import { createOtlpExporter } from "./otlp.ts";
import { createTracer } from "./tracer.ts";

/**
 * The platform's own observations: spans of every request and invocation. (Customers' logs and
 * metrics are `services/cloudwatch-logs` and later `services/cloudwatch`.)
 *
 * Spans are recorded off the response path: ending one is a push into a bounded buffer.
 */
export interface Tracer {
  /** Opens a span under `parent`; it is recorded when ended, never before, and only if `parent` is sampled. */
  span(parent: TraceContext, name: string, attributes?: SpanAttributes): Span;
  /** The time line of spans: epoch milliseconds with fractions. What `record` wants. */
  nowMs(): number;
  /** Records a span that is already over; times from `nowMs`. */
  record(
    parent: TraceContext,
    name: string,
    startMs: number,
    endMs: number,
    attributes?: SpanAttributes,
  ): TraceContext;
  /** A context with a fresh trace id and no parent. Under load not every trace is recorded: see limits.ts. */
  newTrace(): TraceContext;
  /** Spans of one trace in order of their start; empty when unknown or already evicted. */
  find(traceId: string): readonly FinishedSpan[];
  /** The most recent traces, newest first. */
  recent(limit: number): readonly TraceSummary[];
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span extends Disposable {
  /** What children of this span carry as their parent. */
  readonly context: TraceContext;
  /** False when its trace is not sampled: nobody will see what it is told. */
  readonly isRecorded: boolean;
  set(attributes: SpanAttributes): void;
  /** Marks the span failed; `reason` is an error type, never a payload. */
  fail(reason: string): void;
  /** Ends it; a second call does nothing. Disposing is the same. */
  end(): void;
}

export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  /** Epoch milliseconds, fractional. */
  readonly startMs: number;
  readonly endMs: number;
  readonly error: string | undefined;
  readonly attributes: SpanAttributes;
}

export interface TraceSummary {
  readonly traceId: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly rootName: string;
  readonly spanCount: number;
  readonly failed: boolean;
}

/** What `main` builds first and everything above receives. */
export interface Telemetry extends AsyncDisposable {
  readonly log: Logger;
  readonly tracer: Tracer;
}

/**
 * `write` receives finished log lines (`process.stderr.write` in `main`). Disposing flushes the
 * exporter; the log needs no flushing.
 */
export function createTelemetry(deps: {
  readonly clock: Clock;
  readonly random: Random;
  readonly logLevel: LogLevel;
  readonly write: (line: string) => void;
  readonly otlpEndpoint: string | undefined;
}): Telemetry {
  const log = createLogger({ clock: deps.clock, level: deps.logLevel, write: deps.write });
  const exporter =
    deps.otlpEndpoint === undefined
      ? undefined
      : createOtlpExporter({ endpoint: deps.otlpEndpoint, clock: deps.clock, log });
  const tracer = createTracer({
    clock: deps.clock,
    random: deps.random,
    ...(exporter && { forward: (span: FinishedSpan) => exporter.push(span) }),
  });
  return { log, tracer, [Symbol.asyncDispose]: async () => exporter?.[Symbol.asyncDispose]() };
}
