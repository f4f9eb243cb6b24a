import type { Clock } from "#base/clock.ts";
import type { Logger, Principal, RequestContext, TraceContext } from "#base/context.ts";
import { isPlatformError } from "#base/errors.ts";
import type { Soon } from "#base/soon.ts";
import type { Invocation, InvocationResult, Invoker, Payload } from "#functions/invoker/invoker.ts";
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
export function serveFunctionUrl(deps: FunctionUrlDeps, visit: Visit): Soon<Answer> {
  const preflight = answerPreflight(visit.incoming.request, visit.url.cors);
  return preflight ?? serve(deps, visit);
}

async function serve(deps: FunctionUrlDeps, visit: Visit): Promise<Answer> {
  const { facts, url } = visit;
  const span = deps.telemetry.tracer.span(facts.trace, "lambda.FunctionUrl");
  if (span.isRecorded) span.set({ requestId: facts.requestId, function: url.target.name });
  let answer: Answer;
  try {
    const admitted = admit(deps, visit);
    const caller = admitted instanceof Promise ? await admitted : admitted;
    const { request } = caller ?? visit.incoming;
    const body = visit.incoming.hasBody ? await readBounded(request.body, tooLarge) : nothing;
    const found = deps.resolver.resolve(url.target, url.target);
    const target = found instanceof Promise ? await found : found;
    if (!target) throw new Refused(gone);
    const call = { target, request, body, caller, trace: span.context };
    const result = await deps.invoker.invoke(invocationOf(deps, visit, call));
    const shown = url.invokeMode === "RESPONSE_STREAM" ? stream(result) : whole(deps, result);
    answer = shown instanceof Promise ? await shown : shown;
  } catch (error) {
    answer = failureAnswer(error);
    if (answer.status >= 500) tellFailure(deps, facts, error);
  }
  if (span.isRecorded) span.set({ status: answer.status });
  if (answer.status >= 500) span.fail(`Http${answer.status}`);
  span.end();
  return url.cors ? applyCors(answer, visit.incoming.request, url.cors) : answer;
}

function tellFailure({ telemetry }: FunctionUrlDeps, facts: Facts, error: unknown): void {
  telemetry.log.event("function-url.failed", {
    // Nobody is left to be answered: the caller's decision, not a degradation.
    level: facts.isHungUp ? "debug" : "warn",
    error,
    requestId: facts.requestId,
  });
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

/** All that is needed to invoke. */
interface Call {
  readonly target: ResolvedFunction;
  readonly request: WireRequest;
  readonly body: Uint8Array;
  readonly caller: Caller | undefined;
  readonly trace: TraceContext;
}

/** Errors: `Refused` when it is too large. */
function invocationOf(deps: FunctionUrlDeps, visit: Visit, call: Call): Invocation {
  const { request, body, caller, trace, target } = call;
  const { incoming, facts, url } = visit;
  const nowMs = deps.clock.nowMs();
  const payload = deps.events.write({
    request,
    rawPath: visit.rawPath,
    body,
    urlId: visit.urlId,
    hostEntry: incoming.hostEntry,
    sourceIp: incoming.remoteAddress,
    requestId: facts.requestId,
    nowMs,
    time: deps.time.format(nowMs),
    traceId: trace.traceId,
    caller,
  });
  if (payload.byteLength > functionUrlBytesMax) throw new Refused(tooLarge);
  const context = new UrlContext(visit, deps.telemetry.log, {
    trace,
    principal: caller?.principal ?? anonymous(url.target.accountId),
    deadlineMs: nowMs + invocationDeadlineMs,
  });
  return url.invokeMode === "RESPONSE_STREAM"
    ? { target, payload, context, streaming: true }
    : { target, payload, context, wantsHttp: true };
}

function anonymous(accountId: string): Principal {
  return { arn: "anonymous", accountId };
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

  constructor(
    visit: Visit,
    log: Logger,
    own: Pick<RequestContext, "trace" | "principal" | "deadlineMs">,
  ) {
    this.#facts = visit.facts;
    this.requestId = visit.facts.requestId;
    this.principal = own.principal;
    this.region = visit.region;
    this.deadlineMs = own.deadlineMs;
    this.trace = own.trace;
    this.endpoint = visit.incoming.endpoint;
    this.log = log;
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

const gone = jsonAnswer(404, { Message: "The function of this URL no longer exists." });

/** Who signed; the request is the one whose body is checked against the signature. */
interface Caller {
  readonly request: WireRequest;
  readonly principal: Principal;
  readonly accessKeyId: string;
}

/** Undefined where anybody may call. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html */
function admit({ authenticator }: FunctionUrlDeps, visit: Visit): Soon<Caller | undefined> {
  const { url } = visit;
  if (url.authType !== "NONE") return authenticate(authenticator, visit);
  if (!url.publicAllowed && authenticator.mode !== "open") throw new Refused(forbidden);
  return undefined;
}

async function authenticate(authenticator: Authenticator, visit: Visit): Promise<Caller> {
  try {
    const authentication = await authenticator.authenticate(visit.incoming.request, {
      signingName: "lambda",
      region: visit.region,
      dialect: "rest-json",
      unsigned: "refuse",
    });
    const { request, principal, accessKeyId = "" } = authentication;
    return { request, principal, accessKeyId };
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

function whole({ heads }: FunctionUrlDeps, result: InvocationResult): Soon<Answer> {
  return result.http ? (heads.answer(result.http) ?? internalError) : wholePayload(result);
}

async function wholePayload({ payload, outcome }: InvocationResult): Promise<Answer> {
  const bytes = payload instanceof Uint8Array ? payload : await readBounded(payload, internalError);
  if ((await outcome).kind !== "ok") return internalError;
  return toFunctionUrlAnswer(bytes) ?? internalError;
}

async function stream(result: InvocationResult): Promise<Answer> {
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
