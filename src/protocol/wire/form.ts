import { decodeUtf8, readBody } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { formBytesMax, formParametersMax } from "./limits.ts";
import type { MatchableRequest, WireRequest } from "./wire.ts";

/**
 * Reads the body of a form POST, because an AWS Query request names its operation there; any other
 * body stays unread. Throws `RequestTooLargeError` or `SerializationError`.
 */
export async function toMatchable(request: WireRequest): Promise<MatchableRequest> {
  const contentType = request.headers["content-type"] ?? "";
  const isForm = contentType.startsWith("application/x-www-form-urlencoded");
  if (request.method !== "POST" || !isForm || request.headers["x-amz-target"] !== undefined) {
    return { ...request, form: undefined };
  }
  const bytes = await readBody(request.body, formBytesMax, "Query");
  const form = parseForm(decodeUtf8(bytes));
  return { ...request, body: once(bytes), form };
}

/** Throws `SerializationError` for a form of too many parameters. */
function parseForm(text: string): URLSearchParams {
  let count = 1;
  for (let at = text.indexOf("&"); at >= 0; at = text.indexOf("&", at + 1)) count++;
  if (count > formParametersMax) {
    throw new SerializationError(`The request has more than ${formParametersMax} parameters`);
  }
  return new URLSearchParams(text);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
