import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import type { FunctionErrorBody } from "../runtimes.ts";
import type { ProcessEnd } from "./supervisor.ts";

/** As Lambda words it: the request in front of what happened. */
export function nameRequest(error: FunctionErrorBody, requestId: string): FunctionErrorBody {
  const { errorType } = error;
  const errorMessage = `RequestId: ${requestId} ${error.errorMessage}`;
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }), "utf8");
  return { errorType, errorMessage, payload };
}

/** The end of the runtime where our supervisor outlives it. */
export function endOfProcess(end: ProcessEnd): SandboxExit {
  return { code: end.code, signal: end.signal, cause: "exit" };
}
