import type { RequestContext } from "#base/context.ts";
import type { ResolvedFunction } from "#functions/registry/registry.ts";

export { createInvoker } from "./live-invoker.ts";
export { RecursionError, ThrottledError, throttleOf } from "./errors.ts";
export { createFunctionTargets, functionOfArn } from "./function-target.ts";
export type { Admission } from "./admission.ts";

/** Accepts an invocation, admits or throttles it, runs it, reports the outcome. */
export interface Invoker extends AsyncDisposable {
  /**
   * Answers as soon as the first response byte is known. A customer's failure is a value
   * (`outcome`), a throttle is `ThrottledError`. No storage is touched for a warm function.
   */
  invoke(invocation: Invocation): Promise<InvocationResult>;
  /** Resolves once the invocation is durable; retries and destinations follow without the caller. */
  enqueue(invocation: Invocation): Promise<void>;
  /** Invocations running now, asynchronous ones included. */
  readonly runningCount: number;
}

/** Which of several processes runs a function; `workers` satisfies it. Without one, this process does. */
export interface Placement {
  /** Told once, how an invocation is run in this process. */
  serve(here: (invocation: Invocation) => Promise<InvocationResult>): void;
  /** Runs it where the function lives, here or in another process. */
  invoke(invocation: Invocation): Promise<InvocationResult>;
}

/** How asynchronous invocations of a function are to be treated; `services/lambda` satisfies it. */
export interface AsyncSettings {
  /** Of the qualifier the caller named; the service's defaults where nothing was set. */
  find(target: ResolvedFunction): Promise<AsyncConfig>;
}

export interface AsyncConfig {
  /** 0 … 2 */
  readonly maxRetryAttempts: number;
  /** 60,000 … 21,600,000 */
  readonly maxAgeMs: number;
  readonly onSuccessArn: string | undefined;
  readonly onFailureArn: string | undefined;
}

/** Bytes when whole and small, else a stream. */
export type Payload = Uint8Array | AsyncIterable<Uint8Array>;

export interface Invocation {
  readonly target: ResolvedFunction;
  readonly payload: Uint8Array;
  readonly context: RequestContext;
  readonly clientContext?: string;
  /** The caller can consume a response stream. */
  readonly streaming?: boolean;
  /** The caller prefers `InvocationResult.http`; runtimes that cannot give it answer with a payload. */
  readonly wantsHttp?: boolean;
  /** Keep the last 4 KiB of this invocation's log for the caller (`LogType: Tail`). */
  readonly tailLog?: boolean;
}

/** A function's answer in the form of HTTP, as it came out of the sandbox: nothing of it is checked. */
export interface HttpAnswer {
  /** JSON: `[statusCode, headers, cookies]`. */
  readonly head: Buffer;
  readonly body: Buffer;
  /** The body is the text of a base64 encoding. */
  readonly isBase64: boolean;
}

export interface InvocationResult {
  /** Empty where `http` is set. */
  readonly payload: Payload;
  /** Only for callers that said `wantsHttp`. */
  readonly http?: HttpAnswer | undefined;
  /** Set on a streamed payload whose beginning is an HTTP prelude. */
  readonly contentType: string | undefined;
  /** Settles when the payload has ended; never rejects. */
  readonly outcome: Promise<Outcome>;
  /** The log's tail, when asked for; settles after `outcome`. */
  readonly logTail: Promise<Uint8Array> | undefined;
  readonly executedVersion: string;
}

/** A customer's failure is a value, not an exception of ours. */
export type Outcome =
  | { readonly kind: "ok"; readonly durationMs: number }
  | { readonly kind: "function-error"; readonly errorType: string; readonly durationMs: number }
  | { readonly kind: "timeout"; readonly durationMs: number }
  | { readonly kind: "out-of-memory"; readonly durationMs: number }
  | { readonly kind: "crash"; readonly exitCode: number | undefined; readonly durationMs: number };
