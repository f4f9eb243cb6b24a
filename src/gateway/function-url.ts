import type { Principal } from "#base/context.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import type { Answer } from "./answer.ts";
import { isFinalStatus, isWritableHeader } from "./answer.ts";

/**
 * HTTP in, payload format 2.0 out, and back. Pure.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (seen 2026-11)
 */
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

export function toFunctionUrlEvent(call: FunctionUrlCall): object {
  const { request, caller } = call;
  const cookies = splitCookies(request.headers["cookie"]);
  const parameters = joinParameters(request.rawQuery);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: call.rawPath,
    rawQueryString: request.rawQuery,
    ...(cookies.length > 0 && { cookies }),
    headers: eventHeaders(call),
    ...(parameters && { queryStringParameters: parameters }),
    requestContext: {
      accountId: caller?.principal.accountId ?? "anonymous",
      apiId: call.urlId,
      ...(caller && { authorizer: { iam: iamAuthorizer(caller) } }),
      domainName: call.domainName,
      domainPrefix: call.urlId,
      http: {
        method: request.method,
        path: call.rawPath,
        protocol: "HTTP/1.1",
        sourceIp: call.sourceIp,
        userAgent: request.headers["user-agent"] ?? "",
      },
      requestId: call.requestId,
      routeKey: "$default",
      stage: "$default",
      time: call.time,
      timeEpoch: call.nowMs,
    },
    ...eventBody(call.body, request.headers["content-type"]),
  };
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

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What only the service says (addresses, trace, identity) never comes from the client. */
function eventHeaders(call: FunctionUrlCall): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.request.headers)) {
    const isOurs =
      name.startsWith("x-forwarded-") || name === "forwarded" || name.startsWith("x-amzn-");
    // Unsigned x-amz-* could be anybody's; a token is a secret even when it was signed.
    const isWithheld =
      name === "x-amz-security-token" ||
      (name.startsWith("x-amz-") && !call.caller) ||
      (name === "authorization" && call.caller !== undefined);
    if (hopByHop.has(name) || isOurs || isWithheld || name === "cookie") continue;
    headers[name] = value;
  }
  return {
    ...headers,
    "x-amzn-trace-id": `Root=${call.traceId}`,
    "x-forwarded-for": call.sourceIp,
    "x-forwarded-port": call.port,
    "x-forwarded-proto": "http",
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

/** What a function returned as HTTP; undefined when it cannot be (the client gets a 502). */
export function toFunctionUrlAnswer(payload: Uint8Array): Answer | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("statusCode" in value)) {
    return { status: 200, headers: { "content-type": "application/json" }, body: payload };
  }
  const head = readResponseHead(value);
  const body = head && readBody(value);
  return head && body && { ...head, body };
}

/** Status, headers and cookies, of a whole response or of a stream's prelude; undefined when malformed. */
export function readResponseHead(
  value: object,
  contentType = "application/json",
): Omit<Answer, "body"> | undefined {
  const { statusCode, headers, cookies } = value as Record<string, unknown>; // each is checked below
  const status = statusCode === undefined ? 200 : Number(statusCode);
  if (!isFinalStatus(status) || typeof statusCode === "boolean") return undefined;
  const result: Record<string, string | readonly string[]> = { "content-type": contentType };
  if (headers !== undefined && headers !== null) {
    if (typeof headers !== "object" || Array.isArray(headers)) return undefined;
    for (const [name, item] of Object.entries(headers as Record<string, unknown>)) {
      const text = headerText(item);
      if (text === undefined || !isWritableHeader(name, text)) return undefined;
      result[outgoingName(name.toLowerCase())] = text;
    }
  }
  if (cookies !== undefined && cookies !== null) {
    const list: unknown[] | undefined = Array.isArray(cookies) ? cookies : undefined;
    const isList = list?.every(
      (one) => typeof one === "string" && isWritableHeader("set-cookie", one),
    );
    if (!list || !isList) return undefined;
    if (list.length > 0) result["set-cookie"] = list.map(String);
  }
  return { status, headers: result };
}

function headerText(value: unknown): string | undefined {
  if (typeof value === "string") return value.replaceAll(/^[ \t]+|[ \t]+$/g, "");
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/**
 * Headers of the connection are the server's: a function's own are passed on under another name, as
 * the service does. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
 */
function outgoingName(name: string): string {
  const isServers = hopByHop.has(name) || ["content-length", "date", "server"].includes(name);
  return isServers ? `x-amzn-remapped-${name}` : name;
}

function readBody(value: object): Uint8Array | undefined {
  const { body, isBase64Encoded } = value as Record<string, unknown>; // each is checked below
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body !== "string") return Buffer.from(JSON.stringify(body));
  const bytes = Buffer.from(body);
  return isBase64Encoded === true ? decodeBody(bytes) : bytes;
}

/** Bytes of a body given as base64; undefined when it is none. */
export function decodeBody(base64: Buffer): Buffer | undefined {
  const text = base64.toString("latin1");
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 !== 1;
  return isBase64 ? Buffer.from(text, "base64") : undefined;
}
