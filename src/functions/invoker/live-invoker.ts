import { PlatformError } from "#base/errors.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { Tracer } from "#telemetry/telemetry.ts";
import { createAdmission } from "./admission.ts";
import { Dispatcher, type DispatcherDeps } from "./dispatcher.ts";
import { RecursionError } from "./errors.ts";
import type { Invocation, InvocationResult, Invoker } from "./invoker.ts";
import { accountConcurrencyDefault, hopsMax } from "./limits.ts";
import { run } from "./run.ts";

export interface InvokerSettings {
  /** Concurrent invocations per account and region. */
  readonly accountConcurrency?: number;
}

export interface InvokerDeps extends Omit<DispatcherDeps, "invoke"> {
  readonly pool: EnvironmentPool;
  readonly tracer: Tracer;
  readonly settings?: InvokerSettings;
}

/**
 * Disposing accepts nothing more, lets what runs end (asynchronous events for ten seconds; the rest of
 * them runs again after the restart) and leaves the pool alone.
 */
export function createInvoker(deps: InvokerDeps): Invoker {
  const admission = createAdmission({
    accountConcurrency: deps.settings?.accountConcurrency ?? accountConcurrencyDefault,
  });
  let stopping = false;
  const drained = Promise.withResolvers<void>();

  const invoke = async (invocation: Invocation): Promise<InvocationResult> => {
    if (stopping && admission.runningCount === 0)
      throw new PlatformError("server.stopping", "no function is invoked while the server stops");
    const { name } = invocation.target.revision;
    if (invocation.context.trace.hops >= hopsMax)
      throw new RecursionError(
        `${name} was not invoked: this chain has passed through functions ${hopsMax} times`,
      );
    const place = admission.admit(invocation.target);
    return run(deps, invocation, () => {
      place[Symbol.dispose]();
      if (stopping && admission.runningCount === 0) drained.resolve();
    });
  };
  const dispatcher = new Dispatcher({ ...deps, invoke });
  return {
    invoke,
    enqueue: (invocation) => dispatcher.add(invocation),
    get runningCount() {
      return admission.runningCount;
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      await dispatcher[Symbol.asyncDispose]();
      if (admission.runningCount > 0) await drained.promise;
    },
  };
}
