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
  InvocationReceiver,
  ShutdownReason,
} from "#functions/runtimes/runtimes.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { recallAfterMs, type ServiceTimes } from "#functions/scheduler/scheduler.ts";
import { describeExit, launcherLost } from "./booted.ts";
import type { Freezable } from "./freezing.ts";
import { credentialsMarginMs, memoryPeakAgeMs } from "./limits.ts";
import type { LogPump } from "./log-pump.ts";
import type { EndReason } from "./roster.ts";
import { RunningTogether, traceAmong } from "./running-together.ts";
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
  /** How long invocations of this code take, wherever they ran. */
  readonly times: ServiceTimes;
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
  idleSinceMs: number | undefined;
  /** Why what happens to an invocation from now on is the platform's fault and not the function's. */
  #failure: PlatformError | undefined;
  /** Invocations it is lent for; more than one where the guest has an inbox. */
  loanCount = 0;
  /** Of a function that allows several invocations side by side. */
  readonly together: RunningTogether | undefined;
  /** The one it is lent for wants nobody beside it. */
  isExclusive = false;
  /** Monotonic; when the running invocation began. */
  begunAtMs = 0;
  #inboxWatch: Disposable | undefined;
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
    const { capacity } = parts.revision;
    if (capacity && capacity.concurrency > 1) this.together = new RunningTogether();
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
    const { revision } = this.parts;
    if (!this.together) return { revision, trace: this.trace };
    const running = this.together.traces();
    return { revision, trace: traceAmong(running, undefined) ?? this.trace, running };
  }

  /** What the invoker holds for one invocation; `release` is called once, when it lets go. */
  lend(loan: LoanTerms): ExecutionEnvironment {
    if (this.loanCount++ === 0) this.setState("busy");
    this.isExclusive = loan.isExclusive;
    this.parts.log.share(this.loanCount > 1 && !this.together);
    if (this.loanCount === 1) {
      this.isReturning = false;
      this.trace = loan.trace;
    } else if (!this.together) this.#watchInbox();
    return new Loan(this, this.#uses++ === 0, loan);
  }

  /** One invocation less; true when it was the last. */
  takeBack(): boolean {
    this.loanCount--;
    this.parts.log.share(this.loanCount > 1 && !this.together);
    // One that is never without invocations must not outlive its credentials.
    if (this.together && !this.spoiled && !this.hasCredentials()) {
      this.endReason = "credentials-expired";
      this.spoiled = true;
    }
    if (this.loanCount > 0) return false;
    this.isExclusive = false;
    this.parts.log.settle();
    return true;
  }

  /** An invocation begins: what its function calls from now on is part of this trace. */
  begin(trace: TraceContext, loan: object): void {
    this.begunAtMs = this.#clock.monotonicMs();
    this.trace = trace;
    this.together?.begin({ loan, trace, begunAtMs: this.begunAtMs });
  }

  /** Where several run, how long the one took that ended last. */
  sinceBegunMs(): number {
    return this.together?.lastMs ?? this.#clock.monotonicMs() - this.begunAtMs;
  }

  /** An invocation that had begun is over. */
  over(loan: object): void {
    if (this.together) this.together.end(loan, this.#clock.monotonicMs());
  }

  /** While others wait behind one invocation, it is watched: a slow one gives them up. */
  #watchInbox(): void {
    this.#inboxWatch ??= this.#clock.timer(recallAfterMs, () => {
      this.#inboxWatch = undefined;
      if (this.loanCount < 2) return;
      if (this.sinceBegunMs() >= recallAfterMs) {
        this.parts.times.note(recallAfterMs * 10);
        this.parts.guest.recall();
      }
      this.#watchInbox();
    });
  }

  /** Whether its credentials outlive an invocation that begins now. */
  hasCredentials(): boolean {
    const neededMs = this.parts.revision.timeoutMs + credentialsMarginMs;
    return this.credentialsExpireAtMs - neededMs > this.#clock.nowMs();
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
  memoryPeakMiB(): number | Promise<number> {
    const now = this.#clock.monotonicMs();
    if (!this.spoiled && now - this.#peakAtMs < memoryPeakAgeMs) return this.#peakMiB;
    return this.#measurePeak(now);
  }

  async #measurePeak(now: number): Promise<number> {
    const { sandbox, revision } = this.parts;
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
    this.#inboxWatch?.[Symbol.dispose]();
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

interface LoanTerms {
  readonly trace: TraceContext;
  readonly isExclusive: boolean;
  readonly release: () => void;
}

class Loan implements ExecutionEnvironment, InvocationReceiver {
  readonly id: string;
  readonly startKind: "cold" | "warm";
  readonly initMs: number | undefined;
  readonly marksOutput: boolean;
  readonly log: LogPump;
  readonly exited: Sandbox["exited"];
  readonly #environment: Environment;
  readonly #terms: LoanTerms;
  #receiver: InvocationReceiver | undefined;
  #released = false;
  #runsOn = false;

  constructor(environment: Environment, isFirst: boolean, terms: LoanTerms) {
    this.#environment = environment;
    this.#terms = terms;
    this.id = environment.parts.id;
    this.startKind = isFirst ? "cold" : "warm";
    this.initMs = environment.takeInitMs();
    this.marksOutput = environment.parts.guest.marksOutput;
    this.log = environment.parts.log;
    this.exited = environment.parts.sandbox.exited;
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    this.#receiver = receiver;
    this.#environment.parts.guest.invoke(request, this);
  }

  begun(): void {
    this.#environment.begin(this.#terms.trace, this);
    this.#receiver?.begun();
  }

  answered(response: GuestResponse): void {
    const environment = this.#environment;
    if (environment.parts.guest.extensions?.isInUse === true) this.#tellDone(response);
    if (response.kind === "exit") {
      this.spoil();
      this.log.exitText = describeExit(response.exit);
      const failure = environment.failureOf(response.exit);
      if (failure) return this.failed(failure);
    } else if (response.kind === "not-begun") {
      if (response.isGone) this.spoil();
    } else if (!environment.together) {
      const tookMs = "tookMs" in response ? response.tookMs : undefined;
      environment.parts.times.note(tookMs ?? environment.sinceBegunMs());
    }
    // Where several run, a place that is free again says nothing of the others.
    environment.isReturning =
      !environment.together && response.kind !== "stream" && response.kind !== "exit";
    this.#receiver?.answered(response);
  }

  failed(error: unknown): void {
    this.#receiver?.failed(error);
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

  abandon(reason: Error): void {
    this.spoil();
    const { together, loanCount, parts } = this.#environment;
    // What runs beside it goes on, and its own code too; the environment ends with the last of them.
    if (together && loanCount > 1) this.#runsOn = true;
    else parts.guest.abandon(reason);
  }

  memoryPeakMiB(): number | Promise<number> {
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

  [Symbol.dispose](): void {
    if (this.#released) return;
    this.#released = true;
    if (!this.#runsOn) this.#environment.over(this);
    this.#terms.release();
    const environment = this.#environment;
    if (environment.spoiled && environment.loanCount === 0)
      ignore(environment.end(), "the pool keeps account of it; the invocation is over");
  }
}
