import type { Random } from "./random.ts";

/** Exponential, capped, with full jitter: uniform in [0, min(cap, base * 2^attempt)) milliseconds. */
export function backoffMs(
  attempt: number,
  policy: { readonly baseMs: number; readonly capMs: number },
  random: Random,
): number {
  return random.fraction() * Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt, 30));
}
