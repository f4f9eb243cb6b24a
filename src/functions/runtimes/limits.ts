/** Bounds of the runtimes module. Lambda quotas: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (November 2026). */

/** Synchronous response payload; the number AWS's own message names. */
export const responseBytesMax = 6_291_556;
/** Streamed response: 200 MB since July 2025. */
export const streamBytesMax = 200 * 1024 * 1024;

/** One frame of the channel; guest/CHANNEL.md. Above a full response with its metadata. */
export const frameBytesMax = 7 * 1024 * 1024;
export const metadataBytesMax = 1024 * 1024;
/** Error bodies a runtime reports; the rest of a longer one is not read. */
export const errorBytesMax = 1024 * 1024;

/** Invocations a managed guest holds, the running one included; deeper gains nothing (measured). */
export const inboxMax = 64;

/**
 * Side by side in one environment, per processor, where a function names no number of its own:
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html and
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-python-runtime.html (November 2026).
 */
export const concurrencyPerCpu = { node: 64, python: 16 } as const;

/** How long a guest that announced its end, or whose channel closed, may take to be gone. */
export const lastBreathMs = 2_000;
/** How long a custom runtime that reported an error may take to ask for more work or to end. */
export const errorSettleMs = 250;
/** How long a guest that restarts itself may take to come back. */
export const rejoinTimeoutMs = 10_000;
/** From the sandbox's start to "ready". */
export const readyTimeoutMs = 30_000;

/** Processes and threads: "Execution processes/threads: 1,024" (Lambda quotas). */
export const processesMax = 1_024;
/** One core is 1000; the pool sets each function's share when it specialises. */
export const bootCpuMilli = 1_000;

/** A sandbox that makes Java's archive of classes (8 MiB, in one to ten seconds), once per host. */
export const javaTraining = { memoryMiB: 768, scratchMiB: 128, timeoutMs: 60_000 } as const;
export const javaArchiveBytesMax = 96 * 1024 * 1024;

/** A sandbox that compiles Python's guest (50 KiB of byte code, in a tenth of a second), once per host. */
export const pythonCompiling = { memoryMiB: 256, scratchMiB: 16, timeoutMs: 30_000 } as const;
export const pythonByteCodeBytesMax = 4 * 1024 * 1024;

/**
 * A function's compile cache: how long its init may take and how long all of it may, and what is kept at most.
 * Two AWS clients make 1 MiB in 25 files.
 */
export const compileCache = {
  initMs: 5_000,
  timeoutMs: 30_000,
  bytesMax: 32 * 1024 * 1024,
  filesMax: 10_000,
} as const;
/** Bytes of JavaScript from which it saves a millisecond, and files looked at to find out. */
export const worthCompiling = { fromBytes: 192 * 1024, filesMax: 2_000 } as const;

/** Connections a custom runtime may hold to its Runtime API, and bytes of one request's headers. */
export const runtimeApiConnectionsMax = 64;
export const runtimeApiHeaderBytesMax = 64 * 1024;

/** "You can register up to 10 extensions" (developer guide, "Using the Lambda Extensions API"). */
export const extensionsMax = 10;

/** Time an environment with external extensions has to end, and the runtime's part of it: the same page. */
export const shutdownMs = { all: 2_000, runtime: 300, runtimeWithInternal: 500 } as const;
/** Our program beside extensions; its memory comes on top of the function's. */
export const supervisorMiB = 48;
/** Bytes of one request to the Extensions, Telemetry or Logs API. */
export const extensionBodyBytesMax = 64 * 1024;
/** Output of extensions read per window; beyond it they wait. */
export const extensionOutput = { bytesPerWindow: 8 * 1024 * 1024, windowMs: 100 } as const;
/** Ranges of a subscription (Telemetry API reference, "buffering"). */
export const telemetryBuffering = {
  maxItems: { min: 1_000, max: 10_000, fallback: 10_000 },
  maxBytes: { min: 262_144, max: 1_048_576, fallback: 262_144 },
  timeoutMs: { min: 25, max: 30_000, fallback: 1_000 },
} as const;
/** Buffers a receiver may be behind before records are dropped; with the largest buffer 4 MiB. */
export const telemetryBacklogFactor = 4;
/** Longest pause before a receiver that took nothing is tried again. */
export const telemetryRetryMsMax = 30_000;
/** Deliveries on their way into one sandbox. */
export const telemetryDeliveriesMax = 16;
/** Telemetry of init that is kept for whoever subscribes later during init. */
export const earlyTelemetryBytesMax = 1024 * 1024;

/** Where `AWS_ENDPOINT_URL` leads inside of sandboxes when it cannot be the platform's own port. */
export const endpointPortDefault = 4566;
/** Lower ones are for root, which nothing in a sandbox is. */
export const unprivilegedPortMin = 1_024;

/** Loopback ports inside of sandboxes; served by the platform. */
export const ports = {
  /** `AWS_LAMBDA_RUNTIME_API` of custom runtimes. */
  runtimeApi: 9001,
  /** Where a guest that replaced itself connects again. */
  rejoin: 9002,
  /** `HTTP_PROXY` and `HTTPS_PROXY`. */
  egressProxy: 3128,
} as const;
