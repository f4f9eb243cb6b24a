import type { Clock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type {
  FunctionErrorBody,
  Guest,
  GuestExtensions,
  GuestRequest,
  GuestResponse,
  ShutdownReason,
} from "#functions/runtimes/runtimes.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { describeExit, launcherLost } from "./booted.ts";
import type { Freezable } from "./freezing.ts";
import { memoryPeakAgeMs } from "./limits.ts";
import type { LogPump } from "./log-pump.ts";
import type { EndReason } from "./roster.ts";
import type { ExecutionEnvironment, GuestIdentity, PoolSnapshot } from "./pool.ts";

export type EnvironmentState = PoolSnapshot["environments"][number]["state"];

/** What is attached to a sandbox for as long as it is one function's. */
export interface EnvironmentParts {
  readonly id: string;
  readonly key: string;
  readonly revision: Revision;
  readonly sandbox: Sandbox;
  readonly guest: Guest;
  readonly log: LogPump;
  readonly isProvisioned: boolean;
  /** Released when the sandbox is gone: served ports, held trees. */
  readonly attached: AsyncDisposableStack;
}

/** One function's sandbox, from its specialisation until its last process is gone. */
export class Environment implements Freezable {
  readonly parts: EnvironmentParts;
  readonly #clock: Clock;
  state: EnvironmentState = "starting";
  sinceMs: number;
  lastUsedMs: number;
  /** Never to be handed out again. */
  spoiled = false;
  /** Started for a wish of provisioned concurrency. */
  readonly isProvisioned: boolean;
  /** Why the pool ends it; unset when it ended or was spoiled by what ran inside. */
  endReason: EndReason | undefined;
  /** Why it ends, in the words its extensions are told. */
  shutdownReason: ShutdownReason = "spindown";
  trace: TraceContext | undefined;
  /** The function has answered; what is left is bookkeeping of a millisecond or two. */
  isReturning = false;
  isFrozen = false;
  /** Why what happens to an invocation from now on is the platform's fault and not the function's. */
  #failure: PlatformError | undefined;
  /** Wall time; known once credentials have been issued. */
  credentialsExpireAtMs = 0;
  #initMs: number | undefined;
  #peakMiB = 0;
  #peakAtMs = -Infinity;
  #uses = 0;
  #ended: Promise<void> | undefined;

  constructor(parts: EnvironmentParts, clock: Clock) {
    this.parts = parts;
    this.isProvisioned = parts.isProvisioned;
    this.#clock = clock;
    this.sinceMs = clock.nowMs();
    this.lastUsedMs = clock.monotonicMs();
    void this.#watch();
    void this.#watchExtensions();
  }

  get memoryMiB(): number {
    return this.parts.revision.memoryMiB;
  }

  setState(state: EnvironmentState): void {
    this.state = state;
    this.sinceMs = this.#clock.nowMs();
  }

  shownState(): EnvironmentState {
    return this.state === "idle" && this.isFrozen ? "frozen" : this.state;
  }

  identity(): GuestIdentity {
    return { revision: this.parts.revision, trace: this.trace };
  }

  /** What the invoker holds for one invocation; `release` is called once, when it lets go. */
  lend(trace: TraceContext, release: () => void): ExecutionEnvironment {
    this.setState("busy");
    this.isReturning = false;
    this.trace = trace;
    return new Loan(this, this.#uses++ === 0, release);
  }

  /** Told with the first invocation, and only then. */
  keepInitMs(initMs: number | undefined): void {
    this.#initMs = initMs;
  }

  takeInitMs(): number | undefined {
    const initMs = this.#initMs;
    this.#initMs = undefined;
    return initMs;
  }

  /**
   * Asked of the kernel at most every `memoryPeakAgeMs`: a function called a thousand times a second
   * would otherwise pay more for being measured than for running.
   */
  async memoryPeakMiB(): Promise<number> {
    const { sandbox, revision } = this.parts;
    const now = this.#clock.monotonicMs();
    if (!this.spoiled && now - this.#peakAtMs < memoryPeakAgeMs) return this.#peakMiB;
    // A sandbox that is gone may no longer know; then it had at most all of its memory.
    const peak = await sandbox.memoryPeakMiB().catch(() => revision.memoryMiB);
    this.#peakAtMs = now;
    this.#peakMiB = Math.min(Math.ceil(peak), revision.memoryMiB);
    return this.#peakMiB;
  }

  setFrozen(frozen: boolean): Promise<void> {
    return this.parts.sandbox.configure({ frozen });
  }

  /** Its end is noticed as that of any sandbox: by the invocation that has it, else by the pool. */
  disobeyed(error: unknown): void {
    const what = "an idle sandbox could not be frozen or thawed and is ended";
    this.#failure ??= new PlatformError("sandbox.not-thawed", what, { cause: error });
    this.spoiled = true;
    ignore(this.#kill(), "the pool ends it when it is gone");
  }

  /** What an invocation fails with that was running when the sandbox ended; undefined for the function's own doing. */
  failureOf(exit: SandboxExit): PlatformError | undefined {
    return this.#failure ?? launcherLost(exit);
  }

  /** Idempotent; resolves when the last process is gone and everything attached is released. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** What the next invocation would rely on is gone; whoever has one now is told by its answer. */
  async #watchExtensions(): Promise<void> {
    const { extensions } = this.parts.guest;
    if (!extensions) return;
    await extensions.broken; // never rejects
    if (!this.spoiled) this.shutdownReason = "failure";
    this.spoiled = true;
    if (this.state !== "idle") return;
    await this.#shutDown(extensions);
    ignore(this.#kill(), "the pool ends it when it is gone");
  }

  /** Whoever is told of its end must be able to act on it: what stands still goes on for that. */
  async #shutDown(extensions: GuestExtensions): Promise<void> {
    await this.setFrozen(false).catch(() => undefined); // a sandbox that is gone needs none
    await Promise.race([extensions.shutDown(this.shutdownReason), this.parts.sandbox.exited]);
  }

  async #kill(): Promise<void> {
    await this.parts.sandbox[Symbol.asyncDispose]();
  }

  async #watch(): Promise<void> {
    const exit = await this.parts.sandbox.exited; // never rejects
    this.spoiled = true;
    this.parts.log.exitText = describeExit(exit);
  }

  async #end(): Promise<void> {
    this.setState("ending");
    this.spoiled = true;
    this.trace = undefined;
    try {
      const { extensions } = this.parts.guest;
      if (extensions?.isInUse === true) await this.#shutDown(extensions);
      await this.parts.sandbox[Symbol.asyncDispose]();
    } finally {
      await this.parts.attached.disposeAsync();
    }
  }
}

