/**
 * When code that fails in its init gets another start. Pure. Such code fails again at once, so a
 * thousand calls of it would be a thousand cold starts that everybody else has to wait for.
 */
export interface InitFailures {
  /** In a row: one that comes up ends the row. */
  readonly count: number;
  /** How often starts have been held back already. */
  readonly holds: number;
  /** Monotonic; no start before. */
  readonly heldUntilMs: number;
}

export interface InitFailurePolicy {
  /** Failures in a row that cost nothing but their starts. */
  readonly freeCount: number;
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * After one more. Starts that were under way together count as one hold: only what began after the
 * last hold was over makes the next one longer.
 */
export function afterFailure(
  before: InitFailures | undefined,
  start: { readonly beganMs: number; readonly endedMs: number },
  policy: InitFailurePolicy,
): InitFailures {
  const { count, holds, heldUntilMs } = before ?? { count: 0, holds: 0, heldUntilMs: -Infinity };
  const isFree = count + 1 < policy.freeCount;
  if (isFree || start.beganMs < heldUntilMs) return { count: count + 1, holds, heldUntilMs };
  const holdMs = Math.min(policy.capMs, policy.baseMs * 2 ** holds);
  return { count: count + 1, holds: holds + 1, heldUntilMs: start.endedMs + holdMs };
}
