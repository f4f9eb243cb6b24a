import type { Socket } from "node:net";
import { PlatformError } from "#base/errors.ts";
import { FrameError, FrameReader } from "./frames.ts";
import type { Frame } from "./frames.ts";
import { FrameWriter, type Metadata } from "./writer.ts";

export type { FieldWriter } from "./writer.ts";

/** The platform's end of a guest's channel. */
export interface Channel {
  /**
   * Leaves at the end of this turn, with all that was sent in it. On a channel that is already broken
   * this does nothing: whoever reads next is told.
   */
  send(kind: number, number: number, metadata: Metadata, body?: Uint8Array): void;
  /**
   * The next frame, in order. Errors: `channel.broken` when the guest hung up or broke the protocol.
   * One reader at a time; the socket is read only while there is room for what nobody has asked for yet.
   */
  next(): Promise<Frame>;
  /** From now on frames go to `receiver` as they arrive, and the end too; `next` is over. */
  pass(receiver: FrameReceiver): void;
  /** The socket is not read any more, or again: a guest that writes then waits. */
  pause(): void;
  resume(): void;
  /** Hangs up; a well-behaved guest ends. Idempotent. */
  close(): void;
}

export interface FrameReceiver {
  /** Throwing `FrameError` breaks the channel. */
  frame(frame: Frame): void;
  /** Once: `channel.broken`. */
  failed(error: PlatformError): void;
}

/** Frames waiting for their reader, at which the socket is no longer read. */
const queuedFramesMax = 16;

export function createChannel(socket: Socket): Channel {
  return new SocketChannel(socket);
}

class SocketChannel implements Channel {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #writer: FrameWriter;
  readonly #queue: Frame[] = [];
  #waiting: PromiseWithResolvers<Frame> | undefined;
  #receiver: FrameReceiver | undefined;
  #failure: PlatformError | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#writer = new FrameWriter(socket);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (error) => this.#fail("its socket failed", error));
    socket.on("end", () => this.#fail("the guest hung up"));
    socket.on("close", () => this.#fail("the guest hung up"));
  }

  send(kind: number, number: number, metadata: Metadata, body?: Uint8Array): void {
    if (this.#failure) return;
    this.#writer.add(kind, number, metadata, body);
  }

  next(): Promise<Frame> {
    const frame = this.#queue.shift();
    if (frame) {
      if (this.#queue.length < queuedFramesMax / 2) this.#socket.resume();
      return Promise.resolve(frame);
    }
    if (this.#failure) return Promise.reject(this.#failure);
    this.#waiting ??= Promise.withResolvers<Frame>();
    return this.#waiting.promise;
  }

  pass(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    for (const frame of this.#queue.splice(0)) receiver.frame(frame);
    if (this.#failure) receiver.failed(this.#failure);
    else this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#fail("it was closed");
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, this.#deliver);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(error.message, error);
    }
  }

  readonly #deliver = (frame: Frame): void => {
    if (this.#receiver) return this.#receiver.frame(frame);
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve(frame);
      return;
    }
    this.#queue.push(frame);
    if (this.#queue.length >= queuedFramesMax) this.#socket.pause();
  };

  #fail(why: string, cause?: unknown): void {
    if (this.#failure) return;
    this.#failure = new PlatformError("channel.broken", `The channel to a guest broke: ${why}.`, {
      cause,
    });
    this.#writer.flush();
    this.#socket.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
    this.#receiver?.failed(this.#failure);
  }
}
