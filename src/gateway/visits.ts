import type { IncomingMessage, ServerResponse } from "node:http";
import type { TraceContext } from "#base/context.ts";
import { uuid } from "#base/ids.ts";
import type { GuestIdentity } from "#functions/pool/pool.ts";
import { formatTraceHeader, parseTraceHeader, traceHeaderName } from "#telemetry/trace-header.ts";
import { findAdminRoute, healthAnswer, isLoopback } from "./admin.ts";
import type { Answer } from "./answer.ts";
import { jsonAnswer } from "./answer.ts";
import { serveFunctionUrl } from "./function-urls.ts";
import type { GatewayDeps } from "./gateway.ts";
import { isHostAllowed, judgePage, readFunctionUrlHost, readFunctionUrlPath } from "./hosts.ts";
import type { Callers } from "./hosts.ts";
import { readIncoming } from "./incoming.ts";
import type { Incoming } from "./incoming.ts";
import { configuredOriginHeaders, isPreflight, preflightAnswer } from "./page-cors.ts";
import { sendAnswer } from "./send.ts";

/** A request on its way through the gateway. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Set when the connection came out of a sandbox. */
  readonly guest: (() => GuestIdentity | undefined) | undefined;
}

export interface Visits {
  /** Never rejects; the answer has been written, or the connection is gone, when it resolves. */
  handle(exchange: Exchange): Promise<void>;
}

/** What a request turned out to be, for the log; AWS calls are logged by the dispatcher. */
interface Routed {
  readonly kind: "aws" | "function-url" | "admin" | "health" | "refused" | "nothing" | "failed";
  readonly answer: Answer;
}

interface Facts {
  readonly requestId: string;
  readonly trace: TraceContext;
  readonly signal: AbortSignal;
}

/**
 * Decides what a request is: an AWS call, a function URL, or a page of the platform; refuses what a
 * web page or a foreign name must not reach. Every answer carries a request id and is logged.
 */
