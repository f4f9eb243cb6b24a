import type { TraceContext } from "#base/context.ts";
import type { Soon } from "#base/soon.ts";
import type { GuestIdentity } from "#functions/pool/pool.ts";
import { findAdminRoute, healthAnswer, isLoopback } from "./admin.ts";
import type { Answer } from "./answer.ts";
import { jsonAnswer } from "./answer.ts";
import { answerBucketForm, judgeBucketPage } from "./bucket-requests.ts";
import { type FunctionUrlDeps, serveFunctionUrl } from "./function-urls.ts";
import type { FunctionUrl, GatewayDeps } from "./gateway.ts";
import { judgePage, readFunctionUrlPath } from "./hosts.ts";
import type { Callers, FunctionUrlHost } from "./hosts.ts";
import type { Incoming } from "./incoming.ts";
import { configuredOriginHeaders, isPreflight, preflightAnswer } from "./page-cors.ts";

/** What a request turned out to be, for the log; AWS calls are logged by the dispatcher. */
export interface Routed {
  readonly kind: "aws" | "function-url" | "admin" | "health" | "refused" | "nothing" | "failed";
  readonly answer: Soon<Answer>;
}

/** The same where the answer is known. */
interface Answered extends Routed {
  readonly answer: Answer;
}

export interface Facts {
  readonly requestId: string;
  readonly trace: TraceContext;
  /** Fires when the caller hangs up. */
  readonly signal: AbortSignal;
  /** The same without a signal having to be made. */
  readonly isHungUp: boolean;
}

interface Arrived {
  readonly incoming: Incoming;
  readonly facts: Facts;
}

/** AWS calls and signed links, and only while the sandbox belongs to a function. */
export async function routeGuest(
  deps: GatewayDeps,
  { incoming, facts }: Arrived,
  identity: GuestIdentity | undefined,
): Promise<Answered> {
  if (!identity) return refuse(403, "This sandbox is not running a function.");
  const route = findAdminRoute(deps.admin, incoming.request);
  if (route && "handle" in route && route.isOpen) {
    return { kind: "admin", answer: await route.handle(incoming.request, facts.signal) };
  }
  return dispatch(deps, { incoming, facts, fromGuest: true });
}

export interface OutsideDeps extends GatewayDeps {
  readonly callers: Callers;
  readonly functionUrls: FunctionUrlDeps;
}

/** Everything that did not come out of a sandbox. */
export function routeOutside(deps: OutsideDeps, arrived: Arrived): Soon<Routed> {
  const { incoming } = arrived;
  const { request, hostEntry } = incoming;
  if (!hostEntry.isAllowed) {
    const { name } = hostEntry;
    return refuse(
      403,
      `This server does not answer for the host name '${name}'. If that name is yours, allow it: --allowed-hosts=${name}`,
    );
  }
  const urlHost = hostEntry.functionUrl;
  if (urlHost) return visitUrl(deps, arrived, { host: urlHost, rawPath: request.path });
  const urlPath = readFunctionUrlPath(request.path);
  if (urlPath) {
    const { urlId, region = deps.config.defaultRegion, rest } = urlPath;
    return isolated(visitUrl(deps, arrived, { host: { urlId, region }, rawPath: rest }));
  }
  return routePage(deps, arrived);
}

/** Everything that is no function URL. */
async function routePage(deps: OutsideDeps, { incoming, facts }: Arrived): Promise<Answered> {
  const { callers } = deps;
  const { request } = incoming;
  const page = judgePage(
    {
      origin: request.headers["origin"],
      site: request.headers["sec-fetch-site"],
      host: incoming.host,
    },
    callers,
  );
  if (page === "foreign") {
    const grant = await judgeBucketPage(deps, { incoming, facts });
    if (grant?.kind === "answered") return { kind: "admin", answer: grant.answer };
    if (grant) {
      const routed = await routePlatform(deps, { incoming, facts });
      const headers = { ...routed.answer.headers, ...grant.headers };
      return { ...routed, answer: { ...routed.answer, headers } };
    }
    return refuse(
      403,
      "Web pages from elsewhere may not call this server. If this page is yours, allow its origin: --allowed-origins=<origin>",
    );
  }
  if (page === "own") return routePlatform(deps, { incoming, facts });
  if (isPreflight(request)) return { kind: "admin", answer: preflightAnswer(request) };
  const routed = await routePlatform(deps, { incoming, facts });
  const headers = { ...routed.answer.headers, ...configuredOriginHeaders(request) };
  return { ...routed, answer: { ...routed.answer, headers } };
}

