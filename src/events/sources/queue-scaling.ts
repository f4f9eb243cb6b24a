import { queueBatchesFirst, queueBatchesMax, queueBatchesPerMinute } from "../limits.ts";

/** How many batches of a queue may be under way, and since when it has been allowed to be so many. */
export interface QueueScale {
  readonly allowed: number;
  readonly sinceMs: number;
}

/** Five batches at first (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). */
export function firstScale(batchesMax: number | undefined, nowMs: number): QueueScale {
  return { allowed: Math.min(queueBatchesFirst, batchesMax ?? queueBatchesMax), sinceMs: nowMs };
}

/**
 * More while messages wait although all allowed batches run: at most 300 more a minute. Half as many
 * after a failure or a throttle; the same rate leads up again.
 */
export function scaleQueue(
  scale: QueueScale,
  seen: { readonly kind: "busy" | "failed"; readonly nowMs: number },
  batchesMax: number = queueBatchesMax,
): QueueScale {
  const { nowMs } = seen;
  if (seen.kind === "failed")
    return { allowed: Math.max(1, Math.floor(scale.allowed / 2)), sinceMs: nowMs };
  const elapsedMs = Math.max(0, nowMs - scale.sinceMs);
  const more = Math.floor((elapsedMs * queueBatchesPerMinute) / 60_000);
  if (more < 1) return scale;
  return { allowed: Math.min(batchesMax, scale.allowed + more), sinceMs: nowMs };
}