export function createVisits(deps: GatewayDeps): Visits {
  const callers: Callers = {
    hosts: [...deps.config.allowedHosts, ...ownNames(deps.config.host)],
    origins: deps.config.allowedOrigins,
  };

  async function handle(exchange: Exchange): Promise<void> {
    const startMs = deps.clock.monotonicMs();
    const requestId = uuid(deps.random);
    const hungUp = new AbortController();
    exchange.response.once("close", () => {
      if (!exchange.response.writableFinished) hungUp.abort(new Error("The caller hung up."));
    });
    const facts = { requestId, trace: traceOf(exchange), signal: hungUp.signal };
    let routed: Routed;
    try {
      const incoming = readIncoming(exchange.message);
      if (typeof incoming === "string") routed = refuse(400, incoming, { connection: "close" });
      else if (exchange.guest) routed = await routeGuest(incoming, facts, exchange.guest());
      else routed = await routeOutside(incoming, facts);
    } catch (error) {
      deps.telemetry.log.event("http.failed", { level: "error", error, requestId });
      routed = { kind: "failed", answer: jsonAnswer(500, { message: "Internal Server Error" }) };
    }
    const outcome = await sendAnswer(exchange, withIds(routed.answer, facts), deps.clock);
    if (routed.kind === "aws" && outcome === "sent") return;
    deps.telemetry.log.event("http.request", {
      kind: routed.kind,
      method: exchange.message.method,
      status: routed.answer.status,
      outcome,
      durationMs: Math.round((deps.clock.monotonicMs() - startMs) * 1_000) / 1_000,
      requestId,
      traceId: facts.trace.traceId,
      remoteAddress: exchange.message.socket.remoteAddress,
    });
  }

  /** A caller's own trace is continued, its hop count never believed; a sandbox's is the platform's. */
  function traceOf({ message, guest }: Exchange): TraceContext {
    const header = message.headers[traceHeaderName];
    const claimed = guest ? guest()?.trace : parseTraceHeader(String(header ?? ""));
    return claimed ?? deps.telemetry.tracer.newTrace();
  }

  async function routeGuest(
    incoming: Incoming,
    facts: Facts,
    identity: GuestIdentity | undefined,
  ): Promise<Routed> {
    if (!identity) return refuse(403, "This sandbox is not running a function.");
    return dispatch(incoming, facts, true);
  }

  async function routeOutside(incoming: Incoming, facts: Facts): Promise<Routed> {
    const { request, hostName } = incoming;
    if (!isHostAllowed(hostName, callers)) {
      return refuse(
        403,
        `This server does not answer for the host name '${hostName}'. If that name is yours, allow it: --allowed-hosts=${hostName}`,
      );
    }
    const urlHost = readFunctionUrlHost(hostName);
    if (urlHost) return visitUrl(incoming, facts, { ...urlHost, rawPath: request.path });
    const urlPath = readFunctionUrlPath(request.path);
    if (urlPath) {
      const { urlId, region = deps.config.defaultRegion, rest } = urlPath;
      const routed = await visitUrl(incoming, facts, { urlId, region, rawPath: rest });
      return { ...routed, answer: isolate(routed.answer) };
    }
    const page = judgePage(
      {
        origin: request.headers["origin"],
        site: request.headers["sec-fetch-site"],
        host: incoming.host,
      },
      callers,
    );
    if (page === "foreign") {
      return refuse(
        403,
        "Web pages from elsewhere may not call this server. If this page is yours, allow its origin: --allowed-origins=<origin>",
      );
    }
    if (page === "own") return routePlatform(incoming, facts);
    if (isPreflight(request)) return { kind: "admin", answer: preflightAnswer(request) };
    const routed = await routePlatform(incoming, facts);
    const headers = { ...routed.answer.headers, ...configuredOriginHeaders(request) };
    return { ...routed, answer: { ...routed.answer, headers } };
  }

  async function routePlatform(incoming: Incoming, facts: Facts): Promise<Routed> {
    const { request } = incoming;
    if (request.path === "/_skerry/health" || request.path === "/_localstack/health") {
      return { kind: "health", answer: healthAnswer(deps.health()) };
    }
    if (request.path.startsWith("/_skerry/")) {
      if (!isLoopback(incoming.remoteAddress)) {
        return refuse(403, "The platform's own pages are for callers on the same machine.");
      }
      const route = findAdminRoute(deps.admin, request);
      if (!route) return nothing(`There is no page ${request.path}.`);
      if ("status" in route) return { kind: "admin", answer: route };
      return { kind: "admin", answer: await route.handle(request, facts.signal) };
    }
    return dispatch(incoming, facts, false);
  }

  async function dispatch(incoming: Incoming, facts: Facts, fromGuest: boolean): Promise<Routed> {
    const { request, host } = incoming;
    const answer = await deps.dispatcher.dispatch({
      request,
      ...facts,
      endpoint: `http://${host}`,
      fromGuest,
    });
    if (answer) return { kind: "aws", answer };
    return nothing(
      `${request.method} ${request.path} is neither a call of an AWS service this server has, nor a function URL (<id>.lambda-url.<region>.localhost), nor one of the platform's pages (/_skerry/health).`,
    );
  }

  async function visitUrl(
    incoming: Incoming,
    facts: Facts,
    at: { readonly urlId: string; readonly region: string; readonly rawPath: string },
  ): Promise<Routed> {
    const url = await deps.urls.find(at.urlId, at.region);
    if (!url) return nothing(`There is no function URL ${at.urlId} in ${at.region}.`);
    const endpoint = `http://${incoming.host}`;
    const visit = { url, ...at, incoming, endpoint, ...facts };
    const answer = await serveFunctionUrl({ ...deps, ...deps.functions }, visit);
    return { kind: "function-url", answer };
  }

  return { handle };
}

/** The address that was bound, unless it means every address. */
function ownNames(host: string): string[] {
  if (host === "0.0.0.0" || host === "::") return [];
  return [host.includes(":") ? `[${host}]` : host];
}

function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Routed {
  return { kind: "refused", answer: jsonAnswer(status, { message }, headers) };
}

function nothing(message: string): Routed {
  return { kind: "nothing", answer: jsonAnswer(404, { message }) };
}

/**
 * In its path form a function's page would share its origin with the platform's. The sandbox
 * directive gives it one of its own, from which it cannot call us.
 */
function isolate(answer: Answer): Answer {
  const headers = {
    ...answer.headers,
    "content-security-policy": "sandbox allow-scripts allow-forms allow-popups",
  };
  return { ...answer, headers };
}

function withIds(answer: Answer, facts: Facts): Answer {
  const { headers } = answer;
  const hasId = "x-amzn-requestid" in headers || "x-amz-request-id" in headers;
  return {
    ...answer,
    headers: {
      ...headers,
      ...(!hasId && { "x-amzn-requestid": facts.requestId }),
      [traceHeaderName]: formatTraceHeader({ ...facts.trace, spanId: undefined, hops: 0 }),
    },
  };
}
