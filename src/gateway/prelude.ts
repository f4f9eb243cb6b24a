import { preludeBytesMax } from "./limits.ts";

/** Content type of a stream that begins with JSON, eight NUL bytes, then the body. */
export const preludeContentType = "application/vnd.awslambda.http-integration-response";

const delimiter = Buffer.alloc(8);

/**
 * Splits the prelude off a stream. Undefined when the stream ends before it is whole, it is too
 * large, or it is no JSON object. `rest` is what had already arrived of the body.
 */
export async function readPrelude(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ readonly head: object; readonly rest: Uint8Array } | undefined> {
  let held = Buffer.alloc(0);
  for (;;) {
    const next = await iterator.next();
    if (next.done) return undefined;
    // JSON holds no NUL, so the first run of eight is the delimiter, also across two pieces.
    const from = Math.max(0, held.byteLength - delimiter.byteLength);
    held = Buffer.concat([held, next.value]);
    const at = held.indexOf(delimiter, from);
    if (at < 0 && held.byteLength <= preludeBytesMax) continue;
    if (at < 0 || at > preludeBytesMax) return undefined;
    const head = parseObject(held.toString("utf8", 0, at));
    return head && { head, rest: held.subarray(at + delimiter.byteLength) };
  }
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
