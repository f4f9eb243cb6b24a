import type { InvokeWithResponseStreamResponseEvent } from "@aws-sdk/client-lambda";
import type { InvocationResult, Outcome } from "#functions/invoker/invoker.ts";
import type { LambdaHandler, LambdaScope } from "../dependencies.ts";
import { unsupported } from "../errors.ts";
import { syncPayloadBytesMax } from "../limits.ts";
import { functionReference } from "../reference.ts";
import { chainContext, eventOf, clientContextOf, modelled, resolveRunnable } from "./invoke.ts";

/** Runs a function and hands its answer on as it comes: chunks, then one event that says how it ended. */
export function invokeWithResponseStream(
  scope: LambdaScope,
): LambdaHandler<"InvokeWithResponseStream"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, input.Qualifier, context);
    if (input.TenantId !== undefined) throw unsupported("TenantId", "no tenant isolation mode");
    const payload = eventOf(input.Payload, syncPayloadBytesMax);
    const target = await resolveRunnable(scope, reference, context);
    if (input.InvocationType === "DryRun") return { StatusCode: 204 };
    const result = await modelled(
      scope.invoker.invoke({
        target,
        payload,
        context: await chainContext(scope, target, context),
        ...clientContextOf(input.ClientContext),
        tailLog: input.LogType === "Tail",
        streaming: true,
      }),
    );
    return {
      StatusCode: 200,
      ExecutedVersion: result.executedVersion,
      EventStream: events(result),
    };
  };
}

async function* events(
  result: InvocationResult,
): AsyncGenerator<InvokeWithResponseStreamResponseEvent> {
  let errorBody: string | undefined;
  if (result.payload instanceof Uint8Array) {
    const { kind } = await result.outcome;
    if (kind === "ok") yield chunk(result.payload);
    else errorBody = Buffer.from(result.payload).toString("utf8");
  } else {
    yield* untilItEnds(result.payload, result.outcome);
  }
  const outcome = await result.outcome;
  const tail = await result.logTail;
  yield {
    InvokeComplete: {
      ...(outcome.kind === "ok"
        ? {}
        : { ErrorCode: "Unhandled", ErrorDetails: errorBody ?? detailsOf(outcome) }),
      ...(tail ? { LogResult: Buffer.from(tail).toString("base64") } : {}),
    },
  };
}

/** The stream of a function that failed breaks off: here it only ends, the event after it says why. */
async function* untilItEnds(
  payload: AsyncIterable<Uint8Array>,
  outcome: Promise<Outcome>,
): AsyncGenerator<InvokeWithResponseStreamResponseEvent> {
  try {
    for await (const part of payload) yield chunk(part);
  } catch (error) {
    const { kind } = await outcome;
    if (kind === "ok") throw error;
  }
}

function chunk(payload: Uint8Array): InvokeWithResponseStreamResponseEvent {
  return { PayloadChunk: { Payload: payload } };
}

/** A failure after the first bytes has no body of its own; its kind is all there is to tell. */
function detailsOf(outcome: Exclude<Outcome, { kind: "ok" }>): string {
  const errorType =
    outcome.kind === "function-error" ? outcome.errorType : errorTypes[outcome.kind];
  return JSON.stringify({ errorType });
}

const errorTypes = {
  timeout: "Sandbox.Timedout",
  "out-of-memory": "Runtime.OutOfMemory",
  crash: "Runtime.ExitError",
} as const;
