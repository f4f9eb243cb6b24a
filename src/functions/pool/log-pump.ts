import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type {
  ExtensionListener,
  ExtensionRecord,
  GuestExtensions,
  OutputMark,
} from "#functions/runtimes/runtimes.ts";
import {
  drainTimeoutMs,
  extensionsMax,
  logBurstBytes,
  logEventOverheadBytes,
  logBytesPerSecond,
  tailBytesMax,
} from "./limits.ts";
import { LineSplitter } from "./line-splitter.ts";
import { OutputSource } from "./output-source.ts";
import { disarm, platformLines, type PlatformLines } from "./platform-lines.ts";
import type { InitReport } from "./platform-records.ts";
import type { InvocationLog, InvocationReport, LogSink, LogStream } from "./pool.ts";
import { TelemetryFeed, type RuntimeDone } from "./telemetry-feed.ts";

/** Platform lines that wait for output which the guest has written and nobody has read yet, or for a figure. */
interface Boundary {
  readonly mark: OutputMark;
  /** Undefined while the figure is not known. */
  write: (() => void) | undefined;
}

/**
 * Carries what one environment prints to the log sink, with the platform's own lines around it. Keeps
 * at most `logBytesPerSecond`; the rest is dropped and counted in the log.
 *
 * Output and answers travel on sockets of their own. Where a guest says with its answer how much it had
 * printed, the end of an invocation is written when that much has been read, and what follows belongs to
 * the next one, however close it came behind.
 */
