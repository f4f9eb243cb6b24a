import type { Clock } from "#base/clock.ts";
import { PlatformError } from "#base/errors.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { type Admission, createAdmission } from "./admission.ts";
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
  let stopping = false;

  const invokeHere = async (invocation: Invocation): Promise<InvocationResult> => {
    const { name } = invocation.target.revision;
    if (invocation.context.trace.hops >= hopsMax)
      throw new RecursionError(
        `${name} was not invoked: this chain has passed through functions ${hopsMax} times`,
      );
    const admitted = admission.admit(invocation.target);
    const place = admitted instanceof Promise ? await admitted : admitted;
    return run(deps, invocation, () => place[Symbol.dispose]());
  };
  placement?.serve(invokeHere);
  const invokeNow = placement
    ? (invocation: Invocation) => placement.invoke(invocation)
    : invokeHere;
  const { eventClock = deps.clock } = deps;
  const dispatcher = new Dispatcher({ ...deps, clock: eventClock, invoke: invokeNow });
  return {
    async invoke(invocation) {
      if (stopping)
        throw new PlatformError("server.stopping", "no function is invoked while the server stops");
      return invokeNow(invocation);
    },
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
