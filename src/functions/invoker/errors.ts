/** No place to run it now. `reason` is the service's own word for it. */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
  readonly reason:
    | "ConcurrentInvocationLimitExceeded"
    | "ReservedFunctionConcurrentInvocationLimitExceeded";
  readonly retryAfterSeconds: number;
  constructor(reason: ThrottledError["reason"], retryAfterSeconds = 1) {
    super("Rate Exceeded.");
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The chain has passed through functions 16 times; the service drops the invocation. */
export class RecursionError extends Error {
  override readonly name = "RecursionError";
}