export class LogPump implements InvocationLog, ExtensionListener {
  readonly #clock: Clock;
  readonly #sink: LogSink;
  readonly stream: string;
  readonly #lines: PlatformLines;
  readonly #feed: TelemetryFeed;
  /** Unfinished lines of extensions, by name and stream. */
  readonly #ofExtensions = new Map<string, LineSplitter>();
  readonly #sources: OutputSource[] = [];
  readonly #out: LogStream;
  readonly #boundaries: Boundary[] = [];
  #lastMark: OutputMark = { stdout: 0, stderr: 0 };
  /** Bytes read that no mark knows of: written by other processes, or around the runtime. */
  #unmarked: OutputMark = { stdout: 0, stderr: 0 };
  #isSorting = false;
  #patience: Disposable | undefined;
  #keepsTail = false;
  #tail: string[] = [];
  #tailBytes = 0;
  #allowance = logBurstBytes;
  #allowanceAtMs: number;
  #droppedLines = 0;
  #droppedBytes = 0;
  /** Invocations begun and not yet reported; none before the first, when init prints. */
  #runningCount = 0;
  #hasRun = false;
  #isShared = false;
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
    const { accountId, region, logging } = deps.revision;
    this.#out = deps.sink.open({ accountId, region, name: logging.group }, deps.stream);
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
    this.#platform(this.#lines.extension(extension));
  }

  /**
   * Several invocations are in the guest's hands, one of which runs: what it prints may be any one's of them, and is held until
   * their answers tell.
   */
  share(isShared: boolean): void {
    if (this.#isShared === isShared) return;
    this.#isShared = isShared;
    // What is held then belongs to the one that is left, whose START is yet to be written.
    if (!isShared && this.#sources.some((source) => source.isHolding)) this.#sortSoon();
  }

  /** Begins to read; standard output first, then error. */
  attach(socket: Socket): void {
    const source = new OutputSource(socket, this.#clock, {
      deliver: (lines) => this.#printed("function", lines),
      isIdle: () => this.#hasRun && this.#runningCount === 0,
      isAmbiguous: () => this.#isShared || this.#boundaries.length > 0,
      held: () => this.#sortSoon(),
    });
    this.#sources.push(source);
  }

  /** The same stream for another invocation that the same failed start answers. */
  forAnother(revision: Revision): LogPump {
    const { stream } = this;
    const another = new LogPump({ clock: this.#clock, sink: this.#sink, revision, stream });
    another.exitText = this.exitText;
    return another;
  }

  initStart(): void {
    this.#feed.initStart();
    this.#platform(this.#lines.initStart());
  }

  /** Told to extensions only: in the log, a good init is told by the REPORT of its first invocation. */
  initDone(initMs: number, phase: InitReport["phase"]): void {
    this.#feed.initEnd({ initMs, phase, status: "success", errorType: undefined });
  }

  async initFailed(report: InitReport): Promise<void> {
    await this.#drain();
    this.#feed.initEnd(report);
    this.#platform(this.#lines.initReport(report));
  }

  start(requestId: string, version: string, keepTail = true): void {
    if (this.#boundaries.length > 0) {
      const write = (): void => this.#start(requestId, version, keepTail);
      this.#boundaries.push({ mark: this.#lastMark, write });
    } else this.#start(requestId, version, keepTail);
  }

  #start(requestId: string, version: string, keepTail: boolean): void {
    if (this.#tail.length > 0) this.#tail = [];
    this.#tailBytes = 0;
    this.#keepsTail = keepTail;
    this.#hasRun = true;
    this.#runningCount++;
    for (const source of this.#sources) source.quicken();
    this.#platform(this.#lines.start(requestId, version));
    this.#feed.start(requestId, version);
  }

  /** The runtime has answered; extensions may still be at work. */
  runtimeDone(done: RuntimeDone): void {
    this.#feed.runtimeDone(done);
  }

  finish(
    report: InvocationReport | Promise<InvocationReport>,
    mark: OutputMark | "unknown" | undefined,
  ): Promise<void> | undefined {
    // A runtime that says nothing of its output is given a turn, a dead one its last words.
    if (mark === "unknown" || this.exitText !== undefined) {
      return this.#drain().then(async () => this.#finishNow(await report));
    }
    if (mark) this.#lastMark = mark;
    const due = this.#lastMark;
    if (!(report instanceof Promise) && this.#boundaries.length === 0 && this.#hasRead(due)) {
      this.#finishAt(report, due);
      return undefined;
    }
    return this.#finishLater(report, due);
  }

  #finishLater(
    report: InvocationReport | Promise<InvocationReport>,
    due: OutputMark,
  ): Promise<void> {
    const written = Promise.withResolvers<void>();
    const boundary: Boundary = { mark: due, write: undefined };
    const know = (known: InvocationReport): void => {
      boundary.write = () => {
        this.#finishAt(known, due);
        written.resolve();
      };
      this.#sort(false);
    };
    this.#boundaries.push(boundary);
    this.#waitForAnswers();
    if (report instanceof Promise) ignore(report.then(know), "a figure never fails");
    else know(report);
    return written.promise;
  }

  #waitForAnswers(): void {
    this.#patience ??= this.#clock.timer(drainTimeoutMs, () => {
      this.#patience = undefined;
      this.#sort(true);
    });
  }

  /** Nothing is in the guest's hands: what was read beyond the last mark was written past it. */
  settle(): void {
    if (this.#boundaries.length > 0) return;
    const beyond = (index: number, marked: number): number =>
      Math.max(0, (this.#sources[index]?.readBytes ?? 0) - marked);
    const { stdout, stderr } = this.#lastMark;
    this.#unmarked = { stdout: beyond(0, stdout), stderr: beyond(1, stderr) };
  }

  #hasRead(mark: OutputMark): boolean {
    const [stdout, stderr] = this.#sources;
    return (
      (stdout?.readBytes ?? 0) >= mark.stdout + this.#unmarked.stdout &&
      (stderr?.readBytes ?? 0) >= mark.stderr + this.#unmarked.stderr
    );
  }

  #finishAt(report: InvocationReport, mark: OutputMark): void {
    const [stdout, stderr] = this.#sources;
    stdout?.release(mark.stdout + this.#unmarked.stdout);
    stderr?.release(mark.stderr + this.#unmarked.stderr);
    stdout?.flushLine();
    stderr?.flushLine();
    this.#end(report);
  }

  #finishNow(report: InvocationReport): void {
    this.#sort(true);
    // The rest of a line that somebody else is still printing is on its way.
    if (this.#runningCount <= 1 || this.exitText !== undefined)
      for (const source of this.#sources) source.flush();
    this.#end(report);
  }

  #end(report: InvocationReport): void {
    this.#tellDropped();
    const nowMs = this.#clock.nowMs();
    this.#platform(this.#lines.failure(report, this.exitText), nowMs);
    this.#platform(this.#lines.end(report.requestId), nowMs);
    this.#platform(this.#lines.report(report), nowMs);
    this.#feed.report(report);
    this.#runningCount--;
  }

  /** When everything that arrived in this turn is here, answers included. */
  #sortSoon(): void {
    if (this.#isSorting) return;
    this.#isSorting = true;
    setImmediate(() => {
      this.#isSorting = false;
      this.#sort(false);
    });
  }

  #sort(isPatienceOver: boolean): void {
    for (;;) {
      const next = this.#boundaries[0];
      if (!next) break;
      if (!next.write || !(isPatienceOver || this.#hasRead(next.mark))) return;
      this.#boundaries.shift();
      next.write();
    }
    if (this.#isShared && !isPatienceOver) {
      if (this.#sources.some((source) => source.isHolding)) this.#waitForAnswers();
      return;
    }
    this.#patience?.[Symbol.dispose]();
    this.#patience = undefined;
    for (const source of this.#sources) source.release();
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
    const nowMs = this.#clock.nowMs();
    for (const line of lines) {
      const bytes = Buffer.byteLength(line);
      if (this.#allow(bytes + logEventOverheadBytes)) {
        this.#tellDropped();
        this.#write(nowMs, `${disarm(line)}\n`);
      } else {
        this.#droppedLines++;
        this.#droppedBytes += bytes;
      }
    }
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
    this.#write(this.#clock.nowMs(), text);
  }

  #platform(line: string | undefined, nowMs: number = this.#clock.nowMs()): void {
    if (line !== undefined) this.#write(nowMs, line);
  }

  #write(nowMs: number, message: string): void {
    if (this.#keepsTail) this.#remember(message);
    this.#out.write(nowMs, message);
  }

  #remember(message: string): void {
    this.#tail.push(message);
    this.#tailBytes += message.length;
    while (this.#tail.length > 1 && this.#tailBytes - (this.#tail[0]?.length ?? 0) >= tailBytesMax)
      this.#tailBytes -= this.#tail.shift()?.length ?? 0;
  }
}
