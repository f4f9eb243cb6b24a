import { backoffMs } from "#base/backoff.ts";
import type { Random } from "#base/random.ts";
import type { EventAttribute, EventRecord } from "../events.ts";
import { deadLetterRetry, deliveryBackoff } from "../limits.ts";
import type { Entry, Failure } from "./entries.ts";

/** What becomes of a delivery after a try that failed. */
export type Fate =
  | { readonly kind: "again" | "dead-letter"; readonly entry: Entry; readonly dueMs: number }
  | { readonly kind: "drop" };

/**
 * Tried again while the policy allows, by number and by age; an error that trying again cannot mend goes
 * to the dead-letter target at once, as missing permissions and missing targets do in EventBridge
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html) and in SNS
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
 */
export function decideFate(
  entry: Entry,
  failure: Failure & { readonly isFinal: boolean },
  now: { readonly nowMs: number; readonly random: Random },
): Fate {
  const attempts = entry.attempts + 1;
  const isDeadLetter = entry.stage === "dead-letter";
  const policy = isDeadLetter ? deadLetterRetry : entry.retry;
  const dueMs = now.nowMs + pauseMs(attempts, entry, now.random);
  const condition =
    attempts >= policy.attemptsMax
      ? "MaximumRetryAttempts"
      : dueMs - entry.sinceMs > policy.ageMaxMs
        ? "MaximumEventAgeInSeconds"
        : undefined;
  const { code, message } = failure;
  if (condition === undefined && !failure.isFinal)
    return { kind: "again", entry: { ...entry, attempts }, dueMs };
  if (isDeadLetter || entry.deadLetterArn === undefined) return { kind: "drop" };
  return {
    kind: "dead-letter",
    dueMs: now.nowMs,
    entry: {
      ...entry,
      stage: "dead-letter",
      attempts: 0,
      sinceMs: now.nowMs,
      failure: {
        code,
        message,
        retries: attempts - 1,
        ...(!failure.isFinal && condition !== undefined && { condition }),
      },
    },
  };
}

/** Half of the pause is certain, so that jitter never makes a busy loop. */
function pauseMs(attempts: number, entry: Entry, random: Random): number {
  const { baseMs = deliveryBackoff.baseMs, capMs = deliveryBackoff.capMs } =
    entry.stage === "target" ? entry.retry : {};
  const bounds = { baseMs: baseMs / 2, capMs: capMs / 2 };
  const certainMs = Math.min(bounds.capMs, bounds.baseMs * 2 ** Math.min(attempts - 1, 30));
  return Math.ceil(certainMs + backoffMs(attempts - 1, bounds, random));
}

/** The record as its target of this stage shall see it. */
export function recordOf(entry: Entry, event: Uint8Array): EventRecord {
  const record = { ...entry.record, event };
  if (entry.stage === "target") return record;
  return { ...record, attributes: { ...record.attributes, ...deadLetterAttributes(entry) } };
}

function deadLetterAttributes(entry: Entry): Record<string, EventAttribute> {
  const attributes: Record<string, EventAttribute> = {};
  const add = (name: string, value: string | undefined, type: "String" | "Number" = "String") => {
    if (value !== undefined && value !== "") attributes[name] = { type, value };
  };
  for (const [name, value] of Object.entries(entry.deadLetterAttributes ?? {})) add(name, value);
  const { failure } = entry;
  if (!failure) return attributes;
  if (entry.deadLetterForm === "events") {
    add("ERROR_CODE", failure.code);
    add("ERROR_MESSAGE", failure.message);
    add("RETRY_ATTEMPTS", String(failure.retries ?? 0), "Number");
    add("EXHAUSTED_RETRY_CONDITION", failure.condition);
  } else if (entry.deadLetterForm === "topics") {
    add("RequestID", entry.record.id);
    add("ErrorCode", failure.code);
    add("ErrorMessage", failure.message);
  }
  return attributes;
}