class Loan implements ExecutionEnvironment {
  readonly id: string;
  readonly startKind: "cold" | "warm";
  readonly initMs: number | undefined;
  readonly log: LogPump;
  readonly exited: Sandbox["exited"];
  readonly #environment: Environment;
  readonly #release: () => void;
  #released = false;

  constructor(environment: Environment, isFirst: boolean, release: () => void) {
    this.#environment = environment;
    this.#release = release;
    this.id = environment.parts.id;
    this.startKind = isFirst ? "cold" : "warm";
    this.initMs = environment.takeInitMs();
    this.log = environment.parts.log;
    this.exited = environment.parts.sandbox.exited;
  }

  async invoke(request: GuestRequest): Promise<GuestResponse> {
    const { guest } = this.#environment.parts;
    const response = await guest.invoke(request);
    if (guest.extensions?.isInUse === true) this.#tellDone(response);
    if (response.kind === "exit") {
      this.spoil();
      this.log.exitText = describeExit(response.exit);
      const failure = this.#environment.failureOf(response.exit);
      if (failure) throw failure;
    }
    this.#environment.isReturning = response.kind === "payload" || response.kind === "error";
    return response;
  }

  extensionsSettled(): Promise<FunctionErrorBody | undefined> | undefined {
    const { extensions } = this.#environment.parts.guest;
    if (extensions?.isInUse !== true || this.#environment.spoiled) return undefined;
    return extensions.settled();
  }

  spoil(reason: ShutdownReason = "failure"): void {
    if (!this.#environment.spoiled) this.#environment.shutdownReason = reason;
    this.#environment.spoiled = true;
  }

  memoryPeakMiB(): Promise<number> {
    return this.#environment.memoryPeakMiB();
  }

  /** A streamed answer is over when its stream is; the report of the invocation tells of that. */
  #tellDone(response: GuestResponse): void {
    if (response.kind === "stream") return;
    const isOk = response.kind === "payload";
    this.log.runtimeDone({
      status: isOk ? "ok" : "error",
      errorType: response.kind === "error" ? response.error.errorType : undefined,
      producedBytes: isOk ? response.payload.length : undefined,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#environment.trace = undefined;
    this.#release();
    if (this.#environment.spoiled)
      ignore(this.#environment.end(), "the pool keeps account of it; the invocation is over");
  }
}
