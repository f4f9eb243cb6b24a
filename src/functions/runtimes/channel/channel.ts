import type { Socket } from "node:net";
import { PlatformError } from "#base/errors.ts";
import { encodeHead, FrameError, FrameReader } from "./frames.ts";
import type { Field, Frame } from "./frames.ts";

/** The platform's end of a guest's channel. Reads only while someone wants frames. */
export interface Channel {
  /** On a channel that is already broken this does nothing: whoever reads next is told. */
  send(kind: number, number: number, metadata: readonly Field[], body?: Uint8Array): void;
  /**
   * The next frame, in order. Errors: `channel.broken` when the guest hung up or broke the protocol.
   * One reader at a time.
   */
  next(): Promise<Frame>;
  /** Hangs up; a well-behaved guest ends. Idempotent. */
  close(): void;
}

/** Frames waiting for their reader, at which the socket is no longer read. */
const queuedFramesMax = 16;

export function createChannel(socket: Socket): Channel {
  return new SocketChannel(socket);
}

class SocketChannel implements Channel {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #queue: Frame[] = [];
  #waiting: PromiseWithResolvers<Frame> | undefined;
  #failure: PlatformError | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (error) => this.#fail("its socket failed", error));
    socket.on("end", () => this.#fail("the guest hung up"));
    socket.on("close", () => this.#fail("the guest hung up"));
  }

  send(kind: number, number: number, metadata: readonly Field[], body?: Uint8Array): void {
    if (this.#failure) return;
    const bodyBytes = body?.byteLength ?? 0;
    this.#socket.cork();
    this.#socket.write(encodeHead({ kind, number, metadata, bodyBytes }));
    if (body && bodyBytes > 0) this.#socket.write(body);
    this.#socket.uncork();
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

  close(): void {
    this.#fail("it was closed");
  }

  #onData(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#deliver(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(error.message, error);
    }
  }

  #deliver(frame: Frame): void {
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve(frame);
      return;
    }
    this.#queue.push(frame);
    if (this.#queue.length >= queuedFramesMax) this.#socket.pause();
  }

  #fail(why: string, cause?: unknown): void {
    if (this.#failure) return;
    this.#failure = new PlatformError("channel.broken", `The channel to a guest broke: ${why}.`, {
      cause,
    });
    this.#socket.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}
