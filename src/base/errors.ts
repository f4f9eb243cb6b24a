/**
 * Every operational failure the platform itself can report, and whether trying the same thing again
 * may help. The docs table and the code are held together by a test (docs/reference/errors.md).
 */
export const platformErrorCodes = {
  "storage.full": { retryable: true },
  "storage.conflict": { retryable: true },
  "storage.closed": { retryable: false },
  "storage.failed": { retryable: false },
  "blob.missing": { retryable: false },
  "blob.corrupt": { retryable: false },
  "sandbox.unavailable": { retryable: false },
  "sandbox.start-failed": { retryable: true },
  "sandbox.launcher-lost": { retryable: true },
  "runtime.unavailable": { retryable: false },
  "package.invalid": { retryable: false },
  "package.too-large": { retryable: false },
  "environment.lost": { retryable: true },
  "channel.broken": { retryable: true },
  "queue.full": { retryable: true },
  "config.invalid": { retryable: false },
  "target.unknown": { retryable: false },
  "server.stopping": { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type PlatformErrorCode = keyof typeof platformErrorCodes;

/**
 * An operational failure: the world did not do what it was asked (disk full, sandbox died).
 * The message says what happened, to what, and what to do. At the edge it becomes the API's server
 * fault in exactly one place (`protocol/dispatch`).
 */
export class PlatformError extends Error {
  override readonly name = "PlatformError";
  readonly code: PlatformErrorCode;
  readonly retryable: boolean;

  constructor(code: PlatformErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retryable = platformErrorCodes[code].retryable;
  }
}

/** Narrowing for `catch (error: unknown)`. */
export function isPlatformError(error: unknown, code?: PlatformErrorCode): error is PlatformError {
  return error instanceof PlatformError && (code === undefined || error.code === code);
}
