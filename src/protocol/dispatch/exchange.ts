import { assert } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger, Principal, RequestContext, TraceContext } from "#base/context.ts";
import { isPlatformError } from "#base/errors.ts";
import type { Authentication, Authenticator, Authorizer } from "#protocol/auth/auth.ts";
import type { Arrival } from "#protocol/protocol.ts";
import type { Operation, Service } from "#protocol/service/service.ts";
import { chooseProtocol, explainMiss, toMatchable, toWireError } from "#protocol/wire/wire.ts";
import type {
  MatchableRequest,
  OperationMatch,
  WireError,
  WireProtocol,
  WireRequest,
  WireResponse,
} from "#protocol/wire/wire.ts";
import type { Span, Telemetry } from "#telemetry/telemetry.ts";
import { LazyDeadline, whenRead } from "./deadline.ts";
import { absentServiceError, accessDenied, refusalDialect } from "./failure.ts";
import { requestTimeoutMs } from "./limits.ts";

export interface ExchangeDeps {
  readonly authenticator: Authenticator;
  readonly authorizer?: Authorizer;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, "log" | "tracer">;
  readonly defaultRegion: string;
}

/** What a request was found to be for. */
export interface Found {
  /** Folder name, or what an absent service was called. */
  readonly name: string;
  readonly service: Service;
  readonly hostRegion: string | undefined;
  /** What the host says of the resource; stands for the first segment of the path. */
  readonly resource: string | undefined;
  /** Names of the services there are, when this one is not among them. */
  readonly absentAmong: readonly string[] | undefined;
  readonly request: WireRequest;
}

/**
 * One request from bytes to bytes. Never rejects: every failure is written by the protocol the caller
 * speaks. The span and the log event end with the answer's last byte.
 */
export async function runExchange(
  deps: ExchangeDeps,
  arrival: Arrival,
  found: Found,
): Promise<WireResponse> {
  const protocol = chooseProtocol(found.request, found.service);
  const exchange = openExchange(deps, arrival, found);
  let match: OperationMatch | undefined;
  let request: MatchableRequest | undefined;
  try {
    request = await toMatchable(found.request);
    match = protocol.match(addressed(request, found), found.service);
    exchange.start(match?.operationName);
    const { output, operation, context } = await perform({ deps, arrival, found }, exchange, {
      protocol,
      request,
      match,
    });
    const response = protocol.encode(output, operation, context);
    exchange.mark("encodeMs");
    return exchange.finish(response, undefined, undefined);
  } catch (error) {
    exchange.start(match?.operationName);
    const wireError = await asWireError(error, { protocol, request, match, found });
    const response = protocol.encodeError(wireError, match?.operation, found.service, arrival);
    return exchange.finish(response, wireError, error);
  }
}

/** The request as it would be without host names for resources; what was signed is the one that was sent. */
function addressed(request: MatchableRequest, { resource }: Found): MatchableRequest {
  return resource === undefined ? request : { ...request, path: `/${resource}${request.path}` };
}

interface Parts {
  readonly deps: ExchangeDeps;
  readonly arrival: Arrival;
  readonly found: Found;
}

interface Matched {
  readonly protocol: WireProtocol;
  readonly request: MatchableRequest;
  readonly match: OperationMatch | undefined;
}

/** Stands for "no row of the table"; what to say about it is asked of the model afterwards. */
class NoSuchOperation extends Error {
  override readonly name = "NoSuchOperation";
}

async function perform(
  { deps, arrival, found }: Parts,
  exchange: Exchange,
  { protocol, request, match }: Matched,
): Promise<{ output: object; operation: Operation; context: RequestContext }> {
  const { signingName } = found.service.description;
  if (found.absentAmong) throw new NoSuchOperation();
  const dialect = refusalDialect(protocol.id, signingName);
  const authentication = await deps.authenticator.authenticate(request, {
    signingName,
    region: found.hostRegion,
    dialect,
    unsigned: arrival.fromGuest ? "refuse" : "mode",
  });
  exchange.mark("authMs");
  const operation = match?.operation;
  if (!match || !operation) throw new NoSuchOperation();
  // A form has been read already, but the end of the verified body is where a wrong hash shows.
  if (request.form) for await (const _ of authentication.request.body);
  const input = await protocol.decode({ ...authentication.request, form: request.form }, match);
  exchange.mark("decodeMs");
  const region = authentication.region ?? found.hostRegion ?? deps.defaultRegion;
  const context = exchange.context(authentication, region);
  const action = `${signingName}:${operation.name}`;
  const verdict = await deps.authorizer?.authorize({ action, resource: "*" }, context);
  if (verdict?.allowed === false) {
    throw accessDenied(dialect, {
      principalArn: context.principal.arn,
      action,
      reason: verdict.reason,
    });
  }
  const output = await operation.handle(input, context);
  exchange.mark("handleMs");
  return { output, operation, context };
}

