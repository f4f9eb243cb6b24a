import type { IncomingMessage, ServerResponse } from "node:http";

/** Undefined when the body is longer than `bytesMax`; the rest is then read and dropped. */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    // no encoding is set
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    // A body without end is not worth waiting for; leaving the loop hangs up.
    else if (bytes > 4 * bytesMax) break;
  }
  return bytes > bytesMax ? undefined : Buffer.concat(chunks, bytes);
}

/** Answers with JSON. */
export function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}
