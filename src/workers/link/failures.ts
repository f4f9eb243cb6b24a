import { unreachable } from "#base/assert.ts";
import { isPlatformError, PlatformError, type PlatformErrorCode } from "#base/errors.ts";
import { RecursionError, ThrottledError } from "#functions/invoker/invoker.ts";

/** A failure as it crosses from process to process: what it was, so that it is answered as at home. */
type WireFailure =
  | {
      readonly is: "throttled";
      readonly reason: ThrottledError["reason"];
      readonly seconds: number;
    }
  | { readonly is: "recursion"; readonly message: string }
  | { readonly is: "platform"; readonly code: PlatformErrorCode; readonly message: string }
  /** The operating system's: which call, and its answer. */
  | {
      readonly is: "system";
      readonly code: string;
      readonly syscall: string;
      readonly message: string;
    }
  | { readonly is: "other"; readonly message: string };

export function toWire(error: unknown): WireFailure {
  if (error instanceof ThrottledError)
    return { is: "throttled", reason: error.reason, seconds: error.retryAfterSeconds };
  if (error instanceof RecursionError) return { is: "recursion", message: error.message };
  if (isPlatformError(error)) return { is: "platform", code: error.code, message: error.message };
  if (error instanceof Error && "code" in error && "syscall" in error) {
    const { code, syscall, message } = error;
    return { is: "system", code: String(code), syscall: String(syscall), message };
  }
  return { is: "other", message: error instanceof Error ? error.message : String(error) };
}

export function fromWire(meta: unknown): Error {
  const failure = meta as WireFailure; // written by `toWire` of the same program
  switch (failure.is) {
    case "throttled":
      return new ThrottledError(failure.reason, failure.seconds);
    case "recursion":
      return new RecursionError(failure.message);
    case "platform":
      return new PlatformError(failure.code, failure.message);
    case "system": {
      const { code, syscall, message } = failure;
      return Object.assign(new Error(message), { code, syscall });
    }
    case "other":
      return new Error(failure.message);
    default:
      return unreachable(failure);
  }
}
