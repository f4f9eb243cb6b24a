import type { Principal } from "#base/context.ts";
import { TextSlab } from "#base/text-slab.ts";
import type { WireRequest } from "#protocol/wire/wire.ts";
import { hopByHop } from "./hop-by-hop.ts";
import type { HostEntry } from "./hosts.ts";
import { eventSlabBytes } from "./limits.ts";

/** A request to a function URL, ready to become an event. */
export interface FunctionUrlCall {
  readonly request: WireRequest;
  /** Path as the function sees it: without the prefix of the path form. */
  readonly rawPath: string;
  readonly body: Uint8Array;
  readonly urlId: string;
  readonly hostEntry: HostEntry;
  readonly sourceIp: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** The same as `RequestTime` writes it. */
  readonly time: string;
  readonly traceId: string;
  /** Set when the caller signed. */
  readonly caller: { readonly principal: Principal; readonly accessKeyId: string } | undefined;
}

/** All of an event that is the same when the same client asks for the same thing again; UTF-8. */
interface Frame {
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly method: string;
  readonly urlId: string;
  readonly sourceIp: string;
  /** Up to the trace, and from there up to the id of the request. */
  readonly begin: Buffer;
  readonly middle: Buffer;
}

/**
 * Writes the events of function URLs, payload format 2.0, as JSON.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (seen 2026-11)
 *
 * Bytes instead of an object: most of an event is the same from request to request, and is remembered with the
 * headers of the client.
 */
export class FunctionUrlEvents {
  /** The last one of unsigned requests, by their headers. */
  readonly #frames = new WeakMap<object, Frame>();
  readonly #slab = new TextSlab(eventSlabBytes);
  #time = "";
  #afterRequestId = Buffer.alloc(0);

  /** UTF-8. */
  write(call: FunctionUrlCall): Uint8Array {
    const { begin, middle } = this.#frame(call);
    const { traceId, requestId, nowMs } = call;
    const time = this.#timeOf(call);
    const end = call.body.byteLength === 0 ? withoutBody : bodyMembers(call);
    // Three bytes of UTF-8 at most for each unit of UTF-16: no second pass to measure.
    const variableBytesMax = (traceId.length + requestId.length + epochDigitsMax + end.length) * 3;
    return this.#slab
      .begin(begin.length + middle.length + time.length + variableBytesMax)
      .bytes(begin)
      .ascii(traceId)
      .bytes(middle)
      .ascii(requestId)
      .bytes(time)
      .ascii(String(nowMs))
      .utf8(end)
      .take();
  }

  /** From the id of the request to the number of milliseconds: the same for all requests of a second. */
  #timeOf({ time }: FunctionUrlCall): Buffer {
    if (time !== this.#time) {
      this.#time = time;
      this.#afterRequestId = Buffer.from(
        `","routeKey":"$default","stage":"$default","time":"${time}","timeEpoch":`,
      );
    }
    return this.#afterRequestId;
  }

  #frame(call: FunctionUrlCall): Frame {
    if (call.caller) return frameOf(call);
    const { headers, rawQuery, method } = call.request;
    const known = this.#frames.get(headers);
    const isSame =
      known !== undefined &&
      known.rawPath === call.rawPath &&
      known.rawQuery === rawQuery &&
      known.method === method &&
      known.urlId === call.urlId &&
      known.sourceIp === call.sourceIp;
    if (isSame) return known;
    const frame = frameOf(call);
    this.#frames.set(headers, frame);
    return frame;
  }
}

/** Of an epoch in milliseconds. */
const epochDigitsMax = 16;

function frameOf(call: FunctionUrlCall): Frame {
  const { request, rawPath, urlId, sourceIp, caller, hostEntry } = call;
  const { rawQuery, method } = request;
  const cookies = splitCookies(request.headers["cookie"]);
  const parameters = joinParameters(rawQuery);
  const begin =
    `{"version":"2.0","routeKey":"$default","rawPath":${text(rawPath)},` +
    `"rawQueryString":${text(rawQuery)},` +
    (cookies.length > 0 ? `"cookies":${JSON.stringify(cookies)},` : "") +
    `"headers":{${clientHeaders(request.headers, caller !== undefined)}"x-amzn-trace-id":"Root=`;
  const middle =
    `","x-forwarded-for":${text(sourceIp)},"x-forwarded-port":${text(hostEntry.port || "80")},` +
    `"x-forwarded-proto":"http"},` +
    (parameters ? `"queryStringParameters":${JSON.stringify(parameters)},` : "") +
    `"requestContext":{"accountId":${text(caller?.principal.accountId ?? "anonymous")},` +
    `"apiId":${text(urlId)},` +
    (caller ? `"authorizer":${JSON.stringify({ iam: iamAuthorizer(caller) })},` : "") +
    `"domainName":${text(hostEntry.name)},"domainPrefix":${text(urlId)},` +
    `"http":${httpContext(call)},"requestId":"`;
  return {
    rawPath,
    rawQuery,
    method,
    urlId,
    sourceIp,
    begin: Buffer.from(begin),
    middle: Buffer.from(middle),
  };
}

const withoutBody = '},"isBase64Encoded":false}';

function bodyMembers({ body, request }: FunctionUrlCall): string {
  const { text: written, isBase64 } = eventBody(body, request.headers["content-type"]);
  return `},"body":${text(written)},"isBase64Encoded":${isBase64}}`;
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

/** Those that the client sent, with their commas. What only the service says never comes from there. */
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
): { readonly text: string; readonly isBase64: boolean } {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (contentType !== undefined && textTypes.test(contentType)) {
    const text = bytes.toString("utf8");
    // Bytes that are not UTF-8 would come out changed.
    if (Buffer.byteLength(text) === bytes.byteLength && !text.includes("\ufffd")) {
      return { text, isBase64: false };
    }
  }
  return { text: bytes.toString("base64"), isBase64: true };
}
