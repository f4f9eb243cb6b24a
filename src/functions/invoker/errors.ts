import { isPlatformError } from "#base/errors.ts";

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

/**
 * The throttle behind a refusal, if it is one. A full waiting line means that this machine has no more
 * concurrency to give, which the service would say in the same words; undefined for everything else.
 */
export function throttleOf(error: unknown): ThrottledError | undefined {
  if (error instanceof ThrottledError) return error;
  return isPlatformError(error, "line.full")
    ? new ThrottledError("ConcurrentInvocationLimitExceeded")
    : undefined;
}

/** The chain has passed through functions 16 times; the service drops the invocation. */
export class RecursionError extends Error {
  override readonly name = "RecursionError";
}

/** A service delivers to a function whose policy does not let it; trying again does not help. */
export class PermissionError extends Error {
  override readonly name = "AccessDeniedException";
  readonly $fault = "client";
}
