import type { Clock } from "#base/clock.ts";
import type { TraceContext } from "#base/context.ts";
import { PlatformError } from "#base/errors.ts";
import { ignore } from "#base/ignore.ts";
import { randomHex } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import type { Packages } from "#functions/packages/packages.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { Assignment, FunctionErrorBody, InitOutcome } from "#functions/runtimes/runtimes.ts";
import type { ServiceTimes } from "#functions/scheduler/scheduler.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { describeExit, launcherLost, listenerOf, portInside, type Booted } from "./booted.ts";
import { Environment } from "./environment.ts";
import { initCpuMilliMin, initTimeoutMs, proxyPort } from "./limits.ts";
import { LogPump } from "./log-pump.ts";
import type {
  CredentialSource,
  Credentials,
  EgressProxy,
  GuestEndpoint,
  InitFailed,
  LogSink,
} from "./pool.ts";
import { cpuMilliOf } from "./size.ts";
import type { CompileCaches } from "./compile-caches.ts";
import { unpackTrees } from "./trees.ts";
import { functionVariables, type InitializationType } from "./variables.ts";

export interface ColdStartDeps {
  readonly packages: Packages;
  readonly sink: LogSink;
  readonly credentials: CredentialSource;
  readonly guestEndpoint: GuestEndpoint;
  readonly egress: EgressProxy;
  readonly tracer: Tracer;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ColdStartParts extends ColdStartDeps {
  readonly compileCaches: Pick<CompileCaches, "find" | "discard">;
}

export interface ColdStart {
  readonly key: string;
  readonly revision: Revision;
  readonly trace: TraceContext;
  /** Gives a booted sandbox; called again when an init that was too slow gets its second try. */
  readonly takeBooted: () => Promise<Booted>;
  readonly times: ServiceTimes;
  /** Filled as phases end; for the trace and for `recentStarts`. */
  readonly phases: Record<string, number>;
  /** What the function is told of it in `AWS_LAMBDA_INITIALIZATION_TYPE`. */
  readonly initializationType: InitializationType;
}

export type ColdStarted =
  | { readonly kind: "ready"; readonly environment: Environment }
  | (InitFailed & { readonly environment: Environment });

/**
 * Boot, code, credentials and log are got side by side, then the guest becomes the function. "If all
 * three tasks do not complete within 10 seconds, Lambda retries the Init phase at the time of the first
 * function invocation with the configured function timeout"
 * (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). An init that fails by
 * itself is not repeated: it would fail again. Platform failures reject with `PlatformError`.
 */
export async function coldStart(deps: ColdStartParts, start: ColdStart): Promise<ColdStarted> {
  const first = await attempt(deps, start, { phase: "init", limitMs: initTimeoutMs });
  if (first.kind === "ready" || first.cause !== "timeout") return first;
  await first.environment.end();
  const limitMs = start.revision.timeoutMs;
  return attempt(deps, start, { phase: "invoke", limitMs, log: first.environment.parts.log });
}

interface Attempt {
  readonly phase: "init" | "invoke";
  readonly limitMs: number;
  /** The log of the first attempt goes on. */
  readonly log?: LogPump;
}

async function attempt(deps: ColdStartParts, start: ColdStart, how: Attempt): Promise<ColdStarted> {
  const { clock } = deps;
  const gathering = gather(deps, start);
  ignore(gathering, "awaited below, once there is a sandbox; until then nobody listens");
  const environment = await assemble(deps, start, how.log);
  const { log, sandbox, guest } = environment.parts;
  let holding: Promise<void> | undefined;
  try {
    if (how.phase === "init") log.initStart();
    const cpuMilli = cpuMilliOf(start.revision.memoryMiB);
    await timed(deps, start, "configure", () =>
      sandbox.configure({
        memoryMiB: start.revision.memoryMiB,
        cpuMilli: Math.max(cpuMilli, initCpuMilliMin),
      }),
    );
    const { trees, credentials } = await gathering;
    const assignment = assign(environment, {
      trees,
      credentials,
      initializationType: start.initializationType,
      endpointPort: portInside(sandbox, deps.guestEndpoint.port),
    });
    const startedMs = clock.monotonicMs();
    const outcome = await timed(deps, start, "init", () =>
      withTimeout(clock, how.limitMs, (signal) => {
        const initialising = guest.specialise(assignment, signal);
        // Trees were marked as used a moment ago, so nobody waits for the mark that lasts.
        holding = hold(deps.packages, environment, trees);
        return initialising;
      }),
    );
    const initMs = clock.monotonicMs() - startedMs;
    await holding;
    if (outcome !== "timeout") Object.assign(start.phases, prefixed(outcome.phases));
    if (outcome !== "timeout" && outcome.kind === "ok") {
      if (cpuMilli < initCpuMilliMin) await sandbox.configure({ cpuMilli });
      // The second try is part of the invocation and of its duration, as AWS counts it.
      log.initDone(initMs, how.phase);
      environment.keepInitMs(how.phase === "init" ? initMs : undefined);
      return { kind: "ready", environment };
    }
    const lost = outcome !== "timeout" && outcome.kind === "exit" && launcherLost(outcome.exit);
    if (lost) throw lost;
    const hadCache = assignment.trees["cache"] !== undefined;
    if (hadCache && outcome !== "timeout" && outcome.kind === "exit")
      await deps.compileCaches.discard(start.revision);
    return await failed(environment, outcome, { initMs, phase: how.phase });
  } catch (error) {
    await holding?.catch(() => undefined); // what failed first is told
    await environment.end();
    throw error;
  }
}

/** Everything a sandbox needs to be this function's, gathered in parallel. */
async function assemble(
  deps: ColdStartDeps,
  start: ColdStart,
  earlierLog: LogPump | undefined,
): Promise<Environment> {
  const { revision, key } = start;
  const booted = await timed(deps, start, "sandbox", start.takeBooted);
  start.phases["create"] = booted.sandboxMs;
  start.phases["boot"] = booted.bootMs;
  const attached = new AsyncDisposableStack();
  try {
    const stream = earlierLog?.stream ?? logStream(deps, revision);
    const log = earlierLog ?? new LogPump({ ...deps, revision, stream });
    log.exitText = undefined;
    const { sandbox, guest } = booted;
    log.attach(sandbox.stdout);
    log.attach(sandbox.stderr);
    log.useExtensions(guest.extensions);
    const isProvisioned = start.initializationType === "provisioned-concurrency";
    const { times } = start;
    const parts = {
      id: sandbox.id,
      key,
      revision,
      sandbox,
      guest,
      log,
      times,
      attached,
      isProvisioned,
    };
    const environment = new Environment(parts, deps.clock);
    const identity = (): ReturnType<Environment["identity"]> => environment.identity();
    attached.use(deps.guestEndpoint.serve(listenerOf(sandbox, deps.guestEndpoint.port), identity));
    attached.use(deps.egress.serve(listenerOf(sandbox, proxyPort), identity));
    environment.trace = start.trace;
    return environment;
  } catch (error) {
    await booted.sandbox[Symbol.asyncDispose]();
    await attached.disposeAsync();
    throw error;
  }
}

interface Gathered {
  readonly trees: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
}

/** Needs no sandbox, so it runs while one boots. */
async function gather(deps: ColdStartParts, start: ColdStart): Promise<Gathered> {
  const { revision } = start;
  const [trees, credentials] = await Promise.all([
    timed(deps, start, "package", () => unpackTrees(deps.packages, revision)),
    timed(deps, start, "credentials", () =>
      deps.credentials.issue({ roleArn: revision.roleArn, sessionName: revision.name }),
    ),
  ]);
  // Looked for last: it may have been made while the package was unpacked.
  const cache = deps.compileCaches.find(revision);
  return { trees: cache === undefined ? trees : { ...trees, cache }, credentials };
}

async function hold(
  packages: Packages,
  environment: Environment,
  trees: Gathered["trees"],
): Promise<void> {
  for (const [name, path] of Object.entries(trees)) {
    // A cache may go while it is used: what is not there is compiled.
    if (name !== "cache") environment.parts.attached.use(await packages.hold(path));
  }
}

function assign(
  environment: Environment,
  given: Gathered & {
    readonly initializationType: InitializationType;
    readonly endpointPort: number;
  },
): Assignment {
  const { trees, credentials, initializationType, endpointPort } = given;
  const { revision, log, sandbox } = environment.parts;
  environment.credentialsExpireAtMs = credentials.expiresAtMs;
  return {
    accountId: revision.accountId,
    handler: revision.handler,
    memoryMiB: revision.memoryMiB,
    timeoutMs: revision.timeoutMs,
    ...(revision.capacity && { concurrency: revision.capacity.concurrency }),
    environment: functionVariables(revision, credentials, {
      logStream: log.stream,
      initializationType,
      endpointPort,
      proxyPort: portInside(sandbox, proxyPort),
    }),
    trees,
  };
}

async function failed(
  environment: Environment,
  outcome: Exclude<InitOutcome, { kind: "ok" }> | "timeout",
  init: { readonly initMs: number; readonly phase: Attempt["phase"] },
): Promise<ColdStarted> {
  const { log, sandbox, revision } = environment.parts;
  const { cause, error } = initFailure(outcome, revision);
  if (outcome !== "timeout" && outcome.kind === "exit") log.exitText = describeExit(outcome.exit);
  const memoryPeakMiB = await sandbox.memoryPeakMiB().catch(() => revision.memoryMiB);
  await log.initFailed({
    ...init,
    status: cause === "timeout" ? "timeout" : "error",
    errorType: cause === "timeout" ? undefined : error.errorType,
  });
  ignore(environment.end(), "the pool waits for the end of every environment it knows");
  return {
    kind: "init-failed",
    cause,
    error,
    initMs: init.initMs,
    memoryPeakMiB: Math.min(Math.ceil(memoryPeakMiB), revision.memoryMiB),
    log,
    environment,
  };
}

function initFailure(
  outcome: Exclude<InitOutcome, { kind: "ok" }> | "timeout",
  revision: Revision,
): Pick<InitFailed, "cause" | "error"> {
  if (outcome === "timeout") {
    const after = (revision.timeoutMs / 1000).toFixed(2);
    const message = `Error: Task timed out after ${after} seconds`;
    return { cause: "timeout", error: errorBody("Sandbox.Timedout", message) };
  }
  if (outcome.kind === "error") {
    const { errorType, errorMessage } = outcome.error;
    // What the platform found out about an extension is told like the exit of a runtime.
    if (!errorType.startsWith("Extension.")) return { cause: "reported", error: outcome.error };
    return { cause: "exit", error: errorBody(errorType, errorMessage) };
  }
  const message = `Error: ${describeExit(outcome.exit)}`;
  return { cause: "exit", error: errorBody("Runtime.ExitError", message) };
}

/** The JSON of a failure the platform found, with the fields in the order of the service. */
export function errorBody(errorType: string, errorMessage: string): FunctionErrorBody {
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }), "utf8");
  return { errorType, errorMessage, payload };
}

