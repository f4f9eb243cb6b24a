import { unreachable } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type {
  Acquired,
  EnvironmentPool,
  ExecutionEnvironment,
  InitFailed,
  InvocationLog,
} from "#functions/pool/pool.ts";
import type {
  FunctionErrorBody,
  GuestResponse,
  InvocationReceiver,
  OutputMark,
} from "#functions/runtimes/runtimes.ts";
import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import type { Span, Tracer } from "#telemetry/telemetry.ts";
import { formatTraceHeader } from "#telemetry/trace-header.ts";
import type { HttpAnswer, Invocation, InvocationResult, Outcome } from "./invoker.ts";
import { exitReasonTimeoutMs, responseBytesMax, streamBytesMax } from "./limits.ts";
import { reportOf } from "./report.ts";
import { forward, type StreamEnd } from "./stream.ts";
import {
  exited,
  functionError,
  initFailed,
  ok,
  outcomeOf,
  responseTooLarge,
  timedOut,
  type Verdict,
} from "./verdict.ts";

export interface RunDeps {
  readonly pool: EnvironmentPool;
  readonly tracer: Tracer;
  readonly clock: Clock;
}

/** Environments that may be lost in front of one invocation before it is given up. */
const environmentsMax = 8;

/**
 * One admitted invocation, from the environment to the settled outcome. `settled` is called once, when
 * the environment has been given back; also when this rejects. For a warm function nothing in here waits
 * for anything but the function.
 */
export function run(
  deps: RunDeps,
  invocation: Invocation,
  settled: () => void,
): Promise<InvocationResult> {
  const { context, target } = invocation;
  const { revision } = target;
  const span = deps.tracer.span(context.trace, "invocation", {
    function: revision.name,
    version: revision.version,
    requestId: context.requestId,
  });
  const trace = { ...span.context, hops: context.trace.hops + 1 };
  const running: RunContext = { ...deps, invocation, span, trace, settled };
  const environment = deps.pool.acquireNow(revision, trace, isExclusive(invocation));
  return environment ? new Run(running, environment).begin() : acquireAndRun(running, 1);
}

/** A stream takes long, and a log's tail must hold nobody else's lines. */
function isExclusive(invocation: Invocation): boolean {
  return invocation.streaming === true || invocation.tailLog === true;
}

interface RunContext extends RunDeps {
  readonly invocation: Invocation;
  readonly span: Span;
  readonly trace: Span["context"];
  readonly settled: () => void;
}

async function acquireAndRun(run: RunContext, environmentCount: number): Promise<InvocationResult> {
  const acquired = await acquire(run);
  if (acquired.kind === "init-failed") return neverStarted(run, acquired);
  return new Run(run, acquired.environment, environmentCount).begin();
}

async function acquire(run: RunContext): Promise<Acquired> {
  const { context, target } = run.invocation;
  const acceptedMs = run.tracer.nowMs();
  const how = { signal: context.signal, isExclusive: isExclusive(run.invocation) };
  try {
    const acquired = await run.pool.acquire(target.revision, run.trace, how);
    const waited = acquired.kind !== "ready" || acquired.environment.startKind === "cold";
    if (waited) run.tracer.record(run.trace, "queue", acceptedMs, run.tracer.nowMs());
    return acquired;
  } catch (error) {
    run.span.fail("platform");
    run.span.end();
    run.settled();
    throw error;
  }
}

function neverStarted(run: RunContext, failure: InitFailed): InvocationResult {
  const { context, target } = run.invocation;
  const { revision } = target;
  const verdict = initFailed(context.requestId, failure);
  const durationMs = failure.cause === "timeout" ? revision.timeoutMs : failure.initMs;
  failure.log.start(context.requestId, revision.version, true);
  const report = {
    ...reportOf(run.invocation, verdict, { durationMs, initMs: undefined }),
    memoryPeakMiB: failure.memoryPeakMiB,
  };
  const finish = async (): Promise<Outcome> => {
    await failure.log.finish(report, "unknown");
    run.span.fail(verdict.errorType ?? "init");
    run.span.end();
    run.settled();
    return outcomeOf(verdict, durationMs);
  };
  const { log } = failure;
  const payload = verdict.error?.payload ?? new Uint8Array();
  return result(run.invocation, payload, { log, outcome: finish() });
}

/** How much had been printed when the answer was given; see `InvocationLog.finish`. */
type Mark = Parameters<InvocationLog["finish"]>[1];

/** The part with an environment: invoke, watch the time, give back. */
class Run implements InvocationReceiver {
  readonly #run: RunContext;
  readonly #environment: ExecutionEnvironment;
  readonly #environmentCount: number;
  readonly #answer = Promise.withResolvers<InvocationResult>();
  /** Made when somebody waits for it: most invocations are over before. */
  #lateness: PromiseWithResolvers<"late"> | undefined;
  #startedMs = 0;
  #timer: Disposable | undefined;
  #handler: Span | undefined;
  #isOver = false;
  #isLate = false;

