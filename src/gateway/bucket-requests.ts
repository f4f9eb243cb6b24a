import type { RequestContext } from "#base/context.ts";
import type { FormAuthentication } from "#protocol/auth/auth.ts";
import type { Answer } from "./answer.ts";
import { corsHeaders, corsRefusal } from "./bucket-cors.ts";
import { answerForm } from "./bucket-forms.ts";
import type { GatewayDeps } from "./gateway.ts";
import type { Incoming } from "./incoming.ts";
import { invocationDeadlineMs } from "./limits.ts";
import { isPreflight } from "./page-cors.ts";
import type { Facts } from "./routing.ts";

interface Arrived {
  readonly incoming: Incoming;
  readonly facts: Facts;
}

/** What a bucket's owner lets a page from elsewhere do. */
export type PageGrant =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "granted"; readonly headers: Readonly<Record<string, string>> };

/**
 * Whether a bucket's CORS configuration lets this page call: undefined when the request is not for a
 * bucket, or asks for what no rule allows.
 */
export async function judgeBucketPage(
  deps: GatewayDeps,
  { incoming, facts }: Arrived,
): Promise<PageGrant | undefined> {
  const { request } = incoming;
  if (!deps.buckets || request.headers["origin"] === undefined) return undefined;
  const bucket = await bucketOf(deps, { incoming, facts });
  if (bucket === undefined) return undefined;
  const rules = await deps.buckets.corsRules(bucket);
  const headers = corsHeaders(rules, request);
  if (headers && !isPreflight(request)) return { kind: "granted", headers };
  if (headers)
    return { kind: "answered", answer: { status: 200, headers, body: new Uint8Array() } };
  if (!isPreflight(request)) return undefined;
  return { kind: "answered", answer: corsRefusal(facts.requestId, rules.length > 0) };
}

/** The answer to a form that uploads an object; undefined for any other request. */
export async function answerBucketForm(
  deps: GatewayDeps,
  arrived: Arrived,
): Promise<Answer | undefined> {
  const { incoming, facts } = arrived;
  const { request, endpoint } = incoming;
  const isForm = (request.headers["content-type"] ?? "").startsWith("multipart/form-data");
  const { buckets } = deps;
  if (!buckets || request.method !== "POST" || !isForm) return undefined;
  const bucket = await bucketOf(deps, arrived);
  if (bucket === undefined) return undefined;
  return answerForm(
    {
      buckets,
      verifyForm: (form) => deps.authenticator.authenticateForm(form),
      contextOf: (authentication) => contextOf(deps, arrived, authentication),
    },
    { request, bucket, requestId: facts.requestId, endpoint },
  );
}

function bucketOf(deps: GatewayDeps, { incoming, facts }: Arrived): Promise<string | undefined> {
  return deps.dispatcher.resourceOf({
    request: incoming.request,
    requestId: facts.requestId,
    trace: facts.trace,
    caller: facts,
    endpoint: incoming.endpoint,
    fromGuest: false,
    below: incoming.hostEntry.below,
  });
}

function contextOf(
  deps: GatewayDeps,
  { incoming, facts }: Arrived,
  { principal, region }: FormAuthentication,
): RequestContext {
  return {
    requestId: facts.requestId,
    principal,
    region: region ?? deps.config.defaultRegion,
    deadlineMs: deps.clock.nowMs() + invocationDeadlineMs,
    signal: facts.signal,
    trace: facts.trace,
    endpoint: incoming.endpoint,
    log: deps.telemetry.log,
  };
}
