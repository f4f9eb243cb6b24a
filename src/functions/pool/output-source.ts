import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import {
  idleReadBytesPerWindow,
  idleReadWindowMs,
  lineReadBytes,
  readBytesPerWindow,
  readWindowMs,
} from "./limits.ts";
import { LineSplitter } from "./line-splitter.ts";

const paces = {
  running: { bytes: readBytesPerWindow, windowMs: readWindowMs },
  idle: { bytes: idleReadBytesPerWindow, windowMs: idleReadWindowMs },
} as const;

/** What a source asks of the pump it belongs to. */
export interface SourceOwner {
  readonly deliver: (lines: readonly string[]) => void;
  readonly isIdle: () => boolean;
  /** What arrives now may belong to several invocations: it is held until `release`. */
  readonly isAmbiguous: () => boolean;
  /** Something has been held. */
  readonly held: () => void;
}

/**
 * One output stream of a sandbox. A function that prints faster than `readBytesPerWindow` waits for its
 * own output: the platform's loop is never its victim. Between invocations far less is read.
 */
export class OutputSource {
  readonly #splitter = new LineSplitter();
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #owner: SourceOwner;
  readonly #end = Promise.withResolvers<void>();
  readonly #held: Buffer[] = [];
  #pace: keyof typeof paces = "running";
  #windowBytes = 0;
  #window: Disposable | undefined;
  /** Bytes read since the sandbox started, and how many of them have been delivered. */
  readBytes = 0;
  #deliveredBytes = 0;

  constructor(socket: Socket, clock: Clock, owner: SourceOwner) {
    this.#socket = socket;
    this.#clock = clock;
    this.#owner = owner;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.once("error", () => this.#end.resolve());
    socket.once("end", () => this.#end.resolve());
    socket.once("close", () => {
      this.#window?.[Symbol.dispose]();
      this.flush();
      this.#end.resolve();
    });
  }

  /** An invocation begins: no more waiting, but what was read in this window stays counted. */
  quicken(): void {
    if (!this.#window || this.#pace === "running") return;
    this.#window[Symbol.dispose]();
    this.#open("running");
    this.#socket.resume();
  }

  /** Delivers what is held of the first `untilBytes` bytes ever read; everything by default. */
  release(untilBytes: number = Infinity): void {
    while (this.#held.length > 0 && this.#deliveredBytes < untilBytes) {
      const chunk = this.#held.shift() ?? Buffer.alloc(0);
      const wantedBytes = untilBytes - this.#deliveredBytes;
      const now = wantedBytes < chunk.length ? chunk.subarray(0, wantedBytes) : chunk;
      if (now.length < chunk.length) this.#held.unshift(chunk.subarray(now.length));
      this.#deliver(now);
    }
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  get ended(): Promise<void> {
    return this.#end.promise;
  }

  giveUp(): void {
    this.#end.resolve();
  }

  /** Everything held, and the beginning of a line without an end. */
  flush(): void {
    this.release();
    this.flushLine();
  }

  flushLine(): void {
    const rest = this.#splitter.flush();
    if (rest !== undefined) this.#owner.deliver([rest]);
  }

  #onData(chunk: Buffer): void {
    this.#windowBytes += chunk.length;
    this.readBytes += chunk.length;
    if (this.#held.length > 0 || this.#owner.isAmbiguous()) {
      this.#held.push(chunk);
      this.#owner.held();
    } else this.#deliver(chunk);
    if (!this.#window) this.#open(this.#owner.isIdle() ? "idle" : "running");
    if (this.#windowBytes > paces[this.#pace].bytes) this.#socket.pause();
  }

  #deliver(chunk: Buffer): void {
    this.#deliveredBytes += chunk.length;
    const lines = this.#splitter.push(chunk);
    this.#windowBytes += lines.length * lineReadBytes;
    this.#owner.deliver(lines);
  }

  #open(pace: keyof typeof paces): void {
    this.#pace = pace;
    this.#window = this.#clock.timer(paces[pace].windowMs, () => {
      this.#window = undefined;
      this.#windowBytes = 0;
      this.#socket.resume();
    });
  }
}