/** `2026/11/21/[$LATEST]` and 32 hexadecimal digits. */
function logStream(deps: ColdStartDeps, revision: Revision): string {
  const day = new Date(deps.clock.nowMs()).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${day}/[${revision.version}]${randomHex(deps.random, 16)}`;
}

async function withTimeout<T>(
  clock: Clock,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | "timeout"> {
  const stop = new AbortController();
  const late = Promise.withResolvers<"timeout">();
  using _timer = clock.timer(limitMs, () => {
    late.resolve("timeout"); // first, so that the rejection below loses the race
    stop.abort(new PlatformError("environment.lost", "init took too long"));
  });
  const working = work(stop.signal);
  ignore(working, "after the timeout its rejection says nothing new");
  return await Promise.race([working, late.promise]); // awaited: `using` ends with the function
}

async function timed<T>(
  deps: ColdStartDeps,
  start: ColdStart,
  phase: string,
  work: () => Promise<T>,
): Promise<T> {
  using _span = deps.tracer.span(start.trace, phase);
  const startedMs = deps.clock.monotonicMs();
  try {
    return await work();
  } finally {
    start.phases[phase] = (start.phases[phase] ?? 0) + deps.clock.monotonicMs() - startedMs;
  }
}

function prefixed(phases: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(phases).map(([name, ms]) => [`init.${name}`, ms]));
}
