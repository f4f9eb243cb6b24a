import type { Clock } from "#base/clock.ts";
import type { Logger, Principal, RequestContext, TraceContext } from "#base/context.ts";
import { isPlatformError } from "#base/errors.ts";
import type { Invoker, InvocationResult, Payload } from "#functions/invoker/invoker.ts";
import { RecursionError, throttleOf } from "#functions/invoker/invoker.ts";
import type { FunctionResolver, ResolvedFunction } from "#functions/registry/registry.ts";
import { AuthenticationError } from "#protocol/auth/auth.ts";
import type { Authenticator } from "#protocol/auth/auth.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Telemetry } from "#telemetry/telemetry.ts";
import type { Answer } from "./answer.ts";
import { jsonAnswer } from "./answer.ts";
import { answerPreflight, applyCors } from "./cors.ts";
import { readResponseHead, toFunctionUrlAnswer } from "./function-url.ts";
import type { FunctionUrlEvents, RequestTime } from "./function-url-event.ts";
import type { FunctionUrl } from "./gateway.ts";
import type { Incoming } from "./incoming.ts";
import { functionUrlBytesMax, invocationDeadlineMs } from "./limits.ts";
import { preludeContentType, readPrelude } from "./prelude.ts";
import type { Facts } from "./routing.ts";
import type { ResponseHeads } from "./response-heads.ts";

/** One request to a function URL, found and believed as far as HTTP goes. */
export interface Visit {
  readonly url: FunctionUrl;
  readonly urlId: string;
  readonly region: string;
  /** Without the prefix of the path form. */
  readonly rawPath: string;
  readonly incoming: Incoming;
  readonly endpoint: string;
  readonly facts: Facts;
}

export interface FunctionUrlDeps {
  readonly resolver: FunctionResolver;
  readonly invoker: Pick<Invoker, "invoke">;
  readonly authenticator: Authenticator;
  readonly heads: ResponseHeads;
  readonly time: RequestTime;
  readonly events: FunctionUrlEvents;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "log" | "tracer">;
}

/** The data plane of function URLs: CORS, who may, the invocation, its outcome as HTTP. Never rejects. */
export async function serveFunctionUrl(deps: FunctionUrlDeps, visit: Visit): Promise<Answer> {
  const { request } = visit.incoming;
  const preflight = answerPreflight(request, visit.url.cors);
  if (preflight) return preflight;
  const { target } = visit.url;
  using span = deps.telemetry.tracer.span(visit.facts.trace, "lambda.FunctionUrl", {
    requestId: visit.facts.requestId,
    function: target.name,
  });
  let answer: Answer;
  try {
    answer = await run(deps, visit, span.context);
  } catch (error) {
    answer = failureAnswer(error);
    if (answer.status >= 500) {
      deps.telemetry.log.event("function-url.failed", {
        // Nobody is left to be answered: the caller's decision, not a degradation.
        level: visit.facts.isHungUp ? "debug" : "warn",
        error,
        requestId: visit.facts.requestId,
      });
    }
  }
  span.set({ status: answer.status });
  if (answer.status >= 500) span.fail(`Http${answer.status}`);
  return applyCors(answer, request, visit.url.cors);
}