  constructor(run: RunContext, environment: ExecutionEnvironment, environmentCount = 1) {
    this.#run = run;
    this.#environment = environment;
    this.#environmentCount = environmentCount;
  }

  begin(): Promise<InvocationResult> {
    const { invocation, clock, trace, span } = this.#run;
    const { context, payload, clientContext, target, streaming, wantsHttp } = invocation;
    const { revision, qualifier } = target;
    const { startKind, id } = this.#environment;
    span.set({ start: startKind, environment: id });
    const request = {
      requestId: context.requestId,
      functionArn:
        qualifier === undefined ? revision.functionArn : `${revision.functionArn}:${qualifier}`,
      deadlineMs: clock.nowMs() + revision.timeoutMs,
      traceHeader: formatTraceHeader(trace),
      clientContext,
      cognitoIdentity: undefined,
      payload,
      streaming: streaming ?? false,
      wantsHttp: wantsHttp ?? false,
    };
    this.#environment.invoke(request, this);
    return this.#answer.promise;
  }

  /** The function begins; time counts from here, also for one that waited in an inbox. */
  begun(): void {
    const { clock, invocation, tracer, trace } = this.#run;
    const { revision } = invocation.target;
    this.#handler = tracer.span(trace, "handler");
    this.#startedMs = clock.monotonicMs();
    const keepTail = invocation.tailLog === true;
    this.#environment.log.start(invocation.context.requestId, revision.version, keepTail);
    this.#timer = clock.timer(revision.timeoutMs, () => this.#onLate());
  }

  #onLate(): void {
    this.#isLate = true;
    this.#lateness?.resolve("late");
    this.#environment.spoil("timeout");
    // A stream that has begun is told by its reader, see `forward`.
    if (!this.#isOver) this.#conclude(this.#timedOut(), "unknown");
    this.#environment.abandon(new Error("the function's time is over"));
  }

  answered(response: GuestResponse): void {
    if (this.#isOver) return;
    const { invocation } = this.#run;
    switch (response.kind) {
      case "payload":
        return response.payload.length > responseBytesMax
          ? this.#conclude(responseTooLarge(), this.#markOf(response))
          : this.#conclude(ok, this.#markOf(response), { payload: response.payload });
      case "http":
        return this.#conclude(ok, this.#markOf(response), { http: response });
      case "error":
        return this.#conclude(functionError(response.error), this.#markOf(response));
      case "exit":
        return this.#conclude(exited(invocation.context.requestId, response.exit), "unknown");
      case "stream":
        this.#isOver = true;
        this.#handler?.end();
        if (invocation.streaming === true) return this.#answer.resolve(this.#stream(response));
        return this.#answer.resolve(this.#collect(response));
      case "not-begun":
        return this.#runElsewhere();
      default:
        return unreachable(response);
    }
  }

  #markOf(response: { readonly output?: OutputMark }): Mark {
    return this.#environment.marksOutput ? response.output : "unknown";
  }

