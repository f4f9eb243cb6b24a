import { RequestTooLargeError } from "./errors.ts";

/** The stream as it is, until it is longer than its operation takes; then it throws. */
export async function* limitStream(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
  operationName: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new RequestTooLargeError(bytesMax, operationName);
    yield chunk;
  }
}
