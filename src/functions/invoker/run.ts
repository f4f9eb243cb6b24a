import { unreachable } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import type { Soon } from "#base/soon.ts";
import type {
  Acquired,
  EnvironmentPool,
  ExecutionEnvironment,
  InitFailed,
  InvocationLog,
  InvocationReport,
} from "#functions/pool/pool.ts";
import type {
  FunctionErrorBody,
  GuestResponse,
  InvocationReceiver,
  OutputMark,
} from "#functions/runtimes/runtimes.ts";
import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import type { Span, SpanAttributes, Tracer } from "#telemetry/telemetry.ts";
import { formatTraceHeader } from "#telemetry/trace-header.ts";
import type { Deadline, Deadlines, Timed } from "./deadlines.ts";
import type { Invocation, InvocationResult, Outcome } from "./invoker.ts";
import { exitReasonTimeoutMs, responseBytesMax, streamBytesMax } from "./limits.ts";
import { reportOf } from "./report.ts";
import { nothing, Result } from "./result.ts";
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
  readonly deadlines: Deadlines;
}

/** Environments that may be lost in front of one invocation before it is given up. */
const environmentsMax = 8;

/**
 * One admitted invocation, from the environment to the settled outcome. `place` is disposed when the
 * environment has been given back; also when this rejects. For a warm function nothing in here waits
 * for anything but the function.
 */
export function run(
  deps: RunDeps,
  invocation: Invocation,
  place: Disposable,
): Promise<InvocationResult> {
  const { context, target } = invocation;
  const { revision } = target;
  const span = deps.tracer.span(context.trace, "invocation");
  if (span.isRecorded) span.set(attributesOf(invocation));
  const { traceId, spanId, sampled } = span.context;
  const trace = { traceId, spanId, sampled, hops: context.trace.hops + 1 };
  const running: RunContext = { deps, invocation, span, trace, place };
  const environment = deps.pool.acquireNow(revision, trace, isExclusive(invocation));
  return environment ? new Run(running, environment).begin() : acquireAndRun(running, 1);
}

function attributesOf({ context, target }: Invocation): SpanAttributes {
  const { name, version } = target.revision;
  return { function: name, version, requestId: context.requestId };
}

/** A stream takes long, and a log's tail must hold nobody else's lines. */
function isExclusive(invocation: Invocation): boolean {
  return invocation.streaming === true || invocation.tailLog === true;
}

interface RunContext {
  readonly deps: RunDeps;
  readonly invocation: Invocation;
  readonly span: Span;
  readonly trace: TraceContext;
  readonly place: Disposable;
}

/** It is over, as far as anybody but the caller is concerned. */
function leave(run: RunContext, failure?: string): void {
  if (failure !== undefined) run.span.fail(failure);
  run.span.end();
  run.place[Symbol.dispose]();
}

async function acquireAndRun(run: RunContext, environmentCount: number): Promise<InvocationResult> {
  const acquired = await acquire(run);
  if (acquired.kind === "init-failed") return neverStarted(run, acquired);
  return new Run(run, acquired.environment, environmentCount).begin();
}

async function acquire(run: RunContext): Promise<Acquired> {
  const { context, target } = run.invocation;
  const { pool, tracer } = run.deps;
  const acceptedMs = tracer.nowMs();
  const how = { signal: context.signal, isExclusive: isExclusive(run.invocation) };
  try {
    const acquired = await pool.acquire(target.revision, run.trace, how);
    const waited = acquired.kind !== "ready" || acquired.environment.startKind === "cold";
    if (waited) tracer.record(run.trace, "queue", acceptedMs, tracer.nowMs());
    return acquired;
  } catch (error) {
    leave(run, "platform");
    throw error;
  }
}

function neverStarted(run: RunContext, failure: InitFailed): InvocationResult {
  const { context, target } = run.invocation;
  const { revision } = target;
  const { log, memoryPeakMiB } = failure;
  const verdict = initFailed(context.requestId, failure);
  const durationMs = failure.cause === "timeout" ? revision.timeoutMs : failure.initMs;
  log.start(context.requestId, revision.version, true);
  const report = reportOf(run.invocation, verdict, {
    durationMs,
    initMs: undefined,
    memoryPeakMiB,
  });
  const finish = async (): Promise<Outcome> => {
    await log.finish(report, "unknown");
    leave(run, verdict.errorType ?? "init");
    return outcomeOf(verdict, durationMs);
  };
  const payload = verdict.error?.payload ?? nothing;
  return new Result(run.invocation, { payload, log, outcome: finish() });
}

/** How much had been printed when the answer was given; see `InvocationLog.finish`. */
type Mark = Parameters<InvocationLog["finish"]>[1];

type WholeResponse = GuestResponse & { readonly kind: "payload" | "http" };

/** The part with an environment: invoke, watch the time, give back. */
class Run implements InvocationReceiver, Timed {
  readonly #run: RunContext;
  readonly #environment: ExecutionEnvironment;
  readonly #environmentCount: number;
  readonly #answer = Promise.withResolvers<InvocationResult>();
  /** Made when somebody waits for it: most invocations are over before. */
  #lateness: PromiseWithResolvers<"late"> | undefined;
  #startedMs = 0;
  #deadline: Deadline | undefined;
  #handler: Span | undefined;
  #isOver = false;
  #isLate = false;

