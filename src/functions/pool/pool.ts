import type { Server } from "node:net";
import type { TraceContext } from "#base/context.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type {
  GuestRequest,
  GuestResponse,
  FunctionErrorBody,
  ShutdownReason,
} from "#functions/runtimes/runtimes.ts";

export { describeExit } from "./booted.ts";
export { errorBody } from "./cold-start.ts";
export { createPool, type PoolSettings } from "./live-pool.ts";

import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
/** Execution environments and their life: boot, specialise, run, idle, end. */
export interface EnvironmentPool extends AsyncDisposable {
  /**
   * Warm if there is one, else a cold start. The invoker disposes it when the outcome has settled;
   * disposing gives it back, or discards it when it is spent.
   * Init failures of the customer's code are a value: `kind: "init-failed"`.
   */
  acquire(revision: Revision, trace: TraceContext, signal: AbortSignal): Promise<Acquired>;
  /** Ends idle environments of a revision that changed or was deleted; running ones end after use. */
  retire(functionArn: string, keepRevisionId: string | undefined): void;
  /**
   * A function of this runtime has been deployed: its first call is likely soon, so a generic sandbox
   * is booted in the background. Unknown runtimes are ignored.
   */
  expect(runtime: string): void;
  snapshot(): PoolSnapshot;
  /** The last cold starts and where their time went, newest first. */
  recentStarts(): readonly StartRecord[];
}

/** Explains one cold start. Times in milliseconds. */
export interface StartRecord {
  readonly functionArn: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly totalMs: number;
  /** A booted sandbox was waiting, or one was made for this start. */
  readonly source: "generic" | "dedicated";
  /** `sandbox`, `package`, `credentials`, `configure`, `init`, and what the guest reports of its own. */
  readonly phases: Readonly<Record<string, number>>;
  readonly outcome: "ok" | "init-failed" | "failed";
}

export type Acquired =
  | { readonly kind: "ready"; readonly environment: ExecutionEnvironment }
  | InitFailed;

/** The customer's code did not come up; the environment is gone, its log can still be finished. */
export interface InitFailed {
  readonly kind: "init-failed";
  /** `reported`: the code threw; `exit`: its process ended; `timeout`: twice too slow. */
  readonly cause: "reported" | "exit" | "timeout";
  /** Messages of `exit` and `timeout` lack the request id, which only the invoker knows. */
  readonly error: FunctionErrorBody;
  readonly initMs: number;
  readonly memoryPeakMiB: number;
  readonly log: InvocationLog;
}

export interface ExecutionEnvironment extends AsyncDisposable {
  readonly id: string;
  readonly startKind: "cold" | "warm";
  /** Milliseconds of init, on the first invocation only. */
  readonly initMs: number | undefined;
  invoke(request: GuestRequest): Promise<GuestResponse>;
  /** Log lines from now on belong to this invocation; END and REPORT are written by `finish`. */
  readonly log: InvocationLog;
  /** Settles when the sandbox's last process is gone, for whatever reason; never rejects. */
  readonly exited: Promise<SandboxExit>;
  /**
   * Settles when all extensions have finished with this invocation, with the failure if one broke;
   * undefined where nobody needs to be waited for.
   */
  extensionsSettled(): Promise<FunctionErrorBody | undefined> | undefined;
  /** Never give it to another invocation; the first reason is what its extensions are told. */
  spoil(reason?: ShutdownReason): void;
  memoryPeakMiB(): Promise<number>;
}

/** The platform's own lines around an invocation; customer output is interleaved by the pool. */
export interface InvocationLog {
  start(requestId: string, version: string): void;
  finish(report: InvocationReport): Promise<void>;
  /** The last 4 KiB written since `start`. */
  tail(): Uint8Array;
}

export interface InvocationReport {
  readonly requestId: string;
  readonly durationMs: number;
  readonly billedMs: number;
  readonly memoryMiB: number;
  readonly memoryPeakMiB: number;
  readonly initMs: number | undefined;
  readonly traceId: string | undefined;
  readonly status: "ok" | "error" | "timeout";
  readonly errorType: string | undefined;
}

export interface PoolSnapshot {
  readonly generic: Readonly<Record<string, number>>;
  readonly environments: readonly {
    readonly id: string;
    readonly functionArn: string;
    readonly version: string;
    readonly state: "starting" | "idle" | "frozen" | "busy" | "ending";
    readonly sinceMs: number;
  }[];
}

/** Where the lines of a function go; `services/cloudwatch-logs` satisfies it. Must not block or throw. */
export interface LogSink {
  write(
    group: { readonly accountId: string; readonly region: string; readonly name: string },
    stream: string,
    lines: readonly { readonly timestampMs: number; readonly message: string }[],
  ): void;
}

/** Temporary credentials of a function's role; `services/iam` satisfies it. */
export interface CredentialSource {
  issue(role: { readonly roleArn: string; readonly sessionName: string }): Promise<Credentials>;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

/** Who is inside a sandbox, asked for at each request that comes out of it. */
export interface GuestIdentity {
  readonly revision: Revision;
  /** Trace of the invocation now running, with its hop count; undefined between invocations. */
  readonly trace: TraceContext | undefined;
}

/** Serves what a sandbox connects to at `AWS_ENDPOINT_URL`; `gateway` satisfies it. */
export interface GuestEndpoint {
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
}

/** Serves the sandbox's HTTP(S)_PROXY; `functions/egress` satisfies it. */
export interface EgressProxy {
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
}
