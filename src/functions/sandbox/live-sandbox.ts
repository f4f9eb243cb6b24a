import { type Server, Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { LauncherReport, StreamName } from "./launcher/messages.ts";
import { errorOutputBytesMax } from "./limits.ts";
import { toServer } from "./listening-handle.ts";
import type { Sandbox, SandboxChange, SandboxExit } from "./sandbox.ts";

/** What a sandbox needs of its driver. */
export interface LiveSandboxDeps {
  readonly clock: Clock;
  readonly listeners: readonly number[];
  readonly kill: () => void;
  readonly link: (name: string, source: string) => Promise<void>;
  readonly configure: (change: SandboxChange) => Promise<void>;
  readonly memoryPeakMiB: () => Promise<number>;
  /** Removes what the sandbox left on the host; called once, after its last process. */
  readonly cleanUp: () => Promise<void>;
}

/** How long unread output stays open after a sandbox was disposed, for a reader that is behind. */
const drainMs = 1_000;
/** How long a failed start waits for the end of its error output. */
const errorOutputWaitMs = 250;

/** One sandbox on the platform's side: collects its parts, then is the `Sandbox` callers hold. */
export class LiveSandbox implements Sandbox {
  readonly id: string;
  readonly exited: Promise<SandboxExit>;
  /** Resolves when all parts have arrived; rejects when the sandbox ended before. */
  readonly booted: Promise<void>;
  readonly #deps: LiveSandboxDeps;
  readonly #streams = new Map<StreamName, Socket>();
  readonly #listeners = new Map<number, Server>();
  readonly #exit = Promise.withResolvers<SandboxExit>();
  readonly #boot = Promise.withResolvers<void>();
  #isBooted = false;
  #isKilled = false;
  #exitSeen: SandboxExit | undefined;
  #peakMiB: number | undefined;
  #cleaned: Promise<void> | undefined;

  constructor(id: string, deps: LiveSandboxDeps) {
    this.id = id;
    this.#deps = deps;
    this.exited = this.#exit.promise;
    this.booted = this.#boot.promise;
    this.booted.catch(() => undefined);
  }

  get channel(): Socket {
    return this.#stream("channel");
  }

  get stdout(): Socket {
    return this.#stream("stdout");
  }

  get stderr(): Socket {
    return this.#stream("stderr");
  }

  get listeners(): ReadonlyMap<number, Server> {
    return this.#listeners;
  }

  link(name: string, source: string): Promise<void> {
    return this.#deps.link(name, source);
  }

  configure(change: SandboxChange): Promise<void> {
    return this.#deps.configure(change);
  }

  async memoryPeakMiB(): Promise<number> {
    return this.#peakMiB ?? (await this.#deps.memoryPeakMiB());
  }

  /** Kills every process inside and waits until the last is gone and nothing is left on the host. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#exitSeen) this.kill();
    await this.exited;
    this.#close();
    await this.#cleaned;
  }

  kill(): void {
    this.#isKilled = true;
    this.#deps.kill();
  }

  /** Takes one report of the launcher about this sandbox. */
  receive(report: LauncherReport, handle: unknown): void {
    if (report.type === "stream" && handle instanceof Socket) {
      handle.on("error", () => undefined);
      this.#streams.set(report.name, handle);
    } else if (report.type === "listener") this.#onListener(report.port, handle);
    else if (report.type === "booted") this.#onBooted();
    else if (report.type === "failed") this.#boot.reject(startFailed(report.message));
    else if (report.type === "exit") this.#onExit(report);
  }

  /** Ends what the launcher can no longer report. */
  lose(gone: Promise<unknown>, error: PlatformError): void {
    this.#boot.reject(error);
    const settle = (): void => this.#settle({ code: undefined, signal: "SIGKILL", cause: "lost" });
    // Whether a new launcher came or not: the old one's sandboxes are gone by then.
    void gone.catch(() => undefined).finally(settle);
  }

  #onListener(port: number, handle: unknown): void {
    const server = toServer(handle);
    if (!server) return; // told as a missing one when all have come
    server.on("error", () => undefined);
    this.#listeners.set(port, server);
  }

  #onBooted(): void {
    const missing = this.#deps.listeners.filter((port) => !this.#listeners.has(port));
    if (missing.length > 0) {
      return this.#boot.reject(startFailed(`no listener for port ${missing.join(", ")}`));
    }
    if (this.#streams.size < 3) return this.#boot.reject(startFailed("a stream is missing"));
    this.#isBooted = true;
    this.#boot.resolve();
  }

  #onExit(report: Extract<LauncherReport, { readonly type: "exit" }>): void {
    this.#peakMiB = report.memoryPeakMiB;
    const { code, signal } = decodeExit(report.code, report.signal);
    const exit: SandboxExit = { code, signal, cause: this.#causeOf(report.outOfMemory, signal) };
    if (!this.#isBooted) void this.#failBoot(exit);
    this.#settle(exit);
  }

  #causeOf(outOfMemory: boolean, signal: string | undefined): SandboxExit["cause"] {
    if (this.#isKilled) return "killed";
    return outOfMemory && signal === "SIGKILL" ? "out-of-memory" : "exit";
  }

  async #failBoot(exit: SandboxExit): Promise<void> {
    const output = await this.#errorOutput();
    const how = exit.cause === "exit" ? `ended with ${exit.code ?? exit.signal}` : exit.cause;
    this.#boot.reject(startFailed(`${how} before it was ready: ${output || "no output"}`));
  }

  async #errorOutput(): Promise<string> {
    const stderr = this.#streams.get("stderr");
    if (!stderr) return "";
    let text = "";
    stderr.on("data", (bytes: Buffer) => {
      text = (text + bytes.toString("utf8")).slice(-errorOutputBytesMax);
    });
    await new Promise<void>((resolve) => {
      const timer = this.#deps.clock.timer(errorOutputWaitMs, resolve);
      stderr.once("close", () => {
        timer[Symbol.dispose]();
        resolve();
      });
    });
    return text.trim();
  }

  #settle(exit: SandboxExit): void {
    if (this.#exitSeen) return;
    this.#exitSeen = exit;
    this.#cleaned = this.#deps.cleanUp();
    for (const server of this.#listeners.values()) server.close();
    this.#exit.resolve(exit);
  }

  #close(): void {
    this.#streams.get("channel")?.destroy();
    for (const name of ["stdout", "stderr"] as const) {
      const socket = this.#streams.get(name);
      if (!socket) continue;
      if (socket.readableFlowing === null) socket.destroy();
      else this.#deps.clock.timer(drainMs, () => socket.destroy());
    }
  }

  #stream(name: StreamName): Socket {
    const socket = this.#streams.get(name);
    if (!socket) throw startFailed(`${name} has not been handed out`);
    return socket;
  }
}

export function startFailed(why: string): PlatformError {
  return new PlatformError("sandbox.start-failed", `The sandbox could not start: ${why}`);
}

/** Signals a program can die of, by number (signal(7)); the same on x86_64 and aarch64. */
const signalNames: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** bubblewrap reports a death by signal as a shell does, 128 + its number. */
function decodeExit(
  code: number | null,
  signal: string | null,
): { readonly code: number | undefined; readonly signal: string | undefined } {
  if (signal !== null) return { code: undefined, signal };
  const named = code !== null && code > 128 ? signalNames[code - 128] : undefined;
  if (named !== undefined) return { code: undefined, signal: named };
  return { code: code ?? undefined, signal: undefined };
}
