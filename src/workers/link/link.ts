import type { Duplex } from "node:stream";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { callsMax, linkBacklogBytesMax, streamWindowBytes } from "../limits.ts";
import { encodeHead, type Frame, FrameReader, kinds } from "./frames.ts";
import { fromWire, toWire } from "./failures.ts";
import { IncomingStream, OutgoingStream } from "./streams.ts";

/** Bytes as they are, with a description in JSON beside them. */
export interface Message {
  readonly meta: unknown;
  readonly body: Uint8Array;
}

/** What a call was answered with. */
export interface Reply extends Message {
  /** The answer's bytes as they come; `body` is empty then. */
  readonly stream: AsyncIterable<Uint8Array> | undefined;
  /** How it ended, where the callee tells that apart. Rejects when the link breaks first. */
  readonly settled: Promise<Message> | undefined;
}

/** Bytes to send, in one piece or in several that are written one after the other. */
export type Bytes = Uint8Array | readonly Uint8Array[];

/** A call of the other process, to be answered by exactly one of `reply`, `begin` or `fail`. */
export interface IncomingCall extends Message {
  readonly name: string;
  /** Aborts when the caller has lost interest or the link is gone. */
  readonly signal: AbortSignal;
  reply(meta: unknown, body?: Bytes): void;
  /** The answer's bytes, whole or as they come; `settle` ends it. Resolves when they have been passed on. */
  begin(meta: unknown, payload: Bytes | AsyncIterable<Uint8Array>): Promise<void>;
  settle(meta: unknown, body?: Bytes): void;
  /** Errors of the platform's own classes arrive as what they were. */
  fail(error: unknown): void;
}

export interface LinkDeps {
  readonly socket: Duplex;
  /** Called for each call of the other side; must not throw. */
  readonly onCall: (call: IncomingCall) => void;
  readonly onNote: (name: string, meta: unknown) => void;
}

interface OpenCall {
  readonly answered: PromiseWithResolvers<Reply>;
  settled: PromiseWithResolvers<Message> | undefined;
  stream: IncomingStream | undefined;
}

const nothing = Buffer.alloc(0);

/**
 * Two processes of one server, talking both ways over one connection: calls with an answer, which may
 * be streamed, and notes without one. Payloads are written as they are; what is written within one
 * turn leaves in one system call. Both ends are the same program, so a frame that makes no sense is a
 * defect and breaks the link.
 */
export class Link implements Disposable {
  readonly #deps: LinkDeps;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, OpenCall>();
  readonly #incoming = new Map<number, { abort(): void; out: OutgoingStream | undefined }>();
  readonly #gone = Promise.withResolvers<void>();
  #nextNumber = 1;
  #corked = false;
  #isClosed = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    deps.socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    deps.socket.on("error", () => deps.socket.destroy());
    deps.socket.on("close", () => this.#close());
    deps.socket.on("end", () => deps.socket.destroy());
  }

