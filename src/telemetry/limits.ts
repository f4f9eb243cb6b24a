/** Traces kept for `skerry trace`; the oldest is forgotten first. */
export const tracesMax = 5_000;

/** Spans kept per trace; a runaway chain must not fill the memory. */
export const spansPerTraceMax = 1_000;

/** Spans of all traces together. */
export const spansMax = 100_000;

/** Spans waiting for the OTLP endpoint; beyond it the oldest are dropped and counted. */
export const exportQueueMax = 10_000;

/** Spans in one OTLP request (the collector's own default batch is 8,192). */
export const exportBatchMax = 512;

/** Milliseconds between OTLP requests. The OpenTelemetry SDK default is 5,000. */
export const exportIntervalMs = 1_000;

/** Milliseconds an OTLP request may take. OpenTelemetry's default is 10,000. */
export const exportTimeoutMs = 10_000;

/** Characters of one attribute value that are kept. */
export const attributeCharactersMax = 1_024;

/**
 * Traces recorded in any one second; of those beyond, one in `sampledOneIn`. The service records "the first
 * request each second, and five percent of any additional requests"
 * (https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html); a machine of one's own
 * can afford a larger reservoir, and at most 5,000 traces are kept anyway.
 */
export const sampledPerSecond = 100;
export const sampledOneIn = 20;
