import type { Clock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import type { Soon } from "#base/soon.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Guest, GuestExtensions, ShutdownReason } from "#functions/runtimes/runtimes.ts";
import type { Sandbox, SandboxExit } from "#functions/sandbox/sandbox.ts";
import { recallAfterMs, type ServiceTimes } from "#functions/scheduler/scheduler.ts";
import { describeExit, launcherLost } from "./booted.ts";
import type { Freezable } from "./freezing.ts";
import { credentialsMarginMs, memoryPeakAgeMs } from "./limits.ts";
import { type Lender, Loan } from "./loan.ts";
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
  #isUsed = false;
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

  /** What the invoker holds for one invocation; `lender` is told once, when it lets go. */
  lend(trace: TraceContext, isExclusive: boolean, lender: Lender): ExecutionEnvironment {
    this.loanCount++;
    this.isExclusive = isExclusive;
    this.parts.log.share(this.loanCount > 1 && !this.together);
    if (this.loanCount === 1) {
      this.setState("busy");
      this.isReturning = false;
      this.trace = trace;
    } else if (!this.together) this.#watchInbox();
    return new Loan(this, trace, lender);
  }

  /** True for the first invocation that asks. */
  takeFirst(): boolean {
    const isFirst = !this.#isUsed;
    this.#isUsed = true;
    return isFirst;
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

  /** Where several run, how long the one took that ended last. `nowMs` is monotonic. */
  sinceBegunMs(nowMs: number): number {
    return this.together?.lastMs ?? nowMs - this.begunAtMs;
  }

  /** So far, of the one that began last. */
  tookMs(): number {
    return this.sinceBegunMs(this.#clock.monotonicMs());
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
      if (this.tookMs() >= recallAfterMs) {
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
  memoryPeakMiB(nowMs: number): Soon<number> {
    if (!this.spoiled && nowMs - this.#peakAtMs < memoryPeakAgeMs) return this.#peakMiB;
    return this.#measurePeak(nowMs);
  }

  async #measurePeak(nowMs: number): Promise<number> {
    const { sandbox, revision } = this.parts;
    // A sandbox that is gone may no longer know; then it had at most all of its memory.
    const peak = await sandbox.memoryPeakMiB().catch(() => revision.memoryMiB);
    this.#peakAtMs = nowMs;
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