async function asWireError(
  error: unknown,
  at: {
    readonly protocol: WireProtocol;
    readonly request: MatchableRequest | undefined;
    readonly match: OperationMatch | undefined;
    readonly found: Found;
  },
): Promise<WireError> {
  if (!(error instanceof NoSuchOperation)) return toWireError(error);
  const { service, name, absentAmong } = at.found;
  if (absentAmong) return absentServiceError(name, absentAmong);
  assert(at.request, "an operation is looked for in a request that was read");
  try {
    return await explainMiss(at.protocol, addressed(at.request, at.found), {
      service,
      match: at.match,
    });
  } catch (failure) {
    return toWireError(failure);
  }
}

type Stage = "authMs" | "decodeMs" | "handleMs" | "encodeMs";

/** Time, trace and log of one request. */
interface Exchange {
  /** Opens the span; later calls do nothing. */
  start(operationName: string | undefined): void;
  /** The time since the last mark belongs to `stage`. */
  mark(stage: Stage): void;
  context(authentication: Authentication, region: string): RequestContext;
  finish(response: WireResponse, failure: WireError | undefined, cause: unknown): WireResponse;
}

function openExchange(deps: ExchangeDeps, arrival: Arrival, found: Found): Exchange {
  const { clock, telemetry } = deps;
  const startMs = clock.monotonicMs();
  const stages: Partial<Record<Stage, number>> = {};
  let markMs = startMs;
  let span: Span | undefined;
  let operationName = "Unknown";
  let deadline: LazyDeadline | undefined;
  let caller: { readonly accountId: string; readonly region: string } | undefined;

  function end(status: number, failure: WireError | undefined, cause: unknown): void {
    deadline?.[Symbol.dispose]();
    span?.set({ ...stages, status, requestId: arrival.requestId, ...caller });
    if (failure) span?.fail(failure.name);
    else if (cause !== undefined) span?.fail("StreamFailed");
    span?.end();
    telemetry.log.event("aws.request", {
      ...levelOf(failure, cause),
      service: found.name,
      operation: operationName,
      status,
      ...(failure && { code: failure.name }),
      durationMs: round(clock.monotonicMs() - startMs),
      requestId: arrival.requestId,
      traceId: arrival.trace.traceId,
      ...caller,
      ...(arrival.fromGuest && { fromGuest: true }),
    });
  }

  return {
    start(name) {
      if (span) return;
      if (name !== undefined) operationName = name.replaceAll(/[^\w.-]/g, "?").slice(0, 128);
      span = telemetry.tracer.span(arrival.trace, `aws.${found.name}.${operationName}`);
    },
    mark(stage) {
      const nowMs = clock.monotonicMs();
      stages[stage] = round(nowMs - markMs);
      markMs = nowMs;
    },
    context(authentication, region) {
      caller = { accountId: authentication.principal.accountId, region };
      deadline = new LazyDeadline(clock, arrival.caller, requestTimeoutMs);
      return new ExchangeContext(deadline, {
        requestId: arrival.requestId,
        principal: authentication.principal,
        region,
        trace: span?.context ?? arrival.trace,
        endpoint: arrival.endpoint,
        log: telemetry.log,
      });
    },
    finish(response, failure, cause) {
      if (response.body instanceof Uint8Array) {
        end(response.status, failure, cause);
        return response;
      }
      let isOver = false;
      const body = whenRead(response.body, (error) => {
        if (!isOver) end(response.status, failure, error ?? cause);
        isOver = true;
      });
      return { ...response, body };
    },
  };
}

/** Most operations look at nothing but who and where: a signal is made for those that wait. */
class ExchangeContext implements RequestContext {
  readonly requestId: string;
  readonly principal: Principal;
  readonly region: string;
  readonly deadlineMs: number;
  readonly trace: TraceContext;
  readonly endpoint: string;
  readonly log: Logger;
  readonly #deadline: LazyDeadline;

  constructor(deadline: LazyDeadline, facts: Omit<RequestContext, "signal" | "deadlineMs">) {
    this.requestId = facts.requestId;
    this.principal = facts.principal;
    this.region = facts.region;
    this.deadlineMs = deadline.deadlineMs;
    this.trace = facts.trace;
    this.endpoint = facts.endpoint;
    this.log = facts.log;
    this.#deadline = deadline;
  }

  get signal(): AbortSignal {
    return this.#deadline.signal;
  }
}

/** What the caller did wrong is no news; a bug needs a person, what the world did is a warning. */
function levelOf(
  failure: WireError | undefined,
  cause: unknown,
): Readonly<Record<string, unknown>> {
  if (cause === undefined || failure?.fault === "client" || failure?.modelled) return {};
  if (isHangUp(cause)) return { aborted: true };
  if (cause instanceof NoSuchOperation) return {};
  return { level: failure && !isPlatformError(cause) ? "error" : "warn", error: cause };
}

/** A caller that went away in the middle of its body or of its answer; Node says so by this code. */
function isHangUp(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ECONNRESET";
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
