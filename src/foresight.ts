import { type Clock, systemClock } from "#base/clock.ts";
import { ignore } from "#base/ignore.ts";
import type { Foresight } from "#events/schedules/schedules.ts";
import { functionOfArn } from "#functions/invoker/invoker.ts";
import type { EnvironmentPool } from "#functions/pool/pool.ts";
import type { FunctionResolver } from "#functions/registry/registry.ts";
import type { Membership } from "#workers/workers.ts";

/** Functions, and calls of each, that are remembered at once. */
const functionsMax = 10_000;
const callsMax = 100;

/**
 * Schedules tell of what they will call soon, and the pool has an environment ready for it. Kept in memory alone:
 * after a restart they tell again. A clock that was moved foresees nothing, since the pool lives in real time.
 */
export function createForesight(deps: {
  readonly pool: Pick<EnvironmentPool, "announce">;
  readonly resolver: FunctionResolver;
  /** The services' clock. */
  readonly clock: Clock;
  readonly membership: Membership | undefined;
}): Foresight {
  const { pool, resolver, clock, membership } = deps;
  const callsOf = new Map<string, number[]>();

  async function tell(targetArn: string, atMs: number): Promise<void> {
    const reference = functionOfArn(targetArn);
    const target = reference && (await resolver.resolve(reference, reference));
    // Its environments are one process's.
    if (!target || (await membership?.owns(target.revision.functionArn)) === false) return;
    const nowMs = systemClock.nowMs();
    const { functionArn } = target.revision;
    const known = callsOf.get(functionArn) ?? [];
    const calls = known.filter((callMs) => callMs > nowMs && callMs !== atMs);
    calls.push(atMs);
    calls.sort((a, b) => a - b);
    callsOf.delete(functionArn);
    callsOf.set(functionArn, calls.slice(0, callsMax));
    for (const oldest of callsOf.keys()) {
      if (callsOf.size <= functionsMax) break;
      callsOf.delete(oldest);
    }
    pool.announce(target.revision, {
      nextMs: (afterMs) => callsOf.get(functionArn)?.find((callMs) => callMs > afterMs),
    });
  }

  return (targetArn, atMs) => {
    const isMoved = Math.abs(clock.nowMs() - systemClock.nowMs()) > 1_000;
    if (isMoved || !targetArn.includes(":lambda:")) return;
    ignore(tell(targetArn, atMs), "what nobody foresees starts when it is called");
  };
}
