import type { TraceContext } from "#base/context.ts";
import { ignore } from "#base/ignore.ts";
import type { Soon } from "#base/soon.ts";
import type {
  FunctionErrorBody,
  GuestRequest,
  GuestResponse,
  InvocationReceiver,
  ShutdownReason,
} from "#functions/runtimes/runtimes.ts";
import type { Sandbox } from "#functions/sandbox/sandbox.ts";
import { describeExit } from "./booted.ts";
import type { Environment } from "./environment.ts";
import type { LogPump } from "./log-pump.ts";
import type { ExecutionEnvironment } from "./pool.ts";

/** Whom an environment goes back to. */
export interface Lender {
  takeBack(environment: Environment): void;
}

/** What the invoker holds for one invocation. */
export class Loan implements ExecutionEnvironment, InvocationReceiver {
  readonly startKind: "cold" | "warm";
  readonly initMs: number | undefined;
  readonly log: LogPump;
  readonly #environment: Environment;
  readonly #trace: TraceContext;
  readonly #lender: Lender;
  #receiver: InvocationReceiver | undefined;
  #released = false;
  #runsOn = false;

  constructor(environment: Environment, trace: TraceContext, lender: Lender) {
    this.#environment = environment;
    this.#trace = trace;
    this.#lender = lender;
    this.startKind = environment.takeFirst() ? "cold" : "warm";
    this.initMs = environment.takeInitMs();
    this.log = environment.parts.log;
  }

  get id(): string {
    return this.#environment.parts.id;
  }

  get begunAtMs(): number {
    return this.#environment.begunAtMs;
  }

  get marksOutput(): boolean {
    return this.#environment.parts.guest.marksOutput;
  }

  get exited(): Sandbox["exited"] {
    return this.#environment.parts.sandbox.exited;
  }

  invoke(request: GuestRequest, receiver: InvocationReceiver): void {
    this.#receiver = receiver;
    this.#environment.parts.guest.invoke(request, this);
  }

  begun(): void {
    this.#environment.begin(this.#trace, this);
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
      environment.parts.times.note(tookMs ?? environment.tookMs());
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

  memoryPeakMiB(nowMs: number): Soon<number> {
    return this.#environment.memoryPeakMiB(nowMs);
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
    const environment = this.#environment;
    this.#lender.takeBack(environment);
    if (environment.spoiled && environment.loanCount === 0)
      ignore(environment.end(), "the pool keeps account of it; the invocation is over");
  }
}