  #runElsewhere(): void {
    this.#isOver = true;
    this.#environment[Symbol.dispose]();
    if (this.#environmentCount < environmentsMax) {
      return this.#answer.resolve(acquireAndRun(this.#run, this.#environmentCount + 1));
    }
    const message = `${environmentsMax} environments ended in front of an invocation`;
    this.#reject(new PlatformError("environment.lost", message));
  }

  failed(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#environment.spoil();
    this.#handler?.fail("platform");
    this.#timer?.[Symbol.dispose]();
    this.#environment[Symbol.dispose]();
    this.#reject(error);
  }

  #reject(error: unknown): void {
    this.#handler?.end();
    this.#run.span.fail("platform");
    this.#run.span.end();
    this.#run.settled();
    this.#answer.reject(error);
  }

  #late(): Promise<"late"> {
    this.#lateness ??= Promise.withResolvers();
    if (this.#isLate) this.#lateness.resolve("late");
    return this.#lateness.promise;
  }

  #timedOut(): Verdict {
    const { context, target } = this.#run.invocation;
    return timedOut(context.requestId, target.revision.timeoutMs);
  }

  /** One whole answer, and the end of the invocation with it. */
  #conclude(
    verdict: Verdict,
    mark: Mark,
    answer: { readonly payload?: Uint8Array; readonly http?: HttpAnswer } = {},
  ): void {
    this.#isOver = true;
    this.#handler?.end();
    const payload = answer.payload ?? verdict.error?.payload ?? nothing;
    const { log } = this.#environment;
    const outcome = this.#settle(verdict, mark);
    const whole = result(this.#run.invocation, payload, { log, outcome });
    this.#answer.resolve(answer.http ? { ...whole, http: answer.http } : whole);
  }

  #stream(response: GuestResponse & { readonly kind: "stream" }): InvocationResult {
    const forwarded = forward(response, { late: this.#late(), bytesMax: streamBytesMax });
    const streaming = this.#run.tracer.span(this.#run.trace, "response");
    const outcome = forwarded.end.then(async (end) => {
      streaming.end();
      return this.#settle(await this.#verdictOf(end), "unknown");
    });
    const answered = result(this.#run.invocation, forwarded.body, {
      log: this.#environment.log,
      outcome,
    });
    return { ...answered, contentType: response.contentType };
  }

  async #collect(response: GuestResponse & { readonly kind: "stream" }): Promise<InvocationResult> {
    const forwarded = forward(response, { late: this.#late(), bytesMax: responseBytesMax });
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of forwarded.body) chunks.push(chunk);
    } catch {
      // The end says why, below.
    }
    const verdict = await this.#verdictOf(await forwarded.end);
    const whole = verdict.kind === "ok" ? Buffer.concat(chunks) : verdict.error?.payload;
    return result(this.#run.invocation, whole ?? nothing, {
      log: this.#environment.log,
      outcome: this.#settle(verdict, "unknown"),
    });
  }

  async #verdictOf(end: StreamEnd): Promise<Verdict> {
    if (end === "late") return this.#timedOut();
    if (end === "complete") return ok;
    if (end.kind === "too-large") {
      this.#environment.abandon(new Error("the response is too large"));
      return responseTooLarge(end.bytesMax);
    }
    if (end.kind === "reported") return functionError(end.error);
    this.#environment.spoil();
    // The channel tells sooner than the kernel; the reason follows unless something still lives inside.
    const unknown = Promise.withResolvers<SandboxExit>();
    using _limit = this.#run.clock.timer(exitReasonTimeoutMs, () =>
      unknown.resolve({ code: undefined, signal: undefined, cause: "killed" }),
    );
    const exit = await Promise.race([this.#environment.exited, unknown.promise]);
    return exited(this.#run.invocation.context.requestId, exit);
  }

  /** Log, bill, give back; never rejects. At once, unless something has to be waited for. */
  #settle(verdict: Verdict, mark: Mark): Promise<Outcome> {
    const besides = this.#environment.extensionsSettled();
    if (!besides) return this.#finish(verdict, mark);
    // The caller has its answer while extensions still work; only its log must wait for them.
    const durationMs = this.#run.clock.monotonicMs() - this.#startedMs;
    const finished = this.#finishAfter(besides, verdict, mark);
    if (this.#run.invocation.tailLog === true) return finished;
    return Promise.resolve(outcomeOf(verdict, durationMs));
  }

  /**
   * "The function and all extensions need to complete within" the timeout
   * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html); what comes too late or
   * breaks spoils the environment and the report, not the answer that has been given.
   */
  async #finishAfter(
    besides: Promise<FunctionErrorBody | undefined>,
    verdict: Verdict,
    mark: Mark,
  ): Promise<Outcome> {
    const end = await Promise.race([besides, this.#late()]);
    if (end === undefined) return this.#finish(verdict, mark);
    if (end !== "late") this.#environment.spoil();
    const reported = end === "late" ? this.#timedOut() : functionError(end);
    const outcome = await this.#finish(verdict.kind === "ok" ? reported : verdict, mark);
    return outcomeOf(verdict, outcome.durationMs);
  }

  #finish(verdict: Verdict, mark: Mark): Promise<Outcome> {
    this.#timer?.[Symbol.dispose]();
    const { timeoutMs } = this.#run.invocation.target.revision;
    const elapsedMs = this.#run.clock.monotonicMs() - this.#startedMs;
    const durationMs = verdict.kind === "timeout" ? timeoutMs : elapsedMs;
    if (verdict.status !== "ok") this.#run.span.fail(verdict.errorType ?? "error");
    const times = { durationMs, initMs: this.#environment.initMs };
    const report = reportOf(this.#run.invocation, verdict, times);
    const memoryPeakMiB = this.#environment.memoryPeakMiB();
    const known =
      typeof memoryPeakMiB === "number"
        ? { ...report, memoryPeakMiB }
        : memoryPeakMiB.then((measured) => ({ ...report, memoryPeakMiB: measured }));
    const written = this.#environment.log.finish(known, mark);
    const outcome = outcomeOf(verdict, durationMs);
    return written ? written.then(() => this.#giveBack(outcome)) : this.#giveBack(outcome);
  }

  #giveBack(outcome: Outcome): Promise<Outcome> {
    this.#environment[Symbol.dispose]();
    this.#run.span.end();
    this.#run.settled();
    return Promise.resolve(outcome);
  }
}

const nothing = new Uint8Array();

function result(
  invocation: Invocation,
  payload: InvocationResult["payload"],
  ending: { readonly log: InvocationLog; readonly outcome: Promise<Outcome> },
): InvocationResult {
  return {
    payload,
    contentType: undefined,
    outcome: ending.outcome,
    logTail: invocation.tailLog === true ? ending.outcome.then(() => ending.log.tail()) : undefined,
    executedVersion: invocation.target.revision.version,
  };
}
