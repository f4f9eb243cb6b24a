import type { TraceContext } from "#base/context.ts";

interface Running {
  readonly trace: TraceContext;
  readonly begunAtMs: number;
}

/**
 * The invocations that run side by side in one environment. Which of them a request from inside belongs to
 * only the function knows; what it says is believed as far as it names one of these.
 */
export class RunningTogether {
  readonly #running = new Map<object, Running>();
  /** How long the invocation took that ended last. */
  lastMs = 0;

  begin(loan: object, running: Running): void {
    this.#running.set(loan, running);
  }

  end(loan: object, nowMs: number): void {
    const running = this.#running.get(loan);
    if (!running) return;
    this.#running.delete(loan);
    this.lastMs = nowMs - running.begunAtMs;
  }

  traces(): readonly TraceContext[] {
    return Array.from(this.#running.values(), ({ trace }) => trace);
  }
}

/**
 * The trace of a request that came out of an environment with these invocations: the one it names, else the
 * one with the longest chain. The chain counts as long as the longest in any case, so that a loop cannot hide behind a
 * neighbour. Undefined when none runs.
 */
export function traceAmong(
  running: readonly TraceContext[],
  traceId: string | undefined,
): TraceContext | undefined {
  let deepest = running[0];
  if (!deepest) return undefined;
  for (const one of running) if (one.hops > deepest.hops) deepest = one;
  const named = running.find((one) => one.traceId === traceId);
  return { ...(named ?? deepest), hops: deepest.hops };
}
