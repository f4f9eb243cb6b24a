import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import { fields, findField, type Field, type Frame } from "./channel/frames.ts";
import { responseBytesMax } from "./limits.ts";
import type { FunctionErrorBody } from "./runtimes.ts";

/** A failure named by the platform itself: `{"errorType":…,"errorMessage":…}`. */
function functionError(errorType: string, errorMessage: string): FunctionErrorBody {
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }), "utf8");
  return { errorType, errorMessage, payload };
}

export function responseTooLarge(bytesMax: number = responseBytesMax): FunctionErrorBody {
  return functionError(
    "Function.ResponseSizeTooLarge",
    `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`,
  );
}

/**
 * What the caller sees when the runtime's process ended by itself, worded as by Lambda
 * (developer guide, "Troubleshoot execution issues": Runtime exited with error).
 */
export function exitError(requestId: string, exit: SandboxExit): FunctionErrorBody {
  return functionError("Runtime.ExitError", `RequestId: ${requestId} Error: ${exitReason(exit)}`);
}

function exitReason(exit: SandboxExit): string {
  if (exit.signal !== undefined) {
    return `Runtime exited with error: signal: ${signalTexts[exit.signal] ?? exit.signal}`;
  }
  if (exit.code === undefined || exit.code === 0)
    return "Runtime exited without providing a reason";
  return `Runtime exited with error: exit status ${exit.code}`;
}

/** As Go's syscall package words them, which Lambda's supervisor is written in. */
const signalTexts: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGILL: "illegal instruction",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

/** Reads the error a runtime posted over HTTP. Bytes that are no such JSON are passed on unread. */
export function postedError(payload: Buffer, header: string | undefined): FunctionErrorBody {
  const found = parseObject(payload);
  const text = (name: string): string | undefined => {
    const value = found?.[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    errorType: text("errorType") ?? header ?? "Function.Unknown",
    errorMessage: text("errorMessage") ?? "",
    payload,
  };
}

function parseObject(payload: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString("utf8"));
    // Any object will do: its fields are looked at one by one.
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The error a guest reports in a frame, as far as it says what it is. */
export function readError(found: readonly Field[], frame: Frame): FunctionErrorBody {
  return {
    errorType: findField(found, fields.errorType) ?? "Runtime.Unknown",
    errorMessage: findField(found, fields.errorMessage) ?? "",
    payload: frame.body,
  };
}
