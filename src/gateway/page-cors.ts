import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Answer } from "./answer.ts";

/** CORS for the web pages whose origins the operator allowed. */
export function isPreflight({ method, headers }: WireRequest): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/**
 * Allows what is asked: the origin was checked, and the methods and headers of AWS calls are many.
 * Private network access is granted only here, to origins the operator named.
 */
export function preflightAnswer(request: WireRequest): Answer {
  const { headers } = request;
  const requested = headers["access-control-request-headers"];
  return {
    status: 204,
    headers: {
      ...configuredOriginHeaders(request),
      "access-control-allow-methods": headers["access-control-request-method"] ?? "",
      ...(requested !== undefined && { "access-control-allow-headers": requested }),
      ...(headers["access-control-request-private-network"] === "true" && {
        "access-control-allow-private-network": "true",
      }),
      "access-control-max-age": "600",
    },
    body: new Uint8Array(),
  };
}

export function configuredOriginHeaders(request: WireRequest): Record<string, string> {
  return {
    "access-control-allow-origin": request.headers["origin"] ?? "",
    "access-control-expose-headers": "*",
    vary: "Origin",
  };
}
