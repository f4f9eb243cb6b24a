import { unreachable } from "#base/assert.ts";
import { describeExit, errorBody, type InitFailed } from "#functions/pool/pool.ts";
import type { FunctionErrorBody } from "#functions/runtimes/runtimes.ts";
import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import { responseBytesMax } from "./limits.ts";
import type { Outcome } from "./invoker.ts";

/** How an invocation ended: for the caller (`error`), for the log and the bill (`status`, `errorType`). */
export interface Verdict {
  readonly kind: Outcome["kind"];
  readonly status: "ok" | "error" | "timeout";
  /** What the REPORT line names; it can differ from what the caller reads. */
  readonly errorType: string | undefined;
  readonly error: FunctionErrorBody | undefined;
  readonly exitCode: number | undefined;
}

export const ok: Verdict = {
  kind: "ok",
  status: "ok",
  errorType: undefined,
  error: undefined,
  exitCode: undefined,
};

export function functionError(error: FunctionErrorBody): Verdict {
  const { errorType } = error;
  return { kind: "function-error", status: "error", errorType, error, exitCode: undefined };
}

/** `Task timed out after 3.00 seconds`, with the error type `Sandbox.Timedout` (Lambda troubleshooting guide). */
export function timedOut(requestId: string, timeoutMs: number): Verdict {
  const after = (timeoutMs / 1000).toFixed(2);
  const message = `RequestId: ${requestId} Error: Task timed out after ${after} seconds`;
  return {
    kind: "timeout",
    status: "timeout",
    errorType: "Sandbox.Timedout",
    error: errorBody("Sandbox.Timedout", message),
    exitCode: undefined,
  };
}

/**
 * The caller reads `Runtime.ExitError` even when memory ran out; the REPORT line then says
 * `Runtime.OutOfMemory`. That is how the service answers (payload and REPORT of one invocation compared
 * in public bug reports of 2025 and 2026).
 */
export function exited(requestId: string, exit: SandboxExit): Verdict {
  const isOutOfMemory = exit.cause === "out-of-memory";
  return {
    kind: isOutOfMemory ? "out-of-memory" : "crash",
    status: "error",
    errorType: isOutOfMemory ? "Runtime.OutOfMemory" : "Runtime.ExitError",
    error: errorBody("Runtime.ExitError", `RequestId: ${requestId} Error: ${describeExit(exit)}`),
    exitCode: exit.code,
  };
}

export function responseTooLarge(bytesMax: number = responseBytesMax): Verdict {
  const message = `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`;
  return functionError(errorBody("Function.ResponseSizeTooLarge", message));
}

export function initFailed(requestId: string, failure: InitFailed): Verdict {
  const { error, cause } = failure;
  if (cause === "reported") return functionError(error);
  const named = errorBody(error.errorType, `RequestId: ${requestId} ${error.errorMessage}`);
  const common = { error: named, errorType: error.errorType, exitCode: undefined };
  return cause === "timeout"
    ? { kind: "timeout", status: "timeout", ...common }
    : { kind: "crash", status: "error", ...common };
}

export function outcomeOf(verdict: Verdict, durationMs: number): Outcome {
  switch (verdict.kind) {
    case "function-error":
      return { kind: verdict.kind, errorType: verdict.errorType ?? "Error", durationMs };
    case "crash":
      return { kind: verdict.kind, exitCode: verdict.exitCode, durationMs };
    case "ok":
    case "timeout":
    case "out-of-memory":
      return { kind: verdict.kind, durationMs };
    default:
      return unreachable(verdict.kind);
  }
}
