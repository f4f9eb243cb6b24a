import { unreachable } from "#base/assert.ts";
import type { Clock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";
import type {
  EnvironmentPool,
  ExecutionEnvironment,
  InitFailed,
  InvocationLog,
  InvocationReport,
} from "#functions/pool/pool.ts";
import type { FunctionErrorBody, GuestResponse } from "#functions/runtimes/runtimes.ts";
import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import type { Span, Tracer } from "#telemetry/telemetry.ts";
import { formatTraceHeader } from "#telemetry/trace-header.ts";
import type { Invocation, InvocationResult, Outcome } from "./invoker.ts";
import { exitReasonTimeoutMs, responseBytesMax, streamBytesMax } from "./limits.ts";
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

/**
 * One admitted invocation, from the environment to the settled outcome. `settled` is called once, when
 * the environment has been given back; also when this rejects.
 */
export async function run(
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
  try {
    const acceptedMs = deps.tracer.nowMs();
    const acquired = await deps.pool.acquire(revision, trace, context.signal);
    const waited = acquired.kind !== "ready" || acquired.environment.startKind === "cold";
    if (waited) deps.tracer.record(trace, "queue", acceptedMs, deps.tracer.nowMs());
    if (acquired.kind === "init-failed")
      return neverStarted({ ...deps, invocation, span, settled }, acquired);
    const { environment } = acquired;
    span.set({ start: environment.startKind, environment: environment.id });
    environment.log.start(context.requestId, revision.version);
    return await new Run({ ...deps, invocation, span, settled }, environment, trace).begin();
  } catch (error) {
    span.fail("platform");
    span.end();
    settled();
    throw error;
  }
}

interface RunContext extends RunDeps {
  readonly invocation: Invocation;
  readonly span: Span;
  readonly settled: () => void;
}

function neverStarted(run: RunContext, failure: InitFailed): InvocationResult {
  const { context, target } = run.invocation;
  const { revision } = target;
  const verdict = initFailed(context.requestId, failure);
  const durationMs = failure.cause === "timeout" ? revision.timeoutMs : failure.initMs;
  failure.log.start(context.requestId, revision.version);
  const report = {
    ...reportOf(run.invocation, verdict, { durationMs, initMs: undefined }),
    memoryPeakMiB: failure.memoryPeakMiB,
  };
  const finish = async (): Promise<Outcome> => {
    await failure.log.finish(report);
    run.span.fail(verdict.errorType ?? "init");
    run.span.end();
    run.settled();
    return outcomeOf(verdict, durationMs);
  };
  const { log } = failure;
  const payload = verdict.error?.payload ?? new Uint8Array();
  return result(run.invocation, payload, { log, outcome: finish() });
}

/** The part with an environment: invoke, watch the time, give back. */
class Run {
  readonly #run: RunContext;
  readonly #environment: ExecutionEnvironment;
  readonly #trace: Span["context"];
  readonly #stop = new AbortController();
  readonly #late = Promise.withResolvers<"late">();
  readonly #startedMs: number;
  readonly #timer: Disposable;

  constructor(run: RunContext, environment: ExecutionEnvironment, trace: Span["context"]) {
    this.#run = run;
    this.#environment = environment;
    this.#trace = trace;
    this.#startedMs = run.clock.monotonicMs();
    this.#timer = run.clock.timer(run.invocation.target.revision.timeoutMs, () => {
      environment.spoil("timeout");
      this.#late.resolve("late");
      this.#stop.abort(new Error("the function's time is over"));
    });
  }

  async begin(): Promise<InvocationResult> {
    const handler = this.#run.tracer.span(this.#trace, "handler");
    try {
      const response = await Promise.race([this.#invoke(), this.#late.promise]);
      const answered = await this.#answer(response);
      return answered;
    } catch (error) {
      this.#environment.spoil();
      handler.fail("platform");
      await this.#giveBack();
      throw error;
    } finally {
      handler.end();
    }
  }

  #invoke(): Promise<GuestResponse> {
    const { context, payload, clientContext, target, streaming } = this.#run.invocation;
    const { revision, qualifier } = target;
    const responding = this.#environment.invoke({
      requestId: context.requestId,
      functionArn:
        qualifier === undefined ? revision.functionArn : `${revision.functionArn}:${qualifier}`,
      deadlineMs: this.#run.clock.nowMs() + revision.timeoutMs,
      traceHeader: formatTraceHeader(this.#trace),
      clientContext,
      cognitoIdentity: undefined,
      payload,
      streaming: streaming ?? false,
      signal: this.#stop.signal,
    });
    ignore(responding, "raced with the timeout; after it the answer no longer counts");
    return responding;
  }

  async #answer(response: GuestResponse | "late"): Promise<InvocationResult> {
    const { invocation } = this.#run;
    const { requestId } = invocation.context;
    if (response === "late") return this.#whole(this.#timedOut());
    switch (response.kind) {
      case "payload":
        return response.payload.length > responseBytesMax
          ? this.#whole(responseTooLarge())
          : this.#whole(ok, response.payload);
      case "error":
        return this.#whole(functionError(response.error));
      case "exit":
        return this.#whole(exited(requestId, response.exit));
      case "stream":
        return invocation.streaming === true ? this.#stream(response) : this.#collect(response);
      default:
        return unreachable(response);
    }
  }

  #timedOut(): Verdict {
    const { context, target } = this.#run.invocation;
    return timedOut(context.requestId, target.revision.timeoutMs);
  }

  #whole(verdict: Verdict, payload?: Uint8Array): InvocationResult {
    return result(this.#run.invocation, payload ?? verdict.error?.payload ?? new Uint8Array(), {
      log: this.#environment.log,
      outcome: this.#settle(verdict),
    });
  }

  #stream(response: GuestResponse & { readonly kind: "stream" }): InvocationResult {
    const forwarded = forward(response, { late: this.#late.promise, bytesMax: streamBytesMax });
    const streaming = this.#run.tracer.span(this.#trace, "response");
    const outcome = forwarded.end.then(async (end) => {
      streaming.end();
      return this.#settle(await this.#verdictOf(end));
    });
    const answered = result(this.#run.invocation, forwarded.body, {
      log: this.#environment.log,
      outcome,
    });
    return { ...answered, contentType: response.contentType };
  }

  async #collect(response: GuestResponse & { readonly kind: "stream" }): Promise<InvocationResult> {
    const forwarded = forward(response, { late: this.#late.promise, bytesMax: responseBytesMax });
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of forwarded.body) chunks.push(chunk);
    } catch {
      // The end says why, below.
    }
    const verdict = await this.#verdictOf(await forwarded.end);
    return this.#whole(verdict, verdict.kind === "ok" ? Buffer.concat(chunks) : undefined);
  }

  async #verdictOf(end: StreamEnd): Promise<Verdict> {
    if (end === "late") return this.#timedOut();
    if (end === "complete") return ok;
    if (end.kind === "too-large") {
      this.#environment.spoil();
      this.#stop.abort(new Error("the response is too large"));
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

  /** Log, bill, give back; never rejects. */
  async #settle(verdict: Verdict): Promise<Outcome> {
    const besides = this.#environment.extensionsSettled();
    if (!besides) return this.#finish(verdict);
    // The caller has its answer while extensions still work; only its log must wait for them.
    const durationMs = this.#run.clock.monotonicMs() - this.#startedMs;
    const finished = this.#finishAfter(besides, verdict);
    return this.#run.invocation.tailLog === true ? finished : outcomeOf(verdict, durationMs);
  }

  /**
   * "The function and all extensions need to complete within" the timeout
   * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html); what comes too late or
   * breaks spoils the environment and the report, not the answer that has been given.
   */
  async #finishAfter(
    besides: Promise<FunctionErrorBody | undefined>,
    verdict: Verdict,
  ): Promise<Outcome> {
    const end = await Promise.race([besides, this.#late.promise]);
    if (end === undefined) return this.#finish(verdict);
    if (end !== "late") this.#environment.spoil();
    const reported = end === "late" ? this.#timedOut() : functionError(end);
    const outcome = await this.#finish(verdict.kind === "ok" ? reported : verdict);
    return outcomeOf(verdict, outcome.durationMs);
  }

  async #finish(verdict: Verdict): Promise<Outcome> {
    this.#timer[Symbol.dispose]();
    const environment = this.#environment;
    const { timeoutMs } = this.#run.invocation.target.revision;
    const elapsedMs = this.#run.clock.monotonicMs() - this.#startedMs;
    const durationMs = verdict.kind === "timeout" ? timeoutMs : elapsedMs;
    if (verdict.status !== "ok") this.#run.span.fail(verdict.errorType ?? "error");
    try {
      const memoryPeakMiB = await environment.memoryPeakMiB();
      const times = { durationMs, initMs: environment.initMs };
      const report = reportOf(this.#run.invocation, verdict, times);
      await environment.log.finish({ ...report, memoryPeakMiB });
    } catch {
      environment.spoil(); // an environment that cannot be accounted for is not used again
    }
    await this.#giveBack();
    return outcomeOf(verdict, durationMs);
  }

  async #giveBack(): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#environment[Symbol.asyncDispose]();
    this.#run.span.end();
    this.#run.settled();
  }
}

/**
 * "Duration is rounded up to the nearest millisecond"; since August 2025 the init phase is billed too
 * (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
 */
function reportOf(
  invocation: Invocation,
  verdict: Verdict,
  times: { readonly durationMs: number; readonly initMs: number | undefined },
): Omit<InvocationReport, "memoryPeakMiB"> {
  const { revision } = invocation.target;
  return {
    requestId: invocation.context.requestId,
    durationMs: times.durationMs,
    billedMs: Math.max(1, Math.ceil(times.durationMs + (times.initMs ?? 0))),
    memoryMiB: revision.memoryMiB,
    initMs: times.initMs,
    traceId: revision.tracingMode === "Active" ? invocation.context.trace.traceId : undefined,
    status: verdict.status,
    errorType: verdict.errorType,
  };
}

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
