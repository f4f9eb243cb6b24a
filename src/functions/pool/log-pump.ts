import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type {
  ExtensionListener,
  ExtensionRecord,
  GuestExtensions,
} from "#functions/runtimes/runtimes.ts";
import {
  drainTimeoutMs,
  extensionsMax,
  idleReadBytesPerWindow,
  idleReadWindowMs,
  logBurstBytes,
  logBytesPerSecond,
  readBytesPerWindow,
  readWindowMs,
  tailBytesMax,
} from "./limits.ts";
import { LineSplitter } from "./line-splitter.ts";
import { disarm, platformLines, type PlatformLines } from "./platform-lines.ts";
import type { InitReport } from "./platform-records.ts";
import type { InvocationLog, InvocationReport, LogSink } from "./pool.ts";
import { TelemetryFeed, type RuntimeDone } from "./telemetry-feed.ts";

/**
 * Carries what one environment prints to the log sink, with the platform's own lines around it. Keeps
 * at most `logBytesPerSecond`; the rest is dropped and counted in the log. A function that prints faster
 * than `readBytesPerWindow` waits for its own output: the platform's loop is never its victim. Between
 * invocations far less is read; what a process left behind prints then has to wait for the next one.
 */
export class LogPump implements InvocationLog, ExtensionListener {
  readonly #clock: Clock;
  readonly #sink: LogSink;
  readonly #revision: Revision;
  readonly stream: string;
  readonly #lines: PlatformLines;
  readonly #sources: Source[] = [];
  readonly #feed: TelemetryFeed;
  /** Unfinished lines of extensions, by name and stream. */
  readonly #ofExtensions = new Map<string, LineSplitter>();
  #tail: string[] = [];
  #tailBytes = 0;
  #allowance = logBurstBytes;
  #allowanceAtMs: number;
  #droppedLines = 0;
  #droppedBytes = 0;
  #isIdle = false;
  /** How the sandbox ended, in the words of the service, once it has. */
  exitText: string | undefined;

  constructor(deps: {
    readonly clock: Clock;
    readonly sink: LogSink;
    readonly revision: Revision;
    readonly stream: string;
  }) {
    this.#clock = deps.clock;
    this.#sink = deps.sink;
    this.#revision = deps.revision;
    this.stream = deps.stream;
    this.#lines = platformLines(deps.revision, () => deps.clock.nowMs());
    this.#allowanceAtMs = deps.clock.monotonicMs();
    this.#feed = new TelemetryFeed(deps.clock, deps.revision);
  }

  /** Extensions of this environment hear what is logged, and their output is logged. */
  useExtensions(extensions: GuestExtensions | undefined): void {
    this.#feed.use(extensions);
    extensions?.listen(this);
  }

  output(name: string, stream: string, bytes: Uint8Array): void {
    const key = `${stream} ${name}`;
    const splitter = this.#ofExtensions.get(key) ?? new LineSplitter();
    if (this.#ofExtensions.size < 2 * extensionsMax) this.#ofExtensions.set(key, splitter);
    this.#printed("extension", splitter.push(bytes));
  }

  registered(extension: ExtensionRecord): void {
    this.#platform([this.#lines.extension(extension)]);
  }

  /** Begins to read; once per socket. */
  attach(socket: Socket): void {
    const source = new Source(socket, this.#clock, {
      deliver: (lines) => this.#printed("function", lines),
      isIdle: () => this.#isIdle,
    });
    this.#sources.push(source);
  }

  initStart(): void {
    this.#feed.initStart();
    this.#platform([this.#lines.initStart()]);
  }

  /** Told to extensions only: in the log, a good init is told by the REPORT of its first invocation. */
  initDone(initMs: number, phase: InitReport["phase"]): void {
    this.#feed.initEnd({ initMs, phase, status: "success", errorType: undefined });
  }

  async initFailed(report: InitReport): Promise<void> {
    await this.#drain();
    this.#feed.initEnd(report);
    this.#platform([this.#lines.initReport(report)]);
  }

  start(requestId: string, version: string): void {
    this.#tail = [];
    this.#tailBytes = 0;
    this.#isIdle = false;
    for (const source of this.#sources) source.quicken();
    this.#platform([this.#lines.start(requestId, version)]);
    this.#feed.start(requestId, version);
  }

  /** The runtime has answered; extensions may still be at work. */
  runtimeDone(done: RuntimeDone): void {
    this.#feed.runtimeDone(done);
  }

  async finish(report: InvocationReport): Promise<void> {
    await this.#drain();
    for (const source of this.#sources) source.flush();
    this.#tellDropped();
    this.#platform([
      this.#lines.failure(report, this.exitText),
      this.#lines.end(report.requestId),
      this.#lines.report(report),
    ]);
    this.#feed.report(report);
    this.#isIdle = true;
  }

