import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import { exportBatchMax, exportIntervalMs, exportQueueMax, exportTimeoutMs } from "./limits.ts";
import type { FinishedSpan } from "./telemetry.ts";

export interface SpanExporter extends AsyncDisposable {
  /** Queues a span; never blocks. Beyond the queue's maximum the oldest is dropped and counted. */
  push(span: FinishedSpan): void;
}

/**
 * Sends spans to an OpenTelemetry collector as OTLP/HTTP with JSON bodies, in batches.
 * `endpoint` is the base address (`http://localhost:4318`); `/v1/traces` is appended, as the
 * specification asks: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
 * A batch that fails is dropped and reported; spans are observations, not state.
 * Disposing sends what is queued, once.
 */
export function createOtlpExporter(deps: {
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log: Logger;
}): SpanExporter {
  const url = `${deps.endpoint.replace(/\/+$/, "")}/v1/traces`;
  const queue: FinishedSpan[] = [];
  let dropped = 0;
  let timer: Disposable | undefined;

  const send = async (): Promise<void> => {
    timer = undefined;
    const batch = queue.splice(0, exportBatchMax);
    if (batch.length === 0) return;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(toOtlp(batch)),
        signal: AbortSignal.timeout(exportTimeoutMs),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
    } catch (error) {
      deps.log.event("traces.export-failed", { level: "warn", spans: batch.length, error });
    }
    if (dropped > 0) deps.log.event("traces.dropped", { level: "warn", spans: dropped });
    dropped = 0;
    schedule();
  };
  const schedule = (): void => {
    if (timer === undefined && queue.length > 0) {
      timer = deps.clock.timer(exportIntervalMs, () => void send());
    }
  };
  return {
    push(span) {
      queue.push(span);
      if (queue.length > exportQueueMax) {
        queue.shift();
        dropped++;
      }
      schedule();
    },
    async [Symbol.asyncDispose]() {
      timer?.[Symbol.dispose]();
      while (queue.length > 0) await send();
      timer?.[Symbol.dispose]();
    },
  };
}

/** The JSON form of an ExportTraceServiceRequest; ids are hexadecimal, times are strings of nanoseconds. */
function toOtlp(spans: readonly FinishedSpan[]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: [attribute("service.name", "skerry")] },
        scopeSpans: [{ scope: { name: "skerry" }, spans: spans.map(toOtlpSpan) }],
      },
    ],
  };
}

function toOtlpSpan(span: FinishedSpan): object {
  return {
    traceId: span.traceId.slice(2).replace("-", ""),
    spanId: span.spanId,
    ...(span.parentId !== undefined && { parentSpanId: span.parentId }),
    name: span.name,
    kind: 1,
    startTimeUnixNano: nanoseconds(span.startMs),
    endTimeUnixNano: nanoseconds(span.endMs),
    attributes: Object.entries(span.attributes).map(([key, value]) => attribute(key, value)),
    status: span.error === undefined ? { code: 1 } : { code: 2, message: span.error },
  };
}

function attribute(key: string, value: string | number | boolean): object {
  if (typeof value === "boolean") return { key, value: { boolValue: value } };
  if (typeof value === "string") return { key, value: { stringValue: value } };
  return Number.isSafeInteger(value)
    ? { key, value: { intValue: String(value) } }
    : { key, value: { doubleValue: value } };
}

/** Epoch milliseconds do not fit a double once they are nanoseconds; microseconds do. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