class Refused extends Error {
  override readonly name = "Refused";
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

const internalError = jsonAnswer(502, { Message: "Internal Server Error" });
const forbidden = jsonAnswer(
  403,
  { Message: "Forbidden" },
  { "x-amzn-errortype": "AccessDeniedException" },
);

function failureAnswer(error: unknown): Answer {
  if (error instanceof Refused) return error.answer;
  const throttle = throttleOf(error);
  if (throttle) {
    return jsonAnswer(
      429,
      { Reason: throttle.reason, Type: "User", message: throttle.message },
      {
        "retry-after": String(throttle.retryAfterSeconds),
        "x-amzn-errortype": "TooManyRequestsException",
      },
    );
  }
  if (error instanceof RecursionError) {
    return jsonAnswer(
      400,
      { Type: "User", Message: error.message },
      { "x-amzn-errortype": "RecursiveInvocationException" },
    );
  }
  if (isPlatformError(error) && passing.has(error.code)) return overloaded;
  return internalError;
}

/** The platform's own troubles that are over in a second. */
const passing: ReadonlySet<string> = new Set([
  "queue.full",
  "sandbox.launcher-lost",
  "sandbox.not-thawed",
  "sandbox.start-failed",
]);

/** Our own bounds are reached; the service has no such answer, its fleet grows. */
const overloaded = jsonAnswer(503, { Message: "Service Unavailable" }, { "retry-after": "1" });

async function run(deps: FunctionUrlDeps, visit: Visit, trace: TraceContext): Promise<Answer> {
  const { request, caller } = await admit(deps, visit);
  const body = visit.incoming.hasBody ? await readBounded(request.body, tooLarge) : nothing;
  const { target } = visit.url;
  const resolved = await deps.resolver.resolve(target, { region: target.region });
  if (!resolved) return jsonAnswer(404, { Message: "The function of this URL no longer exists." });
  const { incoming } = visit;
  const nowMs = deps.clock.nowMs();
  const event = deps.events.write({
    request,
    rawPath: visit.rawPath,
    body,
    urlId: visit.urlId,
    domainName: incoming.hostEntry.name,
    port: incoming.hostEntry.port || "80",
    sourceIp: incoming.remoteAddress,
    requestId: visit.facts.requestId,
    nowMs,
    time: deps.time.format(nowMs),
    traceId: trace.traceId,
    caller,
  });
  const payload = Buffer.from(event);
  if (payload.byteLength > functionUrlBytesMax) return tooLarge;
  const { accountId } = target;
  const principal = caller?.principal ?? { arn: "anonymous", accountId };
  const deadlineMs = nowMs + invocationDeadlineMs;
  const context = new UrlContext({ deps, visit, trace, principal, deadlineMs });
  return visit.url.invokeMode === "RESPONSE_STREAM"
    ? stream(deps, resolved, { payload, context })
    : buffer(deps, resolved, { payload, context });
}

/**
 * A class for its getter: an object literal with one gets a hidden class of its own each time it is made, which
 * lives in the old generation and keeps alive whatever the getter can reach: here the whole request, until
 * the next full collection.
 */
class UrlContext implements RequestContext {
  readonly requestId: string;
  readonly principal: Principal;
  readonly region: string;
  readonly deadlineMs: number;
  readonly trace: TraceContext;
  readonly endpoint: string;
  readonly log: Logger;
  readonly #facts: Visit["facts"];

  constructor(made: {
    readonly deps: FunctionUrlDeps;
    readonly visit: Visit;
    readonly trace: TraceContext;
    readonly principal: Principal;
    readonly deadlineMs: number;
  }) {
    const { visit } = made;
    this.#facts = visit.facts;
    this.requestId = visit.facts.requestId;
    this.principal = made.principal;
    this.region = visit.region;
    this.deadlineMs = made.deadlineMs;
    this.trace = made.trace;
    this.endpoint = visit.endpoint;
    this.log = made.deps.telemetry.log;
  }

