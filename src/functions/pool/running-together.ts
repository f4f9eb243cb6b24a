import type { TraceContext } from "#base/context.ts";
import { removeFrom } from "#base/lists.ts";

interface Running {
  readonly loan: object;
  readonly trace: TraceContext;
  readonly begunAtMs: number;
}

/**
 * The invocations that run side by side in one environment. Which of them a request from inside belongs to
 * only the function knows; what it says is believed as far as it names one of these.
 */
export class RunningTogether {
  readonly #running: Running[] = [];
  /** How long the invocation took that ended last. */
  lastMs = 0;

  begin(running: Running): void {
    this.#running.push(running);
  }

  end(loan: object, nowMs: number): void {
    const running = this.#running.find((one) => one.loan === loan);
    if (!running) return;
    removeFrom(this.#running, running);
    this.lastMs = nowMs - running.begunAtMs;
  }

  traces(): readonly TraceContext[] {
    return this.#running.map(({ trace }) => trace);
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
