import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";
import type { SandboxDriver, SandboxExit, SandboxSpec } from "#functions/sandbox/sandbox.ts";
import type { Sandbox } from "#functions/sandbox/sandbox.ts";
import { createJavaRuntimes } from "./java.ts";
import { createNodeRuntimes } from "./node.ts";
import { createProvidedRuntimes } from "./provided.ts";
import { endpointPortDefault, ports, unprivilegedPortMin } from "./limits.ts";
import { createPythonRuntimes } from "./python.ts";

export interface RuntimesDeps {
  /** Existing directory; trees of libraries are prepared below it, once. */
  readonly workDir: string;
  readonly clock: Clock;
  /** Loopback port inside sandboxes that `AWS_ENDPOINT_URL` names, see `endpointPortOf`. */
  readonly endpointPort: number;
  /** Folders where `python3.x` programs are looked for, before /usr/local/bin and /usr/bin. */
  readonly programFolders?: readonly string[];
  /** Folder whose entries are interpreters' prefixes, e.g. `~/.pyenv/versions`. */
  readonly pythonVersions?: string | undefined;
  /** Folder that holds the boto3 functions find; looked for beside the interpreters by default. */
  readonly pythonPackages?: string | undefined;
  /** `JAVA_HOME`. */
  readonly javaHome?: string | undefined;
  /** Folder that holds the jars of AWS's runtime interface client. */
  readonly javaClient?: string | undefined;
  /** Where a runtime prepares what can only be made by running it (Java's archive of classes). */
  readonly driver?: SandboxDriver;
  readonly log?: Logger;
}

/**
 * Where a sandbox finds the platform: at the platform's own port, so that a URL it handed out (of a queue, say)
 * leads there from inside too; at the usual one where that port cannot be had inside.
 */
export function endpointPortOf(platformPort: number): number {
  const isTaken = Object.values<number>(ports).includes(platformPort);
  return platformPort < unprivilegedPortMin || isTaken ? endpointPortDefault : platformPort;
}

/** Every runtime by its API name, usable on this host or not (`probe` says). */
export function createRuntimes(deps: RuntimesDeps): ReadonlyMap<string, Runtime> {
  const workDir = join(deps.workDir, "runtimes");
  const emptyTree = join(workDir, "empty");
  mkdirSync(emptyTree, { recursive: true, mode: 0o755 });
  const shared = { ...deps, workDir, emptyTree };
  const search = {
    programFolders: [...(deps.programFolders ?? []), "/usr/local/bin", "/usr/bin"],
    versionFolders: [deps.pythonVersions ?? join(homedir(), ".pyenv/versions")],
  };
  const rows = [
    ...createNodeRuntimes(shared),
    ...createPythonRuntimes({ ...shared, search, packages: deps.pythonPackages }),
    ...createJavaRuntimes({
      ...shared,
      search: {
        home: deps.javaHome,
        programFolders: search.programFolders,
        versionFolders: ["/usr/lib/jvm", join(homedir(), ".sdkman/candidates/java")],
      },
      client: deps.javaClient,
      driver: deps.driver,
      log: deps.log,
    }),
    ...createProvidedRuntimes(shared),
  ];
  return new Map(rows.map((row) => [row.identifier, row]));
}

/**
 * A runtime is a row: how to boot it and how to talk to it once it runs. Adding one adds a file here
 * and a guest under `guest/`. `kind` is what pre-booted sandboxes are pooled by.
 */
export interface Runtime {
  /** API names, e.g. `nodejs24.x`. */
  readonly identifier: string;
  /** Pool key: sandboxes of one kind are interchangeable until specialised. */
  readonly kind: string;
  /** Invocations side by side per processor unless a function says otherwise; absent where it is always one. */
  readonly concurrencyPerCpu?: number;
  /** Whether this host has what the runtime needs; the reason names the command that installs it. */
  probe(): Promise<{ readonly usable: boolean; readonly reason: string }>;
  sandboxSpec(size: {
    readonly memoryMiB: number;
    readonly scratchMiB: number;
    /** Nobody waits for it: what most functions use is loaded ahead. */
    readonly isGeneric?: boolean;
  }): Promise<SandboxSpec>;
  /** Waits for the boot program's "ready". Rejects with `sandbox.start-failed` if it dies first. */
  attach(sandbox: Sandbox, signal: AbortSignal): Promise<Guest>;
  /** Absent where code is not compiled at each start, or the interpreter keeps no such thing. */
  readonly compiler?: Compiler;
}

