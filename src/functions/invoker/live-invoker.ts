import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { Soon } from "#base/soon.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { Deadlines } from "./deadlines.ts";
import { Dispatcher, type DispatcherDeps } from "./dispatcher.ts";
import { RecursionError } from "./errors.ts";
import type { Invocation, InvocationResult, Invoker, Placement } from "./invoker.ts";
import { accountConcurrencyDefault, hopsMax } from "./limits.ts";
import { run } from "./run.ts";

export interface InvokerSettings {
  /** Concurrent invocations per account and region. */
  readonly accountConcurrency?: number;
}

export interface InvokerDeps extends Omit<DispatcherDeps, "invoke"> {
  readonly pool: EnvironmentPool;
  readonly tracer: Tracer;
  /** By which events wait, are tried again and grow too old; `clock` unless somebody can move it. */
  readonly eventClock?: Clock;
  readonly settings?: InvokerSettings;
  /** Where several processes share the account's concurrency; counted in this process otherwise. */
  readonly admission?: Admission;
  readonly placement?: Placement;
}

/**
 * Disposing accepts nothing more and gives asynchronous events ten seconds to end; the rest of them runs
 * again after the restart. Synchronous callers have been waited for by whoever serves them; the pool is
 * left alone.
 */
export function createInvoker(deps: InvokerDeps): Invoker {
  const { placement } = deps;
  const admission =
    deps.admission ??
    createAdmission({
      accountConcurrency: deps.settings?.accountConcurrency ?? accountConcurrencyDefault,
    });
  const { pool, tracer, clock } = deps;
  const running = { pool, tracer, clock, deadlines: new Deadlines(clock) };
  let stopping = false;

  // Not async: what `run` promises is the promise that the caller waits for.
  const invokeHere = (invocation: Invocation): Promise<InvocationResult> => {
    let admitted: Soon<Disposable>;
    try {
      refuseLoop(invocation);
      admitted = admission.admit(invocation.target);
    } catch (error) {
      return Promise.reject(error);
    }
    return admitted instanceof Promise
      ? admitted.then((place) => run(running, invocation, place))
      : run(running, invocation, admitted);
  };
  placement?.serve(invokeHere);
  const invokeNow = placement
    ? (invocation: Invocation) => placement.invoke(invocation)
    : invokeHere;
  const { eventClock = deps.clock } = deps;
  const dispatcher = new Dispatcher({ ...deps, clock: eventClock, invoke: invokeNow });
  return {
    invoke: (invocation) => (stopping ? Promise.reject(stopped()) : invokeNow(invocation)),
    enqueue: (invocation) => dispatcher.add(invocation),
    get runningCount() {
      return admission.runningCount;
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      await dispatcher[Symbol.asyncDispose]();
    },
  };
}

function stopped(): PlatformError {
  return new PlatformError("server.stopping", "no function is invoked while the server stops");
}

/** Errors: `RecursionError`. */
function refuseLoop({ context, target }: Invocation): void {
  if (context.trace.hops < hopsMax) return;
  throw new RecursionError(
    `${target.revision.name} was not invoked: this chain has passed through functions ${hopsMax} times`,
  );
}