  get signal(): AbortSignal {
    return this.#facts.signal;
  }
}

const nothing = new Uint8Array();

const tooLarge = jsonAnswer(
  413,
  {
    Type: "User",
    message: `Request must be smaller than ${functionUrlBytesMax} bytes for the InvokeFunction operation`,
  },
  { "x-amzn-errortype": "RequestTooLargeException" },
);

interface Admitted {
  readonly request: WireRequest;
  readonly caller: { readonly principal: Principal; readonly accessKeyId: string } | undefined;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html */
async function admit(deps: FunctionUrlDeps, visit: Visit): Promise<Admitted> {
  const { request } = visit.incoming;
  if (visit.url.authType === "NONE") {
    const isPublic = visit.url.publicAllowed || deps.authenticator.mode === "open";
    if (!isPublic) throw new Refused(forbidden);
    return { request, caller: undefined };
  }
  try {
    const authentication = await deps.authenticator.authenticate(request, {
      signingName: "lambda",
      region: visit.region,
      dialect: "rest-json",
      unsigned: "refuse",
    });
    const { principal, accessKeyId = "" } = authentication;
    return { request: authentication.request, caller: { principal, accessKeyId } };
  } catch (error) {
    throw refusedBy(error);
  }
}

/** Unsigned requests get one word, badly signed ones the signature's own message. */
function refusedBy(error: unknown): unknown {
  if (!(error instanceof AuthenticationError)) return error;
  if (error.code === "MissingAuthenticationTokenException") return new Refused(forbidden);
  return new Refused(
    jsonAnswer(error.status, { Message: error.message }, { "x-amzn-errortype": error.code }),
  );
}

async function readBounded(body: AsyncIterable<Uint8Array>, over: Answer): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const piece of body) {
      byteCount += piece.byteLength;
      if (byteCount > functionUrlBytesMax) throw new Refused(over);
      pieces.push(piece);
    }
  } catch (error) {
    // All bodies that are still arriving have one bound; this one would go beyond it.
    throw isPlatformError(error, "queue.full") ? new Refused(overloaded) : refusedBy(error);
  }
  return Buffer.concat(pieces, byteCount);
}

interface Asked {
  readonly payload: Uint8Array;
  readonly context: RequestContext;
}

async function buffer(
  deps: FunctionUrlDeps,
  target: ResolvedFunction,
  asked: Asked,
): Promise<Answer> {
  const result = await deps.invoker.invoke({ target, ...asked, wantsHttp: true });
  if (result.http) return deps.heads.answer(result.http) ?? internalError;
  const payload =
    result.payload instanceof Uint8Array
      ? result.payload
      : await readBounded(result.payload, internalError);
  const outcome = await result.outcome;
  if (outcome.kind !== "ok") return internalError;
  return toFunctionUrlAnswer(payload) ?? internalError;
}

async function stream(
  deps: FunctionUrlDeps,
  target: ResolvedFunction,
  asked: Asked,
): Promise<Answer> {
  const result = await deps.invoker.invoke({ target, ...asked, streaming: true });
  const iterator = toStream(result.payload)[Symbol.asyncIterator]();
  let isHandedOn = false;
  try {
    const begun = await beginStream(result, iterator);
    if (!begun) return internalError;
    isHandedOn = true;
    return { ...begun.head, body: continueStream(begun.first, iterator, result) };
  } finally {
    if (!isHandedOn) await iterator.return?.();
  }
}

/** Waits for the head, or the first bytes: until then a failure can still be told by the status. */
async function beginStream(
  result: InvocationResult,
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ head: Omit<Answer, "body">; first: Uint8Array } | undefined> {
  if (result.contentType === preludeContentType) {
    const prelude = await readPrelude(iterator);
    const head = prelude && readResponseHead(prelude.head, "application/octet-stream");
    return head && { head, first: prelude.rest };
  }
  const first = await iterator.next();
  if (first.done && (await result.outcome).kind !== "ok") return undefined;
  const fallback =
    result.payload instanceof Uint8Array ? "application/json" : "application/octet-stream";
  const head = { status: 200, headers: { "content-type": result.contentType ?? fallback } };
  return { head, first: first.done ? new Uint8Array() : first.value };
}

/** The rest of a body; ends in an error when the function failed, so that the client sees a cut. */
function continueStream(
  first: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
  result: InvocationResult,
): AsyncIterable<Uint8Array> {
  let held = first.byteLength > 0 ? first : undefined;
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        if (held) {
          const value = held;
          held = undefined;
          return { done: false, value };
        }
        const next = await iterator.next();
        if (!next.done) return next;
        const outcome = await result.outcome;
        if (outcome.kind !== "ok") throw new Error(`the function ended with ${outcome.kind}`);
        return { done: true, value: undefined };
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* toStream(payload: Payload): AsyncGenerator<Uint8Array, void, undefined> {
  if (payload instanceof Uint8Array) yield payload;
  else yield* payload;
}
