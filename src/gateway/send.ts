import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#base/clock.ts";
import type { Soon } from "#base/soon.ts";
import { formatTraceRoot, traceHeaderName } from "#telemetry/trace-header.ts";
import { type Answer, type HeaderList, isFinalStatus } from "./answer.ts";
import { answerSliceBytes, joinedBytesMax, lingerBytesMax, lingerMs } from "./limits.ts";
import { slices, untilRoom } from "./readers.ts";
import type { ResponseHeads } from "./response-heads.ts";
import type { Facts } from "./routing.ts";
import type { UnreadAnswers } from "./unread-answers.ts";

/** `failed`: the body ended in an error, so the connection was cut to let the client know. */
export type SendOutcome = "sent" | "aborted" | "failed";

interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

interface Sent {
  readonly answer: Answer;
  /** Every answer says which request and which trace it belongs to. */
  readonly facts: Pick<Facts, "requestId" | "trace">;
}

interface SendDeps {
  readonly clock: Clock;
  readonly unread: UnreadAnswers;
  readonly heads: ResponseHeads;
}

/**
 * Writes an answer at the client's pace; at once where it is small and whole. Never rejects. A client that stops
 * reading, hangs up, or is owed a body that fails, loses its connection; the body's iterator is
 * always closed.
 */
export function sendAnswer(exchange: Exchange, sent: Sent, deps: SendDeps): Soon<SendOutcome> {
  const { message, response } = exchange;
  const { status, headers, body } = sent.answer;
  const known = isFinalStatus(status) ? deps.heads.list(headers) : undefined;
  if (!known) return sendInstead(exchange, sent, deps);
  const hasNone = status === 204 || status === 304;
  const isBodyless = hasNone || message.method === "HEAD";
  const isWhole = body instanceof Uint8Array;
  response.on("error", destroyThis);
  // Also to HEAD, which brings no body.
  const isTold = headers["content-length"] !== undefined;
  response.writeHead(status, headerLines(known, sent, isWhole && !hasNone && !isTold));
  if (!message.complete) swallowRest(message, response, deps.clock);
  if (!isWhole) return isBodyless ? sendNone(response, body) : sendPieces(response, body, deps);
  if (isBodyless) response.end();
  else if (body.byteLength > answerSliceBytes) return sendSlices(response, body, deps);
  else endWith(response, body);
  return response.destroyed ? "aborted" : "sent";
}

function headerLines(known: HeaderList, { answer, facts }: Sent, isCounted: boolean): string[] {
  const lines = known.list.slice();
  if (!known.hasRequestId) lines.push("x-amzn-requestid", facts.requestId);
  lines.push(traceHeaderName, formatTraceRoot(facts.trace));
  if (isCounted && answer.body instanceof Uint8Array)
    lines.push("content-length", String(answer.body.byteLength));
  return lines;
}

/** One function for all responses. */
function destroyThis(this: ServerResponse): void {
  this.destroy();
}

/** What cannot be written is the function's mistake. */
async function sendInstead(exchange: Exchange, sent: Sent, deps: SendDeps): Promise<SendOutcome> {
  const { body } = sent.answer;
  if (!(body instanceof Uint8Array)) await discard(body);
  return sendAnswer(exchange, { answer: unwritable, facts: sent.facts }, deps);
}

async function sendNone(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
): Promise<SendOutcome> {
  await discard(body);
  response.end();
  return "sent";
}

async function sendPieces(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  deps: SendDeps,
): Promise<SendOutcome> {
  response.flushHeaders();
  return pump(slices(body), response, deps.clock);
}

async function sendSlices(
  response: ServerResponse,
  body: Uint8Array,
  deps: SendDeps,
): Promise<SendOutcome> {
  using _held = deps.unread.hold(response, body.byteLength);
  return await pump(slices(body), response, deps.clock); // awaited: `using` ends with the function
}

/**
 * Node joins a head and a body that are both strings into one write, and hands a body of bytes over beside
 * the head in a more expensive call. As latin1 a string is its bytes.
 */
function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > joinedBytesMax) return void response.end(body);
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
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
