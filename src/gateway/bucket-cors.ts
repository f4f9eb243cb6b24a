import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Answer } from "./answer.ts";
import type { BucketCorsRule } from "./buckets.ts";

/** What a page from this origin may do: headers of the answer; undefined when no rule allows it. */
export function corsHeaders(
  rules: readonly BucketCorsRule[],
  request: Pick<WireRequest, "method" | "headers">,
): Record<string, string> | undefined {
  const { origin = "", "access-control-request-method": asked } = request.headers;
  const isPreflight = request.method === "OPTIONS" && asked !== undefined;
  const method = isPreflight ? asked : request.method;
  const names = (request.headers["access-control-request-headers"] ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  for (const rule of rules) {
    const match = (rule.AllowedOrigins ?? []).find((pattern) => isLike(pattern, origin));
    if (match === undefined || !(rule.AllowedMethods ?? []).includes(method)) continue;
    const allowed = (rule.AllowedHeaders ?? []).map((pattern) => pattern.toLowerCase());
    if (isPreflight && !names.every((name) => allowed.some((one) => isLike(one, name)))) continue;
    const isAny = match === "*";
    return {
      "access-control-allow-origin": isAny ? "*" : origin,
      "access-control-allow-methods": (rule.AllowedMethods ?? []).join(", "),
      ...(isPreflight && names.length > 0 && { "access-control-allow-headers": names.join(", ") }),
      ...(rule.ExposeHeaders?.length && {
        "access-control-expose-headers": rule.ExposeHeaders.join(", "),
      }),
      ...(rule.MaxAgeSeconds !== undefined && {
        "access-control-max-age": String(rule.MaxAgeSeconds),
      }),
      ...(!isAny && { "access-control-allow-credentials": "true" }),
      vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    };
  }
  return undefined;
}

/** One star in a pattern stands for anything. */
function isLike(pattern: string, text: string): boolean {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return pattern === text;
  return (
    text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html (words of the refusal, seen 2026-11) */
export function corsRefusal(requestId: string, isConfigured: boolean): Answer {
  const message = isConfigured
    ? "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
    : "CORSResponse: CORS is not enabled for this bucket.";
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessForbidden</Code><Message>${message}</Message><RequestId>${requestId}</RequestId></Error>`;
  const headers = { "content-type": "application/xml", "x-amz-request-id": requestId };
  return { status: 403, headers, body: Buffer.from(body) };
}