  /** Resolves when the other side is gone. */
  get closed(): Promise<void> {
    return this.#gone.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Errors: `worker.lost` when the link breaks before the answer, `queue.full`, and what the callee
   * failed with. Aborting tells the callee; the answer is still waited for, as it is of a call at home.
   */
  async call(
    name: string,
    message: { readonly meta?: unknown; readonly body?: Bytes; readonly signal?: AbortSignal },
  ): Promise<Reply> {
    const { meta = null, body = nothing, signal } = message;
    signal?.throwIfAborted();
    if (this.#isClosed) throw lost();
    if (this.#calls.size >= callsMax || this.#deps.socket.writableLength > linkBacklogBytesMax)
      throw new PlatformError("queue.full", "too much waits for another worker process");
    const number = this.#nextNumber++;
    const open: OpenCall = {
      answered: Promise.withResolvers(),
      settled: undefined,
      stream: undefined,
    };
    this.#calls.set(number, open);
    const onAbort = (): void => this.#send(kinds.cancel, number);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#send(kinds.call, number, [name, meta], body);
    try {
      return await open.answered.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Lost silently when the link is. */
  tell(name: string, meta: unknown): void {
    this.#send(kinds.note, 0, [name, meta]);
  }

  /** Breaks the link; what is open fails. */
  [Symbol.dispose](): void {
    this.#deps.socket.destroy();
    this.#close();
  }

  #send(kind: number, number: number, meta?: unknown, body: Bytes = nothing): void {
    const { socket } = this.#deps;
    if (this.#isClosed || socket.destroyed) return;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        socket.uncork();
      });
    }
    const text = meta === undefined ? "" : JSON.stringify(meta);
    const parts = body instanceof Uint8Array ? [body] : body;
    const bodyBytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    socket.write(encodeHead({ kind, number, meta: text, bodyBytes }));
    for (const part of parts) if (part.byteLength > 0) socket.write(part);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch {
      this.#deps.socket.destroy(); // a defect; whoever waits is told that the process is lost
    }
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case kinds.call:
        return this.#begin(frame);
      case kinds.note: {
        const [name, meta] = readMeta(frame) as [string, unknown]; // written by `tell`
        return this.#deps.onNote(name, meta);
      }
      case kinds.cancel:
        return this.#incoming.get(frame.number)?.abort();
      case kinds.credit:
        return this.#incoming.get(frame.number)?.out?.credit(Number(readMeta(frame)));
      default:
        return this.#answered(frame);
    }
  }

  #answered(frame: Frame): void {
    const { number, kind, body } = frame;
    const open = this.#calls.get(number);
    if (!open) return; // given up meanwhile
    switch (kind) {
      case kinds.failure:
        this.#calls.delete(number);
        return open.answered.reject(fromWire(readMeta(frame)));
      case kinds.reply:
        this.#calls.delete(number);
        return open.answered.resolve({
          meta: readMeta(frame),
          body,
          stream: undefined,
          settled: undefined,
        });
      case kinds.replyWhole:
      case kinds.replyStream:
        return this.#opened(open, frame);
      case kinds.data:
        return open.stream?.push(body);
      case kinds.dataEnd:
        return open.stream?.end(undefined);
      case kinds.dataBroken:
        return open.stream?.end(new Error("the function's response broke off"));
      case kinds.settled:
        this.#calls.delete(number);
        return open.settled?.resolve({ meta: readMeta(frame), body });
      default:
        throw new RangeError(`a frame of kind ${kind}`);
    }
  }

  #opened(open: OpenCall, frame: Frame): void {
    const { number } = frame;
    const settled = Promise.withResolvers<Message>();
    ignore(settled.promise, "told to whoever asks; a lost link has already failed the answer");
    open.settled = settled;
    if (frame.kind === kinds.replyStream)
      open.stream = new IncomingStream({
        windowBytes: streamWindowBytes,
        credit: (bytes) => this.#send(kinds.credit, number, bytes),
        cancel: () => this.#send(kinds.cancel, number),
      });
    open.answered.resolve({
      meta: readMeta(frame),
      body: frame.body,
      stream: open.stream,
      settled: settled.promise,
    });
  }

  #begin(frame: Frame): void {
    const { number, body } = frame;
    const [name, meta] = readMeta(frame) as [string, unknown]; // written by `call`
    const gaveUp = new AbortController();
    const entry: { abort(): void; out: OutgoingStream | undefined } = {
      abort: () => gaveUp.abort(new Error("The caller hung up.")),
      out: undefined,
    };
    this.#incoming.set(number, entry);
    const last = (kind: number, told: unknown, bytes?: Bytes): void => {
      this.#incoming.delete(number);
      this.#send(kind, number, told, bytes);
    };
    this.#deps.onCall({
      name,
      meta,
      body,
      signal: gaveUp.signal,
      reply: (told, bytes) => last(kinds.reply, told, bytes),
      fail: (error) => last(kinds.failure, toWire(error)),
      settle: (told, bytes) => last(kinds.settled, told, bytes),
      begin: async (told, payload) => {
        if (!isStream(payload)) return this.#send(kinds.replyWhole, number, told, payload);
        this.#send(kinds.replyStream, number, told);
        entry.out = new OutgoingStream(streamWindowBytes, gaveUp.signal);
        const isWhole = await entry.out.pass(payload, (chunk) =>
          this.#send(kinds.data, number, undefined, chunk),
        );
        this.#send(isWhole ? kinds.dataEnd : kinds.dataBroken, number);
      },
    });
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const open of this.#calls.values()) {
      open.answered.reject(lost());
      open.stream?.end(lost());
      open.settled?.reject(lost());
    }
    this.#calls.clear();
    for (const entry of this.#incoming.values()) entry.abort();
    this.#incoming.clear();
    this.#gone.resolve();
  }
}

function isStream(
  payload: Bytes | AsyncIterable<Uint8Array>,
): payload is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in payload;
}

function readMeta(frame: Frame): unknown {
  return frame.meta.length === 0 ? undefined : JSON.parse(frame.meta.toString("utf8"));
}

function lost(): PlatformError {
  return new PlatformError(
    "worker.lost",
    "The worker process that had this request ended before it was answered: try again.",
  );
}
