import { errorFields, fields, kinds } from "./channel.mjs";
import { describe, runtimeError } from "./errors.mjs";

/** Lambda quotas: invocation payload, synchronous; the number AWS's message names. */
const responseBytesMax = 6_291_556;
const isNode24OrLater = Number(process.versions.node.split(".")[0]) >= 24;
/** What a result in the form of HTTP has; anything else in it could still fail to become JSON. */
const httpParts = new Set(["statusCode", "headers", "body", "isBase64Encoded", "cookies"]);
/** JSON writes one character as six at most (`\u0000`). */
const escapedCharactersMax = 6;

/** Answers with what a handler gave, as JSON or, for callers that asked for it, as HTTP. */
export function respond(answer, result, { wantsHttp, logError }) {
  let prepared;
  try {
    prepared = (wantsHttp ? httpAnswer(result) : undefined) ?? jsonAnswer(result, wantsHttp);
  } catch {
    const error = unserialisable();
    logError("Invoke Error", error);
    return respondError(answer, describe(error));
  }
  if (prepared === tooLarge) {
    return respondError(answer, {
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: `Response payload size exceeded maximum allowed payload size (${responseBytesMax} bytes).`,
    });
  }
  answer(prepared.kind, prepared.metadata, prepared.body);
}

export function respondError(answer, body, kind = kinds.error, isLast = false) {
  answer(kind, errorFields(body), JSON.stringify(body), isLast);
}

const tooLarge = Symbol("the response is too large");
const jsonMetadata = [[fields.contentType, "application/json"]];
const plainHead = [[fields.head, "[200,null,null]"]];

function jsonAnswer(result, wantsHttp) {
  const body = JSON.stringify(result === undefined ? null : result) ?? "null";
  if (isTooLarge(body)) return tooLarge;
  if (!wantsHttp) return { kind: kinds.response, metadata: jsonMetadata, body };
  // Whatever made the fast way impossible (`toJSON`, a class) has left plain data behind.
  return httpAnswer(JSON.parse(body)) ?? { kind: kinds.http, metadata: plainHead, body };
}

function isTooLarge(json) {
  if (json.length * 3 <= responseBytesMax) return false;
  return Buffer.byteLength(json) > responseBytesMax;
}

/** Undefined for what is not plainly HTTP; then its JSON decides, as the service sees nothing else. */
function httpAnswer(result) {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return undefined;
  const prototype = Object.getPrototypeOf(result);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  for (const name in result) if (!httpParts.has(name)) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = result;
  // As JSON would have it: such a member is not there.
  if (["undefined", "function", "symbol"].includes(typeof statusCode)) return undefined;
  const text = typeof body === "string" ? body : bodyText(body);
  const mayBeTooLarge = text.length * escapedCharactersMax > responseBytesMax;
  if (mayBeTooLarge && isTooLarge(JSON.stringify(result))) return tooLarge;
  const head = JSON.stringify([statusCode, headers ?? null, cookies ?? null]);
  const metadata = [[fields.head, head]];
  if (isBase64Encoded === true && typeof body === "string") metadata.push([fields.isBase64, "1"]);
  return { kind: kinds.http, metadata, body: text };
}

function bodyText(body) {
  return body === undefined || body === null ? "" : (JSON.stringify(body) ?? "");
}

/** Circular structures, BigInt: what AWS's runtime says does not name the cause. */
function unserialisable() {
  const message = "Unable to stringify response body";
  return isNode24OrLater ? runtimeError("JSONStringifyError", message) : new Error(message);
}
