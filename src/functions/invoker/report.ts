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
  times: { readonly durationMs: number; readonly initMs: number | undefined },
): Omit<InvocationReport, "memoryPeakMiB"> {
  const { revision } = invocation.target;
  return {
    requestId: invocation.context.requestId,
    durationMs: times.durationMs,
    billedMs: Math.max(1, Math.ceil(times.durationMs + (times.initMs ?? 0))),
    memoryMiB: revision.memoryMiB,
    initMs: times.initMs,
    traceId: revision.tracingMode === "Active" ? invocation.context.trace.traceId : undefined,
    status: verdict.status,
    errorType: verdict.errorType,
  };
}
