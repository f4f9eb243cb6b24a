interface IncomingDeps {
  readonly windowBytes: number;
  /** So many bytes more may be sent. */
  readonly credit: (bytes: number) => void;
  readonly cancel: () => void;
}

/** The receiving end of a streamed answer: chunks wait here until they are read, a window's worth. */
export class IncomingStream implements AsyncIterable<Uint8Array> {
  readonly #deps: IncomingDeps;
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error: Error | undefined } | undefined;
  #isUnwanted = false;
  #owedBytes = 0;

  constructor(deps: IncomingDeps) {
    this.#deps = deps;
  }

  push(chunk: Uint8Array): void {
    if (this.#isUnwanted) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  /** Undefined: complete. The first word counts. */
  end(error: Error | undefined): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  /** A reader that stops tells the other side, which lets the function go on without it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk) {
          this.#consumed(chunk.byteLength);
          yield chunk;
        } else if (this.#ended) {
          if (this.#ended.error) throw this.#ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.#isUnwanted = true;
      if (!this.#ended) this.#deps.cancel();
    }
  }

  #consumed(bytes: number): void {
    this.#owedBytes += bytes;
    if (this.#owedBytes < this.#deps.windowBytes / 2) return;
    this.#deps.credit(this.#owedBytes);
    this.#owedBytes = 0;
  }
}

/** The sending end: never more than a window's worth is under way unread. */
export class OutgoingStream {
  readonly #signal: AbortSignal;
  #leftBytes: number;
  #wake: (() => void) | undefined;

  constructor(windowBytes: number, signal: AbortSignal) {
    this.#leftBytes = windowBytes;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  credit(bytes: number): void {
    this.#leftBytes += bytes;
    this.#wake?.();
  }

  /** False when the source failed or nobody wants the rest; its iterator is closed in every case. */
  async pass(
    source: AsyncIterable<Uint8Array>,
    send: (chunk: Uint8Array) => void,
  ): Promise<boolean> {
    try {
      for await (const chunk of source) {
        // One chunk may overdraw the window, so that none has to be cut.
        while (this.#leftBytes <= 0 && !this.#signal.aborted)
          await new Promise<void>((resolve) => (this.#wake = resolve));
        if (this.#signal.aborted) return false;
        this.#leftBytes -= chunk.byteLength;
        send(chunk);
      }
      return true;
    } catch {
      return false;
    }
  }
}