  constructor(run: RunContext, environment: ExecutionEnvironment, environmentCount = 1) {
    this.#run = run;
    this.#environment = environment;
    this.#environmentCount = environmentCount;
  }

  begin(): Promise<InvocationResult> {
    const { invocation, deps, trace, span } = this.#run;
    const { context, payload, clientContext, target, streaming, wantsHttp } = invocation;
    const { revision, qualifier } = target;
    const environment = this.#environment;
    if (span.isRecorded) span.set({ start: environment.startKind, environment: environment.id });
    const request = {
      requestId: context.requestId,
      functionArn:
        qualifier === undefined ? revision.functionArn : `${revision.functionArn}:${qualifier}`,
      deadlineMs: deps.clock.nowMs() + revision.timeoutMs,
      traceHeader: formatTraceHeader(trace),
      clientContext,
      cognitoIdentity: undefined,
      payload,
      streaming: streaming ?? false,
      wantsHttp: wantsHttp ?? false,
    };
    environment.invoke(request, this);
    return this.#answer.promise;
  }

  /** The function begins; time counts from here, also for one that waited in an inbox. */
  begun(): void {
    const { deps, invocation, span, trace } = this.#run;
    const { revision } = invocation.target;
    if (span.isRecorded) this.#handler = deps.tracer.span(trace, "handler");
    this.#startedMs = this.#environment.begunAtMs;
    const keepTail = invocation.tailLog === true;
    this.#environment.log.start(invocation.context.requestId, revision.version, keepTail);
    this.#deadline = deps.deadlines.add(this, revision.timeoutMs, this.#startedMs);
  }

  late(): void {
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
          : this.#conclude(ok, this.#markOf(response), response);
      case "http":
        return this.#conclude(ok, this.#markOf(response), response);
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

  #markOf(response: { readonly output?: OutputMark | undefined }): Mark {
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
    this.#endTime();
    this.#environment[Symbol.dispose]();
    this.#reject(error);
  }

  #endTime(): void {
    if (this.#deadline) this.#run.deps.deadlines.remove(this.#deadline);
  }

  #reject(error: unknown): void {
    this.#handler?.end();
    leave(this.#run, "platform");
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
  #conclude(verdict: Verdict, mark: Mark, answer?: WholeResponse): void {
    this.#isOver = true;
    this.#handler?.end();
    const { log } = this.#environment;
    const outcome = this.#settle(verdict, mark);
    const payload = answer?.kind === "payload" ? answer.payload : verdict.error?.payload;
    const http = answer?.kind === "http" ? answer : undefined;
    this.#answer.resolve(
      new Result(this.#run.invocation, { payload: payload ?? nothing, http, log, outcome }),
    );
  }

  #stream(response: GuestResponse & { readonly kind: "stream" }): InvocationResult {
    const { deps, trace, invocation } = this.#run;
    const forwarded = forward(response, { late: this.#late(), bytesMax: streamBytesMax });
    const streaming = deps.tracer.span(trace, "response");
    const outcome = forwarded.end.then(async (end) => {
      streaming.end();
      return this.#settle(await this.#verdictOf(end), "unknown");
    });
    const { log } = this.#environment;
    const { contentType } = response;
    return new Result(invocation, { payload: forwarded.body, contentType, log, outcome });
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
    return new Result(this.#run.invocation, {
      payload: whole ?? nothing,
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
    using _limit = this.#run.deps.clock.timer(exitReasonTimeoutMs, () =>
      unknown.resolve({ code: undefined, signal: undefined, cause: "killed" }),
    );
    const exit = await Promise.race([this.#environment.exited, unknown.promise]);
    return exited(this.#run.invocation.context.requestId, exit);
  }

  /** Log, bill, give back; never rejects. At once, unless something has to be waited for. */
  #settle(verdict: Verdict, mark: Mark): Soon<Outcome> {
    const besides = this.#environment.extensionsSettled();
    if (!besides) return this.#finish(verdict, mark);
    // The caller has its answer while extensions still work; only its log must wait for them.
    const durationMs = this.#run.deps.clock.monotonicMs() - this.#startedMs;
    const finished = this.#finishAfter(besides, verdict, mark);
    if (this.#run.invocation.tailLog === true) return finished;
    return outcomeOf(verdict, durationMs);
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

  #finish(verdict: Verdict, mark: Mark): Soon<Outcome> {
    this.#endTime();
    const { invocation, deps, span } = this.#run;
    const nowMs = deps.clock.monotonicMs();
    const { timeoutMs } = invocation.target.revision;
    const durationMs = verdict.kind === "timeout" ? timeoutMs : nowMs - this.#startedMs;
    if (verdict.status !== "ok") span.fail(verdict.errorType ?? "error");
    const { initMs } = this.#environment;
    const memory = this.#environment.memoryPeakMiB(nowMs);
    const report = (memoryPeakMiB: number): InvocationReport =>
      reportOf(invocation, verdict, { durationMs, initMs, memoryPeakMiB });
    const known = typeof memory === "number" ? report(memory) : memory.then(report);
    const written = this.#environment.log.finish(known, mark);
    const outcome = outcomeOf(verdict, durationMs);
    if (written) return written.then(() => this.#giveBack(outcome));
    return this.#giveBack(outcome);
  }

  #giveBack(outcome: Outcome): Outcome {
    this.#environment[Symbol.dispose]();
    leave(this.#run);
    return outcome;
  }
}
