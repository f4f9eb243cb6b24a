import { createHash } from "node:crypto";
import type { Revision } from "#functions/registry/registry.ts";
import type { InvocationReport } from "./pool.ts";

/**
 * What the platform tells of an environment as records, for logs in JSON and for the Telemetry API:
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 */
export function initStartRecord(revision: Revision): object {
  const version = runtimeVersion(revision);
  return {
    initializationType: revision.capacity ? "lambda-managed-instances" : "on-demand",
    phase: "init",
    runtimeVersion: version.name,
    runtimeVersionArn: version.arn,
    functionName: revision.name,
    functionVersion: revision.version,
  };
}

export interface InitReport {
  readonly initMs: number;
  readonly phase: "init" | "invoke";
  readonly status: "success" | "timeout" | "error";
  readonly errorType: string | undefined;
}

export function initReportRecord(report: InitReport): object {
  return { ...initRuntimeDoneRecord(report), metrics: { durationMs: rounded(report.initMs) } };
}

export function initRuntimeDoneRecord({ phase, status, errorType }: InitReport): object {
  return {
    initializationType: "on-demand",
    phase,
    status,
    ...(errorType !== undefined && { errorType }),
  };
}

export function reportRecord(report: InvocationReport): object {
  return {
    requestId: report.requestId,
    metrics: {
      durationMs: rounded(report.durationMs),
      billedDurationMs: report.billedMs,
      memorySizeMB: report.memoryMiB,
      maxMemoryUsedMB: report.memoryPeakMiB,
      ...(report.initMs !== undefined && { initDurationMs: rounded(report.initMs) }),
    },
    ...(report.traceId !== undefined && {
      tracing: { type: "X-Amzn-Trace-Id", value: `Root=${report.traceId};Sampled=1` },
    }),
    status: statusWord(report.status),
    ...(report.errorType !== undefined && { errorType: report.errorType }),
  };
}

export function runtimeDoneRecord(done: {
  readonly requestId: string;
  readonly status: InvocationReport["status"];
  readonly errorType: string | undefined;
  readonly durationMs: number;
  readonly producedBytes: number | undefined;
}): object {
  const { requestId, status, errorType, durationMs, producedBytes } = done;
  return {
    requestId,
    status: statusWord(status),
    ...(errorType !== undefined && { errorType }),
    metrics: {
      durationMs: rounded(durationMs),
      ...(producedBytes !== undefined && { producedBytes }),
    },
  };
}

/** As in `nodejs:24.v1`; the ARN is made of the name alone and says nothing more. */
export function runtimeVersion(revision: Revision): {
  readonly name: string;
  readonly arn: string;
} {
  const hash = createHash("sha256").update(`skerry ${revision.runtime}`).digest("hex");
  const name = revision.runtime.replace(/^([a-z]+)([\d.]+)(?:\.x)?$/, "$1:$2");
  return { name: `${name}.v1`, arn: `arn:aws:lambda:${revision.region}::runtime:${hash}` };
}

function statusWord(status: InvocationReport["status"]): string {
  return { ok: "success", error: "error", timeout: "timeout" }[status];
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
