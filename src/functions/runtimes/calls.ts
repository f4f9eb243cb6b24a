import type { Clock } from "#base/clock.ts";
import type { PlatformError } from "#base/errors.ts";
import { removeFrom } from "#base/lists.ts";
import type { Sandbox } from "#functions/sandbox/sandbox.ts";
import type { Channel, FieldWriter, FrameReceiver } from "./channel/channel.ts";
import {
  fields,
  findField,
  FrameError,
  kinds,
  readAnswerFields,
  readFields,
} from "./channel/frames.ts";
import type { AnswerFields, Frame } from "./channel/frames.ts";
import { readError, responseTooLarge } from "./error-body.ts";
import { lastBreathMs, responseBytesMax } from "./limits.ts";
import { collectStream, streamResponse } from "./managed-stream.ts";
import type { StreamPart, StreamSource } from "./managed-stream.ts";
import type {
  AnswerFigures,
  GuestRequest,
  GuestResponse,
  InvocationReceiver,
  OutputMark,
} from "./runtimes.ts";
import { within } from "./waiting.ts";

/** Parts of a stream nobody has asked for yet, at which the channel is no longer read. */
const queuedPartsMax = 16;

const lost = { kind: "not-begun", isGone: true } as const;
const givenBack = { kind: "not-begun", isGone: false } as const;

/** One invocation a guest has been sent and has not finished. */
class Call {
  readonly number: number;
  readonly request: GuestRequest;
  readonly receiver: InvocationReceiver;
  stream: PartQueue | undefined;

  constructor(number: number, request: GuestRequest, receiver: InvocationReceiver) {
    this.number = number;
    this.request = request;
    this.receiver = receiver;
    this.stream = undefined;
  }

  writeFields(writer: FieldWriter): void {
    const { request } = this;
    writer.field(fields.requestId, request.requestId);
    writer.field(fields.functionArn, request.functionArn);
    writer.field(fields.deadlineMs, String(request.deadlineMs));
    if (request.traceHeader !== "") writer.field(fields.traceHeader, request.traceHeader);
    if (request.clientContext !== undefined)
      writer.field(fields.clientContext, request.clientContext);
    if (request.cognitoIdentity !== undefined)
      writer.field(fields.cognitoIdentity, request.cognitoIdentity);
    if (request.streaming) writer.field(fields.streaming, "1");
    if (request.wantsHttp === true) writer.field(fields.wantsHttp, "1");
  }
}

export interface CallsDeps {
  /** The guest's process, or the whole sandbox where that is one. */
  readonly sandbox: Pick<Sandbox, "exited">;
  readonly channel: Channel;
  readonly clock: Clock;
  /** Invocations the guest runs side by side; those sent beyond wait in its inbox. */
  readonly concurrency: number;
}

/**
 * The invocations a managed guest has in hand. The guest works them off in order, so whatever lies
 * behind the first `concurrency` unanswered ones has not begun; if the guest ends, or gives them back,
 * those are answered with `not-begun` and can run elsewhere.
 */
export class Calls implements FrameReceiver {
  readonly #deps: CallsDeps;
  readonly #begun: Call[] = [];
  readonly #waiting: Call[] = [];
  #number = 0;
  #isRecalling = false;
  /** What is sent behind a RECALL is not meant by it, and the guest keeps it. */
  #recalledUpTo: number | undefined;
  #end: PlatformError | undefined;
  #abandonReason: Error | undefined;
  #hasBrokenProtocol = false;
  /** The guest has answered everything it had begun and is about to end. */
  #hasSaidLast = false;

