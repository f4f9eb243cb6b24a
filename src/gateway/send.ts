import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#base/clock.ts";
import type { Answer } from "./answer.ts";
import { isWritable } from "./answer.ts";
import { answerSliceBytes, joinedBytesMax, lingerBytesMax, lingerMs } from "./limits.ts";
import { slices, untilRoom } from "./readers.ts";
import type { UnreadAnswers } from "./unread-answers.ts";

/** `failed`: the body ended in an error, so the connection was cut to let the client know. */
export type SendOutcome = "sent" | "aborted" | "failed";

/**
 * Writes an answer at the client's pace. Never rejects. A client that stops reading, hangs up, or is
 * owed a body that fails, loses its connection; the body's iterator is always closed.
 */
export async function sendAnswer(
  { message, response }: { readonly message: IncomingMessage; readonly response: ServerResponse },
  answer: Answer,
  deps: { readonly clock: Clock; readonly unread: UnreadAnswers },
): Promise<SendOutcome> {
  const safe = isWritable(answer) ? answer : unwritable;
  const { body } = safe;
  if (safe !== answer && !(answer.body instanceof Uint8Array)) await discard(answer.body);
  const isBodyless = message.method === "HEAD" || safe.status === 204 || safe.status === 304;
  const headers: Record<string, string | string[]> = {};
  for (const name in safe.headers) {
    const value = safe.headers[name];
    if (value !== undefined) headers[name] = typeof value === "string" ? value : [...value];
  }
  if (body instanceof Uint8Array && safe.status !== 204 && safe.status !== 304) {
    headers["content-length"] = String(body.byteLength);
  }
  response.on("error", () => response.destroy());
  response.writeHead(safe.status, headers);
  if (!message.complete) swallowRest(message, response, deps.clock);
  if (body instanceof Uint8Array && !isBodyless && body.byteLength > answerSliceBytes) {
    using _held = deps.unread.hold(response, body.byteLength);
    return await pump(slices(body), response, deps.clock); // awaited: `using` ends with the function
  }
  if (body instanceof Uint8Array) {
    if (isBodyless) response.end();
    else endWith(response, body);
    return response.destroyed ? "aborted" : "sent";
  }
  if (isBodyless) {
    await discard(body);
    response.end();
    return "sent";
  }
  response.flushHeaders();
  return pump(slices(body), response, deps.clock);
}

/**
 * Node joins a head and a body that are both strings into one write, and hands a body of bytes over beside
 * the head in a more expensive call. As latin1 a string is its bytes.
 */
function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > joinedBytesMax) return void response.end(body);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  response.end(bytes.toString("latin1"), "latin1");
}

const unwritable: Answer = {
  status: 502,
  headers: { "content-type": "application/json" },
  body: Buffer.from('{"Message":"Internal Server Error"}'),
};

async function pump(
  body: AsyncIterable<Uint8Array>,
  response: ServerResponse,
  clock: Clock,
): Promise<SendOutcome> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await iterator.next();
      if (response.destroyed) {
        await iterator.return?.();
        return "aborted";
      }
      if (result.done) break;
      if (!response.write(result.value)) await untilRoom(response, clock);
    }
    response.end();
    return "sent";
  } catch {
    if (response.destroyed) return "aborted";
    // What was written still goes out, but never the chunk that would say "this was all".
    await new Promise((resolve) => setImmediate(resolve));
    response.socket?.destroySoon();
    return "failed";
  }
}

async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await body[Symbol.asyncIterator]().return?.();
  } catch {
    // The body is not wanted, and neither is its failure.
  }
}

/** Answering early must not leave a sender stuck, nor let it send for ever. */
function swallowRest(message: IncomingMessage, response: ServerResponse, clock: Clock): void {
  response.once("finish", () => {
    if (message.complete) return;
    let byteCount = 0;
    const timer = clock.timer(lingerMs, () => message.destroy());
    message.on("data", (piece: Uint8Array) => {
      byteCount += piece.byteLength;
      if (byteCount > lingerBytesMax) message.destroy();
    });
    message.once("close", () => timer[Symbol.dispose]());
    message.on("error", () => undefined); // the exchange is over; nobody is told
    message.resume();
  });
}
