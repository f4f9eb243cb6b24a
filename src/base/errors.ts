/**
 * Every operational failure the platform itself can report, whether trying the same thing again may
 * help, and what happened and what to do, in one sentence. The docs table and the code are held together by a test (docs/reference/errors.md).
 */
export const platformErrorCodes = {
  "storage.full": {
    retryable: true,
    meaning:
      "The disk that holds the data folder has no room left: free some; nothing was written.",
  },
  "storage.conflict": {
    retryable: true,
    meaning:
      "Other writes kept changing what this transaction had read, and its tries are used up: try again.",
  },
  "storage.closed": {
    retryable: false,
    meaning: "Something was asked of the store after it had been closed: start the server again.",
  },
  "storage.failed": {
    retryable: false,
    meaning:
      "The database reported an error of its own: the cause is in the log; check the disk and the data folder.",
  },
  "blob.missing": {
    retryable: false,
    meaning: "Bytes that a record points at are not in the data folder: upload them again.",
  },
  "blob.corrupt": {
    retryable: false,
    meaning: "Stored bytes no longer match their checksum: check the disk and upload them again.",
  },
  "sandbox.unavailable": {
    retryable: false,
    meaning:
      "This host cannot isolate functions as required: the message names the command that repairs it, and `skerry doctor` verifies it.",
  },
  "sandbox.start-failed": {
    retryable: true,
    meaning:
      "One sandbox did not start, for the reason in the message: the next call starts a new one.",
  },
  "sandbox.not-thawed": {
    retryable: true,
    meaning:
      "An idle sandbox could not be made to go on: it is ended, the invocation it was chosen for has not run, and the next call starts a new one.",
  },
  "sandbox.launcher-lost": {
    retryable: true,
    meaning:
      "The process that starts sandboxes ended, and all sandboxes with it: it is started again by itself.",
  },
  "runtime.unavailable": {
    retryable: false,
    meaning:
      "The function's runtime is not on this host: install it; `skerry doctor` lists what was found.",
  },
  "memory.too-small": {
    retryable: false,
    meaning:
      "A function asks for more memory than all functions together may use: lower its MemorySize or raise `--function-memory`.",
  },
  "package.invalid": {
    retryable: false,
    meaning: "The code package is not a zip file that can be unpacked: build it again.",
  },
  "package.too-large": {
    retryable: false,
    meaning:
      "The code package has more entries, or more bytes once unpacked, than is allowed: make it smaller.",
  },
  "environment.lost": {
    retryable: true,
    meaning:
      "A function's environment was given up before it could serve: the next call starts a new one.",
  },
  "channel.broken": {
    retryable: true,
    meaning:
      "The connection to the program inside a sandbox broke or carried what it must not: that environment is ended, the next call starts a new one.",
  },
  "queue.full": {
    retryable: true,
    meaning: "A bounded queue has no free place: call again more slowly.",
  },
  "line.full": {
    retryable: true,
    meaning:
      "More invocations wait for an environment than may wait: call again more slowly, or give functions more memory.",
  },
  "config.invalid": {
    retryable: false,
    meaning:
      "A setting is unknown, malformed or out of range: the message names it and where it came from.",
  },
  "target.unknown": {
    retryable: false,
    meaning:
      "A call or an event was meant for an operation or a resource that is not there: create it, or correct its name.",
  },
  "worker.lost": {
    retryable: true,
    meaning:
      "The worker process that had a request ended in the middle: it is started again by itself; call again.",
  },
  "server.stopping": {
    retryable: true,
    meaning: "The server is shutting down and takes nothing new: call again once it is back.",
  },
} as const satisfies Record<string, { readonly retryable: boolean; readonly meaning: string }>;

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
