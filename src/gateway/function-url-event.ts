import type { Principal } from "#base/context.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import { hopByHop } from "./hop-by-hop.ts";

/** A request to a function URL, ready to become an event. */
export interface FunctionUrlCall {
  readonly request: WireRequest;
  /** Path as the function sees it: without the prefix of the path form. */
  readonly rawPath: string;
  readonly body: Uint8Array;
  readonly urlId: string;
  readonly domainName: string;
  readonly port: string;
  readonly sourceIp: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** The same as `RequestTime` writes it. */
  readonly time: string;
  readonly traceId: string;
  /** Set when the caller signed. */
  readonly caller: { readonly principal: Principal; readonly accessKeyId: string } | undefined;
}

/**
 * Writes the events of function URLs, payload format 2.0, as JSON.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (seen 2026-11)
 *
 * Text instead of an object: most of an event is the same from request to request, and what a client's headers
 * become is remembered with them.
 */
export class FunctionUrlEvents {
  /** Of unsigned requests: members of `headers` that come from the client, with their commas. */
  readonly #ofClients = new WeakMap<object, string>();

  write(call: FunctionUrlCall): string {
    const { request, caller } = call;
    const cookies = splitCookies(request.headers["cookie"]);
    const parameters = joinParameters(request.rawQuery);
    const body = eventBody(call.body, request.headers["content-type"]);
    return (
      `{"version":"2.0","routeKey":"$default","rawPath":${text(call.rawPath)},` +
      `"rawQueryString":${text(request.rawQuery)},` +
      (cookies.length > 0 ? `"cookies":${JSON.stringify(cookies)},` : "") +
      `"headers":{${this.#clientHeaders(call)}${ownHeaders(call)}},` +
      (parameters ? `"queryStringParameters":${JSON.stringify(parameters)},` : "") +
      `"requestContext":{"accountId":${text(caller?.principal.accountId ?? "anonymous")},` +
      `"apiId":${text(call.urlId)},` +
      (caller ? `"authorizer":${JSON.stringify({ iam: iamAuthorizer(caller) })},` : "") +
      `"domainName":${text(call.domainName)},"domainPrefix":${text(call.urlId)},` +
      `"http":${httpContext(call)},"requestId":${text(call.requestId)},` +
      `"routeKey":"$default","stage":"$default","time":${text(call.time)},"timeEpoch":${call.nowMs}},` +
      (body.body === undefined ? "" : `"body":${text(body.body)},`) +
      `"isBase64Encoded":${body.isBase64Encoded}}`
    );
  }

  #clientHeaders(call: FunctionUrlCall): string {
    const { headers } = call.request;
    if (call.caller) return clientHeaders(headers, true);
    let known = this.#ofClients.get(headers);
    if (known === undefined) {
      known = clientHeaders(headers, false);
      this.#ofClients.set(headers, known);
    }
    return known;
  }
}

function text(value: string): string {
  return JSON.stringify(value);
}

function httpContext(call: FunctionUrlCall): string {
  const { request, rawPath, sourceIp } = call;
  return (
    `{"method":${text(request.method)},"path":${text(rawPath)},"protocol":"HTTP/1.1",` +
    `"sourceIp":${text(sourceIp)},"userAgent":${text(request.headers["user-agent"] ?? "")}}`
  );
}

/** What only the service says: addresses, trace, identity. It never comes from the client. */
function ownHeaders(call: FunctionUrlCall): string {
  return (
    `"x-amzn-trace-id":"Root=${call.traceId}","x-forwarded-for":${text(call.sourceIp)},` +
    `"x-forwarded-port":${text(call.port)},"x-forwarded-proto":"http"`
  );
}

function clientHeaders(headers: Readonly<Record<string, string>>, isSigned: boolean): string {
  let members = "";
  for (const [name, value] of Object.entries(headers)) {
    const isOurs =
      name.startsWith("x-forwarded-") || name === "forwarded" || name.startsWith("x-amzn-");
    // Unsigned x-amz-* could be anybody's; a token is a secret even when it was signed.
    const isWithheld =
      name === "x-amz-security-token" ||
      (name.startsWith("x-amz-") && !isSigned) ||
      (name === "authorization" && isSigned);
    if (hopByHop.has(name) || isOurs || isWithheld || name === "cookie") continue;
    members += `${text(name)}:${text(value)},`;
  }
  return members;
}

function iamAuthorizer({ principal, accessKeyId }: NonNullable<FunctionUrlCall["caller"]>) {
  // Unique ids of users and roles are not part of a principal here; its own name stands for them.
  const userId = principal.arn.split("/").at(-1) ?? principal.accountId;
  return {
    accessKey: accessKeyId,
    accountId: principal.accountId,
    callerId: userId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: principal.arn,
    userId,
  };
}

function splitCookies(header: string | undefined): string[] {
  if (header === undefined) return [];
  return header
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== "");
}

function joinParameters(rawQuery: string): Record<string, string> | undefined {
  if (rawQuery === "") return undefined;
  const joined = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(joined);
}

/** `12/Mar/2020:19:03:58 +0000`; made once a second, as it is the same for all requests of it. */
export class RequestTime {
  #second = NaN;
  #text = "";

  format(epochMs: number): string {
    const second = Math.floor(epochMs / 1_000);
    if (second !== this.#second) {
      const [, day, month, year, time] = new Date(epochMs).toUTCString().split(" ");
      this.#text = `${day}/${month}/${year}:${time} +0000`;
      this.#second = second;
    }
    return this.#text;
  }
}

/**
 * Text only for these types, as tried against the real service; everything else, a form and a body
 * without a type included, is base64. https://github.com/ministackorg/ministack/pull/766 (seen 2026-11)
 */
const textTypes = /^(?:text\/[^;]*|application\/(?:json|xml|javascript))\s*(?:;|$)/i;

function eventBody(
  body: Uint8Array,
  contentType: string | undefined,
): { readonly body?: string; readonly isBase64Encoded: boolean } {
  if (body.byteLength === 0) return { isBase64Encoded: false };
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (contentType !== undefined && textTypes.test(contentType)) {
    const text = bytes.toString("utf8");
    // Bytes that are not UTF-8 would come out changed.
    if (Buffer.byteLength(text) === bytes.byteLength && !text.includes("\ufffd")) {
      return { body: text, isBase64Encoded: false };
    }
  }
  return { body: bytes.toString("base64"), isBase64Encoded: true };
}