/** Makes what spares later starts of the same function the compiling. */
export interface Compiler {
  /** Whether it would save more than it costs, as far as the unpacked code tells. */
  isWorthIt(tree: string): Promise<boolean>;
  /**
   * What a cache can only be used with: another runtime has another. Undefined when there is none here, or a
   * function with these variables wants none.
   */
  identity(variables: Readonly<Record<string, string>>): string | undefined;
  /**
   * Loads the function in `sandbox`, which is booted, nobody's and of no other use afterwards. What comes
   * back was made by the function's process and must reach no other function. Errors: `channel.broken`,
   * `sandbox.start-failed`.
   */
  compile(sandbox: Sandbox, assignment: Assignment): Promise<CompiledFiles>;
}

/** Path relative to the cache → content. */
export type CompiledFiles = ReadonlyMap<string, Uint8Array>;

/** The booted but still generic guest in a sandbox, then the function in it. */
export interface Guest {
  /**
   * Invocations that may be handed over before the first is answered. The guest runs them in order and one
   * at a time (or as many as the assignment's `concurrency`); 1 where the protocol has no inbox.
   */
  readonly inboxMax: number;
  /** Whether answers carry `output`; false where the runtime cannot tell what its processes print. */
  readonly marksOutput: boolean;
  /**
   * Turns the generic guest into one function: environment, code, init. Called once.
   * Resolves with what init did; a customer's failure is a value.
   */
  specialise(assignment: Assignment, signal: AbortSignal): Promise<InitOutcome>;
  /** Tells `receiver` how it goes, beginning with this call. */
  invoke(request: GuestRequest, receiver: InvocationReceiver): void;
  /** Asks for back what has not begun: it is answered with `not-begun` once the guest has let it go. */
  recall(): void;
  /** Invocations that have begun fail with `reason`; the guest is then unusable and must be disposed. */
  abandon(reason: Error): void;
  /** Extensions beside the function; undefined where this runtime cannot have any. */
  readonly extensions?: GuestExtensions;
}

/**
 * Hears of one invocation: it begins, then one of the others. Callbacks, not promises: the end of one
 * invocation must be dealt with before the next one in the inbox begins.
 */
export interface InvocationReceiver {
  /** The function begins with it: at once, unless others are in front of it. */
  begun(): void;
  /** With the first response bytes; see `GuestResponse`. Nothing follows. */
  answered(response: GuestResponse): void;
  /** `channel.broken`, or what it was abandoned with. Nothing follows. */
  failed(error: unknown): void;
}

/**
 * What runs beside a function in its environment: its extensions
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
 */
export interface GuestExtensions {
  /** Whether there are any; known once `specialise` has settled. */
  readonly isInUse: boolean;
  /** Settles when all have finished with the running invocation: with the failure if one broke. */
  settled(): Promise<FunctionErrorBody | undefined>;
  /** Settles when one broke: its environment is then of no more use. */
  readonly broken: Promise<FunctionErrorBody>;
  /**
   * Ends runtime and extensions in order, with the time the service gives them; resolves when they are
   * gone or it is over. At once where there are none. Never rejects; repeating it waits for the first.
   */
  shutDown(reason: ShutdownReason): Promise<void>;
  /** What extensions print and become is for this; once, before `specialise`. */
  listen(listener: ExtensionListener): void;
  /** False when `publish` would tell nobody. */
  readonly wantsTelemetry: boolean;
  /** For subscribers of the Telemetry API. */
  publish(event: TelemetryEvent): void;
}

export type ShutdownReason = "spindown" | "timeout" | "failure";

export interface ExtensionListener {
  output(name: string, stream: string, bytes: Uint8Array): void;
  /** At the end of init. */
  registered(extension: ExtensionRecord): void;
}

