import { decodeUtf8 } from "./body.ts";
import { RequestTooLargeError, SerializationError } from "./errors.ts";
import { formBytesMax, formParametersMax } from "./limits.ts";
import type { MatchableRequest, WireRequest } from "./wire.ts";

/**
 * Reads the body of a form POST, because an AWS Query request names its operation there; any other
 * body stays unread. The body can still be read whole afterwards: `curl --data` calls everything a
 * form, also the payload of a function. Rejects only if the stream does.
 */
export async function toMatchable(request: WireRequest): Promise<MatchableRequest> {
  const contentType = request.headers["content-type"] ?? "";
  const isForm = contentType.startsWith("application/x-www-form-urlencoded");
  if (request.method !== "POST" || !isForm || request.headers["x-amz-target"] !== undefined) {
    return { ...request, form: undefined };
  }
  const iterator = request.body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= formBytesMax) {
    const next = await iterator.next();
    if (next.done) return withForm(request, chunks);
    chunks.push(next.value);
    bytes += next.value.byteLength;
  }
  const formError = new RequestTooLargeError(formBytesMax, "Query");
  return { ...request, body: replay(chunks, iterator), form: undefined, formError };
}

function withForm(request: WireRequest, chunks: readonly Uint8Array[]): MatchableRequest {
  const bytes = Buffer.concat(chunks);
  const body = replay([bytes], undefined);
  try {
    return { ...request, body, form: parseForm(decodeUtf8(bytes)) };
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error;
    return { ...request, body, form: undefined, formError: error };
  }
}

function parseForm(text: string): URLSearchParams {
  let count = 1;
  for (let at = text.indexOf("&"); at >= 0; at = text.indexOf("&", at + 1)) count++;
  if (count > formParametersMax) {
    throw new SerializationError(`The request has more than ${formParametersMax} parameters`);
  }
  return new URLSearchParams(text);
}

/** What was read already, then the rest. */
async function* replay(
  chunks: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    while (rest) {
      const next = await rest.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await rest?.return?.();
  }
}
