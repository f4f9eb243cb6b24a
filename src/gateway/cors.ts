import type { Answer } from "./answer.ts";
import type { FunctionUrlCors } from "./gateway.ts";

/**
 * CORS of a function URL, answered by the service so that the function need not.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
 */
export interface CrossOriginRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A preflight is answered before the function; without CORS settings it is an ordinary request. */
export function answerPreflight(
  request: CrossOriginRequest,
  cors: FunctionUrlCors | undefined,
): Answer | undefined {
  const { origin, "access-control-request-method": method } = request.headers;
  if (!cors || request.method !== "OPTIONS" || origin === undefined || method === undefined) {
    return undefined;
  }
  const answer: Answer = { status: 200, headers: { vary: "Origin" }, body: new Uint8Array() };
  if (!includesOrAny(cors.allowMethods, method) || !isOriginAllowed(origin, cors)) return answer;
  const wanted = request.headers["access-control-request-headers"];
  const allowHeaders = cors.allowHeaders.includes("*") ? wanted : cors.allowHeaders.join(",");
  const headers: Record<string, string> = {
    ...originHeaders(origin, cors),
    "access-control-allow-methods": cors.allowMethods.includes("*")
      ? method
      : cors.allowMethods.join(","),
  };
  if (allowHeaders) headers["access-control-allow-headers"] = allowHeaders;
  if (cors.maxAgeSeconds !== undefined) {
    headers["access-control-max-age"] = String(cors.maxAgeSeconds);
  }
  return { ...answer, headers };
}

/** The settings replace whatever CORS headers the function returned. */
export function applyCors(
  answer: Answer,
  request: CrossOriginRequest,
  cors: FunctionUrlCors | undefined,
): Answer {
  if (!cors) return answer;
  const headers = Object.fromEntries(
    Object.entries(answer.headers).filter(([name]) => !name.startsWith("access-control-")),
  );
  const { origin } = request.headers;
  if (origin === undefined || !isOriginAllowed(origin, cors)) return { ...answer, headers };
  const expose = cors.exposeHeaders.join(",");
  const { vary, ...granted } = originHeaders(origin, cors);
  return {
    ...answer,
    headers: {
      ...headers,
      ...granted,
      ...(vary !== undefined && { vary: joinVary(headers["vary"], vary) }),
      ...(expose !== "" && { "access-control-expose-headers": expose }),
    },
  };
}

function joinVary(own: string | readonly string[] | undefined, added: string): string {
  return [...(typeof own === "string" ? [own] : (own ?? [])), added].join(", ");
}

function originHeaders(origin: string, cors: FunctionUrlCors): Record<string, string> {
  const isAny = cors.allowOrigins.includes("*") && !cors.allowCredentials;
  return {
    "access-control-allow-origin": isAny ? "*" : origin,
    ...(!isAny && { vary: "Origin" }),
    ...(cors.allowCredentials && { "access-control-allow-credentials": "true" }),
  };
}

function isOriginAllowed(origin: string, cors: FunctionUrlCors): boolean {
  return includesOrAny(cors.allowOrigins, origin);
}

function includesOrAny(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.some((one) => one.toLowerCase() === value.toLowerCase());
}