/** `platform.extension` of the Telemetry API. */
export interface ExtensionRecord {
  readonly name: string;
  readonly state: string;
  readonly events: readonly string[];
  readonly errorType?: string;
}

/** One event of the Telemetry API. */
export interface TelemetryEvent {
  /** ISO 8601 */
  readonly time: string;
  readonly type: string;
  readonly record: unknown;
  /** A line of a function that logs JSON. */
  readonly isJson?: boolean;
}

export interface Assignment {
  readonly accountId: string;
  readonly handler: string;
  readonly memoryMiB: number;
  readonly timeoutMs: number;
  /** Complete environment of the function, AWS_* variables included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Invocations the guest runs side by side; absent where it runs one at a time. */
  readonly concurrency?: number;
  /**
   * Trees to appear inside, by slot name: `task` is the code, `opt` the merged layers (optional), `cache` what
   * this function's code was compiled to (optional).
   */
  readonly trees: Readonly<Record<string, string>>;
}

export type InitOutcome =
  | { readonly kind: "ok"; readonly phases: StartPhases }
  | { readonly kind: "error"; readonly error: FunctionErrorBody; readonly phases: StartPhases }
  | { readonly kind: "exit"; readonly exit: SandboxExit; readonly phases: StartPhases };

/** Milliseconds each phase of specialisation took; keys such as `link`, `environment`, `import`. */
export type StartPhases = Readonly<Record<string, number>>;

/** The JSON a runtime reports for a failure, exactly as the caller will see it. */
export interface FunctionErrorBody {
  readonly errorType: string;
  readonly errorMessage: string;
  /** The whole body, as bytes, ready for the caller. */
  readonly payload: Uint8Array;
}

export interface GuestRequest {
  readonly requestId: string;
  readonly functionArn: string;
  /** Epoch milliseconds at which the platform will kill the invocation. */
  readonly deadlineMs: number;
  /** Value of the `X-Amzn-Trace-Id` header. */
  readonly traceHeader: string;
  /** JSON text of the client context, if the caller sent one. */
  readonly clientContext: string | undefined;
  readonly cognitoIdentity: string | undefined;
  /** JSON bytes, at most 6 MiB (1 MiB for asynchronous events); passed through unparsed. */
  readonly payload: Uint8Array;
  /** Caller can consume a stream; otherwise a streaming function's output is collected. */
  readonly streaming: boolean;
  /** Caller prefers an `http` answer; guests that cannot give one answer with a payload. */
  readonly wantsHttp?: boolean;
}

/** Bytes a guest's process has written to its outputs since it started. */
export interface OutputMark {
  readonly stdout: number;
  readonly stderr: number;
}

/** What a guest says of one invocation beside its answer; undefined where it cannot. */
export interface AnswerFigures {
  /** Only when the guest printed something since its last answer. */
  readonly output?: OutputMark | undefined;
  /** From the beginning of the handler to its end, as the guest measured it: believed for pacing alone. */
  readonly tookMs?: number | undefined;
}

export type GuestResponse =
  | (AnswerFigures & { readonly kind: "payload"; readonly payload: Uint8Array })
  | (AnswerFigures & {
      /** A whole response in the form of HTTP, unparsed and unchecked. */
      readonly kind: "http";
      /** JSON: `[statusCode, headers, cookies]`. */
      readonly head: Buffer;
      readonly body: Buffer;
      /** The body is the text of a base64 encoding. */
      readonly isBase64: boolean;
    })
  | {
      readonly kind: "stream";
      /** `application/vnd.awslambda.http-integration-response` when a prelude precedes the body. */
      readonly contentType: string | undefined;
      readonly body: AsyncIterable<Uint8Array>;
      /** Settles when the stream ended; an error is one the function reported mid-stream. */
      readonly ended: Promise<FunctionErrorBody | undefined>;
    }
  | (AnswerFigures & { readonly kind: "error"; readonly error: FunctionErrorBody })
  | { readonly kind: "exit"; readonly exit: SandboxExit }
  /** The guest gave it back, or is gone (`isGone`), before the function began: it may run elsewhere. */
  | { readonly kind: "not-begun"; readonly isGone: boolean };
