import { backoffMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { RequestContext } from "#base/context.ts";
import { isPlatformError, PlatformError } from "#base/errors.ts";
import type { Random } from "#base/random.ts";
import type { EventRecord, Target } from "./events.ts";

/** How often and how long delivery is tried before the caller must find another place. */
export interface DeliveryPolicy {
  readonly attemptsMax: number;
  readonly baseMs: number;
  readonly capMs: number;
}

/** When to try again after `attempts` failures, or `undefined` when it is time to give up. */
export function nextDeliveryMs(
  attempts: number,
  policy: DeliveryPolicy,
  now: { readonly nowMs: number; readonly random: Random },
): number | undefined {
  if (attempts >= policy.attemptsMax) return undefined;
  return now.nowMs + Math.ceil(backoffMs(attempts, policy, now.random));
}

/**
 * A failure that trying again cannot mend: the platform says so itself, or a service calls it the
 * client's fault (no permission, no such resource) and not one of its rate.
 */
export function isFinal(error: unknown): boolean {
  if (isPlatformError(error)) return !error.retryable;
  if (!(error instanceof Error) || !("$fault" in error) || error.$fault !== "client") return false;
  return !/Throttl|TooManyRequests|LimitExceeded|OverLimit|ThroughputExceeded|Conflict|NotReady/.test(
    error.name,
  );
}

/**
 * Delivers with retries while the context's signal allows; only what failed is sent again. Rejects with
 * the last error when the policy is exhausted, at once when the error is final, with the signal's reason
 * when aborted. For work whose durability somebody else keeps.
 */
export async function deliver(
  deps: { readonly clock: Clock; readonly random: Random },
  to: {
    readonly target: Target;
    readonly policy: DeliveryPolicy;
    readonly context: RequestContext;
  },
  records: readonly EventRecord[],
): Promise<void> {
  const { target, policy, context } = to;
  let left = records;
  for (let attempts = 1; left.length > 0; attempts++) {
    context.signal.throwIfAborted();
    let reason: unknown;
    try {
      const failed = await target.deliver(left, context);
      left = left.filter((record) => failed.has(record.id));
      if (left.length === 0) return;
    } catch (error) {
      if (isFinal(error)) throw error;
      reason = error;
    }
    const now = { nowMs: deps.clock.nowMs(), random: deps.random };
    const againAtMs = nextDeliveryMs(attempts, policy, now);
    if (againAtMs === undefined)
      throw reason ?? new PlatformError("queue.full", `${left.length} records were not accepted`);
    await deps.clock.sleep(againAtMs - now.nowMs, context.signal);
  }
}
