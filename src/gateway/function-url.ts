import type { Answer } from "./answer.ts";
import { isFinalStatus, isWritableHeader } from "./answer.ts";
import { hopByHop } from "./hop-by-hop.ts";

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
