import type { Server } from "node:net";
import type { TraceContext } from "#base/context.ts";
import type { Soon } from "#base/soon.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type {
  GuestRequest,
  InvocationReceiver,
  FunctionErrorBody,
  OutputMark,
  ShutdownReason,
} from "#functions/runtimes/runtimes.ts";

export { describeExit } from "./booted.ts";
export { errorBody } from "./cold-start.ts";
export { createPool, type PoolSettings } from "./live-pool.ts";
export { traceAmong } from "./running-together.ts";
export type { KnownArrivals } from "#functions/scheduler/scheduler.ts";

import type { SandboxExit } from "#functions/sandbox/sandbox.ts";
import type { KnownArrivals } from "#functions/scheduler/scheduler.ts";
/** Execution environments and their life: boot, specialise, run, idle, end. */
export interface EnvironmentPool extends AsyncDisposable {
  /**
   * Warm if there is one, else a cold start. The invoker disposes it when the outcome has settled;
   * disposing gives it back, or discards it when it is spent.
   * Init failures of the customer's code are a value: `kind: "init-failed"`.
   */
  acquire(
    revision: Revision,
    trace: TraceContext,
    how: { readonly signal: AbortSignal; readonly isExclusive: boolean },
  ): Promise<Acquired>;
  /**
   * A place that is free at this moment, without a promise: an idle environment, or the inbox of one whose
   * function answers so fast that waiting there is shorter than waking another. Undefined when there is
   * none; then `acquire`.
   */
  acquireNow(
    revision: Revision,
    trace: TraceContext,
    isExclusive: boolean,
  ): ExecutionEnvironment | undefined;
  /** Ends idle environments of a revision that changed or was deleted; running ones end after use. */
  retire(functionArn: string, keepRevisionId: string | undefined): void;
  /**
   * A function of this runtime has been deployed: its first call is likely soon, so a generic sandbox
   * is booted in the background. Unknown runtimes are ignored.
   */
  expect(runtime: string): void;
  /** This revision has been deployed: what spares its starts the compiling is made, in a while and once. */
  compile(revision: Revision): void;
  /**
   * So many environments of these revisions of the function are to be alive at all times, and none of its
   * others, until something else is said; those that are too many end. Not durable: whoever keeps the wish says it again after a start. What this host
   * cannot do is told by `provisioned`.
   */
  provision(functionArn: string, wanted: readonly ProvisionedWish[]): void;
  provisioned(revision: Revision): ProvisionedState;
  /**
   * Calls of this function that something knows of in advance (epoch milliseconds), so that an
   * environment is ready for each; `undefined` takes it back.
   */
  announce(revision: Revision, known: KnownArrivals | undefined): void;
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
  /** A caller waited, a call was foreseen, or provisioned concurrency asks for it. */
  readonly purpose: "call" | "prewarm" | "provisioned";
  readonly reason: ColdReason;
  /** `sandbox`, `package`, `credentials`, `configure`, `init`, and what the guest reports of its own. */
  readonly phases: Readonly<Record<string, number>>;
  readonly outcome: "ok" | "init-failed" | "failed";
}

/**
 * Why there was no environment. For calls: the function was never called since the platform started; all
 * its environments were busy, the provisioned ones too (`provisioned-spill-over`); or what became of the
 * last one: its idle time was over, it made room for others, code or configuration changed, its
 * credentials ran out, its process ended, its time was over or the platform gave it up (`timed-out`), its
 * init failed. Ahead of calls: `foreseen` and `provisioned`.
 */
export type ColdReason =
  | "first-call"
  | "all-busy"
  | "provisioned-spill-over"
  | "expired"
  | "evicted"
  | "changed"
  | "credentials-expired"
  | "crashed"
  | "timed-out"
  | "init-failed"
  | "foreseen"
  | "provisioned";

export interface ProvisionedWish {
  readonly revision: Revision;
  readonly count: number;
}

/** How far a wish for provisioned environments has come. */
export interface ProvisionedState {
  readonly allocated: number;
  /** Those that run nothing now. */
  readonly available: number;
  /**
   * Why the last start for it gave nothing: the function's init failed, with this error type; or the
   * platform could not start it, or never will, in its own words.
   */
  readonly failure: { readonly by: "init" | "platform"; readonly text: string } | undefined;
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

export interface ExecutionEnvironment extends Disposable {
  readonly id: string;
  readonly startKind: "cold" | "warm";
  /** Answers say how much had been printed; see `InvocationLog.finish`. */
  readonly marksOutput: boolean;
  /** Milliseconds of init, on the first invocation only. */
  readonly initMs: number | undefined;
  /** Monotonic; known when the receiver of `invoke` is told that it begins. */
  readonly begunAtMs: number;
  /** Callbacks, as a guest's: see `InvocationReceiver`. */
  invoke(request: GuestRequest, receiver: InvocationReceiver): void;
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
  /** The environment is spoiled, and the running invocation fails with `reason` unless others run beside it. */
  abandon(reason: Error): void;
  /** A figure at most a moment old, or a promise of one. `nowMs` is monotonic. */
  memoryPeakMiB(nowMs: number): Soon<number>;
}

/** The platform's own lines around an invocation; customer output is interleaved by the pool. */
export interface InvocationLog {
  start(requestId: string, version: string, keepTail: boolean): void;
  /**
   * Resolves when the lines are with the sink; undefined when they are already. A promised report (which
   * must not reject) keeps its place in the log. `mark` is what the guest
   * said of its output with the answer: undefined when nothing changed, `unknown` when there was no answer
   * or the runtime cannot say.
   */
  finish(
    report: InvocationReport | Promise<InvocationReport>,
    mark: OutputMark | "unknown" | undefined,
  ): Promise<void> | undefined;
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

/** What of the memory for sandboxes is this process's, where several share it; `workers` satisfies it. */
export interface MemoryShare {
  /** MiB that all sandboxes of this process may reserve now; idle ones are ended until they fit. */
  readonly grantedMiB: number;
  /** Told each time the pool has looked at what there is and what is waited for. */
  used(told: {
    readonly reservedMiB: number;
    /** What waiting invocations lack, idle environments that would make room for them counted out. */
    readonly missingMiB: number;
    /** Sandboxes are being ended for others; more is told when they are gone. */
    readonly isMakingRoom: boolean;
  }): void;
  /** `look` is called when the grant has changed. */
  bind(look: () => void): void;
}

/** Where the lines of a function go; `services/cloudwatch-logs` satisfies it. */
export interface LogSink {
  open(
    group: { readonly accountId: string; readonly region: string; readonly name: string },
    stream: string,
  ): LogStream;
}

export interface LogStream {
  /** One line, in order. Must not block or throw. */
  write(timestampMs: number, message: string): void;
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
  /** Traces of all that run, where several may; `traceAmong` chooses. */
  readonly running?: readonly TraceContext[];
}

/** Serves what a sandbox connects to at `AWS_ENDPOINT_URL`; `gateway` satisfies it. */
export interface GuestEndpoint {
  /** Loopback port inside sandboxes; every runtime listens there. */
  readonly port: number;
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
}

/** Serves the sandbox's HTTP(S)_PROXY; `functions/egress` satisfies it. */
export interface EgressProxy {
  serve(server: Server, identity: () => GuestIdentity | undefined): Disposable;
}