  tail(): Uint8Array {
    const bytes = Buffer.from(this.#tail.join(""), "utf8");
    return bytes.subarray(Math.max(0, bytes.length - tailBytesMax));
  }

  /** What was written before the answer arrives in the same batch of events: one turn lets it in. */
  async #drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.exitText === undefined) return;
    using _limit = this.#clock.timer(drainTimeoutMs, () => {
      for (const source of this.#sources) source.giveUp();
    });
    await Promise.all(this.#sources.map((source) => source.ended));
  }

  #printed(by: "function" | "extension", lines: readonly string[]): void {
    this.#feed.lines(by, lines);
    const kept: string[] = [];
    for (const line of lines) {
      const bytes = Buffer.byteLength(line);
      if (this.#allow(bytes)) {
        this.#tellDropped();
        kept.push(`${disarm(line)}\n`);
      } else {
        this.#droppedLines++;
        this.#droppedBytes += bytes;
      }
    }
    this.#write(kept);
  }

  #allow(bytes: number): boolean {
    const now = this.#clock.monotonicMs();
    const gained = ((now - this.#allowanceAtMs) / 1000) * logBytesPerSecond;
    this.#allowance = Math.min(logBurstBytes, this.#allowance + gained);
    this.#allowanceAtMs = now;
    // While dropping, half a second's worth must have come back: the marker is not printed per line.
    const needed = this.#droppedLines > 0 ? bytes + logBytesPerSecond / 2 : bytes;
    if (this.#allowance < needed) return false;
    this.#allowance -= bytes;
    return true;
  }

  #tellDropped(): void {
    if (this.#droppedLines === 0) return;
    const text = `[platform] dropped ${this.#droppedLines} lines (${this.#droppedBytes} bytes): printed faster than logs are kept\n`;
    this.#droppedLines = 0;
    this.#droppedBytes = 0;
    this.#write([text]);
  }

  #platform(lines: readonly (string | undefined)[]): void {
    this.#write(lines.filter((line) => line !== undefined));
  }

  #write(messages: readonly string[]): void {
    if (messages.length === 0) return;
    for (const message of messages) this.#remember(message);
    const timestampMs = this.#clock.nowMs();
    const { accountId, region, logging } = this.#revision;
    this.#sink.write(
      { accountId, region, name: logging.group },
      this.stream,
      messages.map((message) => ({ timestampMs, message })),
    );
  }

  #remember(message: string): void {
    this.#tail.push(message);
    this.#tailBytes += message.length;
    while (this.#tail.length > 1 && this.#tailBytes - (this.#tail[0]?.length ?? 0) >= tailBytesMax)
      this.#tailBytes -= this.#tail.shift()?.length ?? 0;
  }
}

const paces = {
  running: { bytes: readBytesPerWindow, windowMs: readWindowMs },
  idle: { bytes: idleReadBytesPerWindow, windowMs: idleReadWindowMs },
} as const;

/** One output stream of a sandbox. */
class Source {
  readonly #splitter = new LineSplitter();
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #deliver: (lines: readonly string[]) => void;
  readonly #end = Promise.withResolvers<void>();
  #pace: keyof typeof paces = "running";
  #readBytes = 0;
  #window: Disposable | undefined;

  constructor(
    socket: Socket,
    clock: Clock,
    owner: { readonly deliver: (lines: readonly string[]) => void; readonly isIdle: () => boolean },
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#deliver = owner.deliver;
    socket.on("data", (chunk: Buffer) => {
      this.#readBytes += chunk.length;
      this.#deliver(this.#splitter.push(chunk));
      if (!this.#window) this.#open(owner.isIdle() ? "idle" : "running");
      if (this.#readBytes > paces[this.#pace].bytes) socket.pause();
    });
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

  #open(pace: keyof typeof paces): void {
    this.#pace = pace;
    this.#window = this.#clock.timer(paces[pace].windowMs, () => {
      this.#window = undefined;
      this.#readBytes = 0;
      this.#socket.resume();
    });
  }

  get ended(): Promise<void> {
    return this.#end.promise;
  }

  giveUp(): void {
    this.#end.resolve();
  }

  flush(): void {
    const rest = this.#splitter.flush();
    if (rest !== undefined) this.#deliver([rest]);
  }
}