  constructor(deps: CallsDeps) {
    this.#deps = deps;
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    this.#number = (this.#number + 1) >>> 0 || 1;
    if (this.#end || this.#hasSaidLast) return receiver.answered(lost);
    const call = new Call(this.#number, request, receiver);
    this.#deps.channel.send(kinds.invoke, call.number, call, request.payload);
    this.#waiting.push(call);
    this.#begin();
  }

  /** Asks for back what has not begun; it is answered with `not-begun` when the guest has let it go. */
  recall(): void {
    if (this.#isRecalling || this.#waiting.length === 0) return;
    this.#isRecalling = true;
    this.#recalledUpTo = this.#waiting.at(-1)?.number;
    this.#deps.channel.send(kinds.recall, 0, []);
  }

  /** What has begun rejects with `reason`; the guest is of no use afterwards. */
  abandon(reason: Error): void {
    this.#abandonReason ??= reason;
    this.#deps.channel.close();
  }

  frame(frame: Frame): void {
    if (frame.kind === kinds.recalled) return this.#recalled(frame.number);
    const call = this.#find(frame.number);
    if (!call) throw new FrameError(`an answer to invocation ${frame.number}`);
    if (call.stream) return this.#streamed(call, call.stream, frame);
    switch (frame.kind) {
      case kinds.response:
        return this.#answer(call, payloadOf(frame));
      case kinds.http:
        return this.#answer(call, httpOf(frame));
      case kinds.error:
        return this.#answerError(call, frame);
      case kinds.streamBegin:
        return this.#beginStream(call, frame);
      default:
        throw new FrameError(`frame ${frame.kind} as an answer`);
    }
  }

  /** Few have begun, mostly one. */
  #find(number: number): Call | undefined {
    for (const call of this.#begun) if (call.number === number) return call;
    return undefined;
  }

  failed(error: PlatformError): void {
    this.#end = error;
    for (const call of this.#waiting.splice(0)) call.receiver.answered(lost);
    for (const call of this.#begun.slice()) {
      // It was sent when the guest no longer read.
      if (this.#hasSaidLast && !call.stream) call.receiver.answered(lost);
      else void this.#tellEnd(call, error);
    }
  }

  #answer(call: Call, response: GuestResponse): void {
    removeFrom(this.#begun, call);
    call.receiver.answered(response);
    this.#begin();
  }

  #begin(): void {
    while (this.#begun.length < this.#deps.concurrency) {
      const call = this.#waiting.shift();
      if (!call) return;
      this.#begun.push(call);
      call.receiver.begun();
    }
  }

  /** A guest that answered and is about to end must not be taken for one that can be used again. */
  #answerError(call: Call, frame: Frame): void {
    const response = {
      kind: "error",
      error: readError(readFields(frame.metadata), frame),
      ...figuresOf(readAnswerFields(frame)),
    } as const;
    if (!frame.isLast) return this.#answer(call, response);
    this.#hasSaidLast = true;
    removeFrom(this.#begun, call);
    const gone = within(this.#deps.sandbox.exited, lastBreathMs, this.#deps.clock);
    void gone.then(() => call.receiver.answered(response));
  }

  #beginStream(call: Call, frame: Frame): void {
    const parts = new PartQueue(this.#deps.channel);
    call.stream = parts;
    const source: StreamSource = {
      requestId: call.request.requestId,
      next: () => parts.next(),
      onAbandon: (tell) => parts.onAbandon(tell),
      abandon: () => (this.#deps.concurrency > 1 ? parts.discard() : this.#deps.channel.close()),
    };
    if (call.request.streaming) {
      const contentType = findField(readFields(frame.metadata), fields.contentType);
      return call.receiver.answered(streamResponse(source, contentType));
    }
    collectStream(source).then(
      (response) => call.receiver.answered(response),
      (error: unknown) => call.receiver.failed(error),
    );
  }

  #streamed(call: Call, parts: PartQueue, frame: Frame): void {
    if (frame.kind === kinds.streamData) return parts.push({ kind: "bytes", bytes: frame.body });
    if (frame.kind === kinds.streamEnd) parts.push({ kind: "end" });
    else if (frame.kind === kinds.streamError) {
      parts.push({ kind: "error", error: readError(readFields(frame.metadata), frame) });
    } else throw new FrameError(`frame ${frame.kind} in a stream`);
    removeFrom(this.#begun, call);
    this.#begin();
  }

  #recalled(firstNumber: number): void {
    if (!this.#isRecalling) throw new FrameError("it gave back what nobody asked for");
    this.#isRecalling = false;
    if (firstNumber === 0) return;
    const from = this.#waiting.findIndex((call) => call.number === firstNumber);
    if (from < 0) throw new FrameError(`it gave back invocation ${firstNumber}`);
    const to = this.#waiting.findIndex((call) => call.number === this.#recalledUpTo);
    for (const call of this.#waiting.splice(from, to - from + 1)) call.receiver.answered(givenBack);
  }

  /** Why there will be no answer: given up by us, a breach of the protocol, or how the sandbox ended. */
  async #tellEnd(call: Call, error: PlatformError): Promise<void> {
    removeFrom(this.#begun, call);
    const { receiver, stream } = call;
    const reject = (reason: Error): void => {
      // Of a stream that has begun its reader is told.
      if (stream) stream.fail(reason);
      else receiver.failed(reason);
    };
    if (this.#abandonReason) return reject(this.#abandonReason);
    if (error.cause instanceof FrameError && !this.#hasBrokenProtocol) {
      this.#hasBrokenProtocol = true; // told once; afterwards there is only the end to tell
      return reject(error);
    }
    const exit = await within(this.#deps.sandbox.exited, lastBreathMs, this.#deps.clock);
    if (this.#abandonReason) return reject(this.#abandonReason);
    if (!exit) return reject(error);
    if (stream) stream.push({ kind: "exit", exit });
    else receiver.answered({ kind: "exit", exit });
  }
}

/** Parts of one response stream between the channel and whoever reads them, at the reader's pace. */
class PartQueue {
  readonly #channel: Channel;
  readonly #parts: StreamPart[] = [];
  #waiting: PromiseWithResolvers<StreamPart> | undefined;
  #failure: Error | undefined;
  #isDiscarding = false;
  #tell: ((reason: Error) => void) | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  push(part: StreamPart): void {
    if (this.#isDiscarding) return;
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      return waiting.resolve(part);
    }
    this.#parts.push(part);
    if (this.#parts.length >= queuedPartsMax) this.#channel.pause();
  }

  /** Nobody wants the rest, and others want the channel. */
  discard(): void {
    this.#isDiscarding = true;
    this.#parts.length = 0;
    this.#channel.resume();
  }

  fail(reason: Error): void {
    this.#failure = reason;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    this.#tell?.(reason);
  }

  onAbandon(tell: (reason: Error) => void): void {
    this.#tell = tell;
    if (this.#failure) tell(this.#failure);
  }

  next(): Promise<StreamPart> {
    const part = this.#parts.shift();
    if (part) {
      if (this.#parts.length < queuedPartsMax / 2) this.#channel.resume();
      return Promise.resolve(part);
    }
    if (this.#failure) return Promise.reject(this.#failure);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }
}

function payloadOf(frame: Frame): GuestResponse {
  if (frame.bodyByteCount > responseBytesMax) return { kind: "error", error: responseTooLarge() };
  const { output, tookMs } = figuresOf(readAnswerFields(frame));
  return { kind: "payload", payload: frame.body, output, tookMs };
}

function httpOf(frame: Frame): GuestResponse {
  const found = readAnswerFields(frame);
  const { head, isBase64 } = found;
  if (!head) throw new FrameError("an HTTP answer without a head");
  if (head.length + frame.bodyByteCount > responseBytesMax) {
    return { kind: "error", error: responseTooLarge() };
  }
  const { output, tookMs } = figuresOf(found);
  return { kind: "http", head, body: frame.body, isBase64, output, tookMs };
}

function figuresOf({ outputMark, tookUs }: AnswerFields): AnswerFigures {
  return { output: markOf(outputMark), tookMs: tookUs >= 0 ? tookUs / 1_000 : undefined };
}

/** Undefined where the guest printed nothing since its last answer. */
function markOf(text: string | undefined): OutputMark | undefined {
  if (text === undefined) return undefined;
  const [stdout, stderr] = text.split(",", 2).map(Number);
  if (!Number.isSafeInteger(stdout) || !Number.isSafeInteger(stderr)) return undefined;
  return { stdout: Number(stdout), stderr: Number(stderr) };
}