async function routePlatform(deps: GatewayDeps, { incoming, facts }: Arrived): Promise<Answered> {
  const { request } = incoming;
  if (request.path === "/_skerry/health" || request.path === "/_localstack/health") {
    return { kind: "health", answer: healthAnswer(deps.health()) };
  }
  if (request.path.startsWith("/_skerry/")) {
    const route = findAdminRoute(deps.admin, request);
    const isOpen = route !== undefined && "handle" in route && route.isOpen;
    if (!isOpen && !isLoopback(incoming.remoteAddress)) {
      return refuse(403, "The platform's own pages are for callers on the same machine.");
    }
    if (!route) return nothing(`There is no page ${request.path}.`);
    if ("status" in route) return { kind: "admin", answer: route };
    return { kind: "admin", answer: await route.handle(request, facts.signal) };
  }
  const form = await answerBucketForm(deps, { incoming, facts });
  if (form) return { kind: "aws", answer: form };
  return dispatch(deps, { incoming, facts, fromGuest: false });
}

async function dispatch(
  deps: GatewayDeps,
  { incoming, facts, fromGuest }: Arrived & { readonly fromGuest: boolean },
): Promise<Answered> {
  const { request, endpoint } = incoming;
  const answer = await deps.dispatcher.dispatch({
    request,
    requestId: facts.requestId,
    trace: facts.trace,
    caller: facts,
    endpoint,
    fromGuest,
    below: incoming.hostEntry.below,
  });
  if (answer) return { kind: "aws", answer };
  return nothing(
    `${request.method} ${request.path} is neither a call of an AWS service this server has, nor a function URL (<id>.lambda-url.<region>.localhost), nor one of the platform's pages (/_skerry/health).`,
  );
}

function visitUrl(
  deps: OutsideDeps,
  { incoming, facts }: Arrived,
  at: { readonly host: FunctionUrlHost; readonly rawPath: string },
): Soon<Routed> {
  const { urlId, region } = at.host;
  const visit = (url: FunctionUrl | undefined): Routed => {
    if (!url) return nothing(`There is no function URL ${urlId} in ${region}.`);
    const asked = { url, urlId, region, rawPath: at.rawPath, incoming, facts };
    return { kind: "function-url", answer: serveFunctionUrl(deps.functionUrls, asked) };
  };
  const found = deps.urls.find(urlId, region);
  return found instanceof Promise ? found.then(visit) : visit(found);
}

/** Who may call, by configuration; the address that was bound is one of our names. */
export function callersOf(config: GatewayDeps["config"]): Callers {
  const hosts = [...config.allowedHosts, ...ownNames(config.host)];
  return { hosts, origins: config.allowedOrigins };
}

/** The address that was bound, unless it means every address. */
function ownNames(host: string): string[] {
  if (host === "0.0.0.0" || host === "::") return [];
  return [host.includes(":") ? `[${host}]` : host];
}

export function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answered {
  return { kind: "refused", answer: jsonAnswer(status, { message }, headers) };
}

function nothing(message: string): Answered {
  return { kind: "nothing", answer: jsonAnswer(404, { message }) };
}

/**
 * In its path form a function's page would share its origin with the platform's. The sandbox
 * directive gives it one of its own, from which it cannot call us.
 */
async function isolated(visited: Soon<Routed>): Promise<Answered> {
  const { kind, answer } = await visited;
  const { status, headers, body } = await answer;
  const policy = "sandbox allow-scripts allow-forms allow-popups";
  const isolating = { ...headers, "content-security-policy": policy };
  return { kind, answer: { status, headers: isolating, body } };
}
