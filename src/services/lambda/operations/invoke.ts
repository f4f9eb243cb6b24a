import {
  InvalidRequestContentException,
  RecursiveInvocationException,
  RequestTooLargeException,
  ServiceException,
  TooManyRequestsException,
} from "@aws-sdk/client-lambda";
import { isPlatformError } from "#base/errors.ts";
import { derive, type RequestContext } from "#base/context.ts";
import {
  type Invocation,
  type InvocationResult,
  RecursionError,
  type ThrottledError,
  throttleOf,
} from "#functions/invoker/invoker.ts";
import type { FunctionReference, ResolvedFunction } from "#functions/registry/registry.ts";
import type { Input, LambdaHandler, LambdaScope } from "../dependencies.ts";
import { conflict, functionNotFound, invalid, unsupported } from "../errors.ts";
import {
  asyncPayloadBytesMax,
  chainHopsMax,
  clientContextBytesMax,
  syncPayloadBytesMax,
} from "../limits.ts";
import { recursion } from "../records.ts";
import { functionArn, functionReference } from "../reference.ts";

/** Runs a function now, queues it, or only checks that it could be called. */
export function invoke(scope: LambdaScope): LambdaHandler<"Invoke"> {
  return async (input, context) => {
    const reference = functionReference(input.FunctionName, input.Qualifier, context);
    refuseUnsupported(input);
    const isEvent = input.InvocationType === "Event";
    const payload = eventOf(input.Payload, isEvent ? asyncPayloadBytesMax : syncPayloadBytesMax);
    const target = await resolveRunnable(scope, reference, context);
    if (input.InvocationType === "DryRun") return { StatusCode: 204 };
    const invocation: Invocation = {
      target,
      payload,
      context: await chainContext(scope, target, context),
      ...clientContextOf(input.ClientContext),
      tailLog: input.LogType === "Tail" && !isEvent,
    };
    if (isEvent) {
      await modelled(scope.invoker.enqueue(invocation));
      return { StatusCode: 202 };
    }
    return await answer(await modelled(scope.invoker.invoke(invocation)));
  };
}

async function answer(result: InvocationResult): Promise<{
  StatusCode: number;
  Payload: Uint8Array;
  ExecutedVersion: string;
  FunctionError?: string;
  LogResult?: string;
}> {
  const payload = await whole(result.payload);
  const { kind } = await result.outcome;
  const tail = await result.logTail;
  return {
    StatusCode: 200,
    Payload: payload,
    ExecutedVersion: result.executedVersion,
    ...(kind === "ok" ? {} : { FunctionError: "Unhandled" }),
    ...(tail ? { LogResult: Buffer.from(tail).toString("base64") } : {}),
  };
}

/** The invoker has already limited what a buffered answer may hold. */
export async function whole(payload: InvocationResult["payload"]): Promise<Uint8Array> {
  if (payload instanceof Uint8Array) return payload;
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  for await (const part of payload) {
    byteCount += part.byteLength;
    if (byteCount > syncPayloadBytesMax) break;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function refuseUnsupported(
  input: Pick<Input<"Invoke">, "DurableExecutionName" | "TenantId">,
): void {
  if (input.DurableExecutionName !== undefined) {
    throw unsupported("DurableExecutionName", "no durable executions");
  }
  if (input.TenantId !== undefined) throw unsupported("TenantId", "no tenant isolation mode");
}

const emptyEvent = Buffer.from("{}");

/**
 * The event as the function gets it: no payload is an empty object. Size first, then JSON, because the
 * service reads the payload before it looks for the function.
 */
export function eventOf(payload: Uint8Array | undefined, bytesMax: number): Uint8Array {
  if (payload === undefined || payload.byteLength === 0) return emptyEvent;
  if (payload.byteLength > bytesMax) {
    const message = `Request must be smaller than ${bytesMax} bytes for the InvokeFunction operation`;
    throw new RequestTooLargeException({ message, Type: "User", $metadata: {} });
  }
  try {
    JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `Could not parse request body into json: Could not parse payload into json: ${why}`;
    throw new InvalidRequestContentException({ message, Type: "User", $metadata: {} });
  }
  return payload;
}

/**
 * The revision to run. A function that is still being created is waited for, a bounded time; the
 * service would answer with the conflict at once, which nobody calls on purpose.
 */
export async function resolveRunnable(
  scope: LambdaScope,
  reference: FunctionReference,
  context: RequestContext,
): Promise<ResolvedFunction> {
  let target = await scope.registry.resolve(reference, context);
  if (target?.revision.state.state === "Pending") {
    await scope.preparation.settled(reference, context.signal);
    target = await scope.registry.resolve(reference, context);
  }
  if (!target) throw functionNotFound(functionArn(reference));
  const { state } = target.revision.state;
  if (state !== "Active") {
    throw conflict(
      `The operation cannot be performed at this time. The function is currently in the following state: ${state}`,
    );
  }
  return target;
}

/** A function that may call itself starts its chain anew; only asked for where it would be stopped. */
export async function chainContext(
  scope: LambdaScope,
  target: ResolvedFunction,
  context: RequestContext,
): Promise<RequestContext> {
  if (context.trace.hops < chainHopsMax) return context;
  const { revision } = target;
  const record = await scope.cache.get(`recursion/${revision.functionArn}`, async () => {
    const found = await scope.store.read((reader) => recursion.get(reader, revision));
    return found ?? { recursiveLoop: "Terminate" };
  });
  if (record?.recursiveLoop !== "Allow") return context;
  return derive(context, { trace: { ...context.trace, hops: 0 } });
}

/** Base64 of a JSON object on the wire, JSON to the function. */
export function clientContextOf(text: string | undefined): { clientContext?: string } {
  if (text === undefined) return {};
  const decoded = Buffer.from(text, "base64").toString("utf8");
  if (text.length > clientContextBytesMax) {
    throw invalid(
      `The client context must be at most ${clientContextBytesMax} bytes of base64-encoded data.`,
    );
  }
  try {
    JSON.parse(decoded);
  } catch {
    const message = "Could not parse client context into json: it must be base64-encoded JSON.";
    throw new InvalidRequestContentException({ message, Type: "User", $metadata: {} });
  }
  return { clientContext: decoded };
}

/** The engine's refusals as the API's exceptions. */
export async function modelled<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const throttle = throttleOf(error);
    if (throttle) throw throttled(throttle);
    if (error instanceof RecursionError) throw recursive();
    if (isPlatformError(error) && environmentTroubles.has(error.code))
      throw internal(error.message);
    throw error;
  }
}

/** The environment's failures that are not the function's: "an internal error", 500, which SDKs retry. */
const environmentTroubles: ReadonlySet<string> = new Set([
  "channel.broken",
  "sandbox.launcher-lost",
  "sandbox.not-thawed",
  "sandbox.start-failed",
]);

function internal(message: string): ServiceException {
  return new ServiceException({ message, Message: message, Type: "Service", $metadata: {} });
}

function throttled(error: ThrottledError): TooManyRequestsException {
  return new TooManyRequestsException({
    message: "Rate Exceeded.",
    Reason: error.reason,
    Type: "User",
    retryAfterSeconds: String(error.retryAfterSeconds),
    $metadata: {},
  });
}

function recursive(): RecursiveInvocationException {
  const message =
    "AWS Lambda has detected that this function is being invoked in a recursive loop and has " +
    "stopped this invocation.";
  return new RecursiveInvocationException({
    message,
    Message: message,
    Type: "User",
    $metadata: {},
  });
}
