import type { InvocationReport } from "#functions/pool/pool.ts";
import type { Invocation } from "./invoker.ts";
import type { Verdict } from "./verdict.ts";

/**
 * "Duration is rounded up to the nearest millisecond"; since August 2025 the init phase is billed too
 * (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
 */
export function reportOf(
  invocation: Invocation,
  verdict: Verdict,
  measured: Pick<InvocationReport, "durationMs" | "initMs" | "memoryPeakMiB">,
): InvocationReport {
  const { revision } = invocation.target;
  const { durationMs, initMs, memoryPeakMiB } = measured;
  return {
    requestId: invocation.context.requestId,
    durationMs,
    billedMs: Math.max(1, Math.ceil(durationMs + (initMs ?? 0))),
    memoryMiB: revision.memoryMiB,
    memoryPeakMiB,
    initMs,
    traceId: revision.tracingMode === "Active" ? invocation.context.trace.traceId : undefined,
    status: verdict.status,
    errorType: verdict.errorType,
  };
}
