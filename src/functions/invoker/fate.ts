import { unreachable } from "#base/assert.ts";
import { backoffMs } from "#base/backoff.ts";
import type { Random } from "#base/random.ts";
import type { AsyncConfig } from "./invoker.ts";
import {
  eventAgeMaxMs,
  functionErrorDelaysMs,
  functionErrorRetriesMax,
  systemErrorBackoff,
} from "./limits.ts";
import type { DeliveredResponse, Delivery, QueuedEvent } from "./queued-event.ts";

/** What one attempt came to. */
export type AttemptResult =
  | { readonly kind: "ok" | "function-error"; readonly response: DeliveredResponse }
  /** Throttled, or the platform's own failure: the function has not run. */
  | { readonly kind: "setback" }
  | { readonly kind: "recursion" }
  /** Waited too long to be tried at all. */
  | { readonly kind: "too-old" }
  /** The function no longer exists. */
  | { readonly kind: "no-function" };

export type Fate =
  | { readonly kind: "again"; readonly dueMs: number; readonly event: QueuedEvent }
  | { readonly kind: "deliver"; readonly event: QueuedEvent & { readonly delivery: Delivery } }
  | { readonly kind: "done" };

/**
 * What becomes of an event after an attempt. Function errors are retried after one minute and then two;
 * throttles and system errors with growing pauses until the event is too old
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
 */
export function decideFate(
  event: QueuedEvent,
  result: AttemptResult,
  rules: {
    readonly config: AsyncConfig | undefined;
    readonly deadLetterArn: string | undefined;
    readonly nowMs: number;
    readonly random: Random;
  },
): Fate {
  const { config, nowMs } = rules;
  const retriesMax = config?.maxRetryAttempts ?? functionErrorRetriesMax;
  switch (result.kind) {
    case "ok":
      return told({ ...event, runs: event.runs + 1 }, "Success", result.response, rules);
    case "function-error": {
      const runs = event.runs + 1;
      const failed = { ...event, runs, setbacks: 0, lease: undefined };
      if (runs > retriesMax) return told(failed, "RetriesExhausted", result.response, rules);
      const delayMs = functionErrorDelaysMs[runs - 1] ?? functionErrorDelaysMs.at(-1) ?? 0;
      return { kind: "again", dueMs: nowMs + delayMs, event: failed };
    }
    case "setback": {
      const setbacks = event.setbacks + 1;
      const { baseMs } = systemErrorBackoff;
      // At least the base, so that jitter never turns into a busy loop.
      const delayMs = Math.ceil(baseMs + backoffMs(setbacks - 1, systemErrorBackoff, rules.random));
      return {
        kind: "again",
        dueMs: nowMs + Math.min(delayMs, systemErrorBackoff.capMs),
        event: { ...event, setbacks, lease: undefined },
      };
    }
    case "too-old":
      return told(event, "EventAgeExceeded", undefined, rules);
    case "recursion":
      return told(event, "RecursionDetected", undefined, rules);
    case "no-function":
      return { kind: "done" };
    default:
      return unreachable(result);
  }
}

export function isTooOld(
  event: QueuedEvent,
  config: AsyncConfig | undefined,
  nowMs: number,
): boolean {
  return nowMs - event.acceptedAtMs > (config?.maxAgeMs ?? eventAgeMaxMs);
}

function told(
  event: QueuedEvent,
  condition: Delivery["condition"],
  response: DeliveredResponse | undefined,
  rules: { readonly config: AsyncConfig | undefined; readonly deadLetterArn: string | undefined },
): Fate {
  const isSuccess = condition === "Success";
  const destination = isSuccess ? rules.config?.onSuccessArn : rules.config?.onFailureArn;
  const targets: Delivery["targets"][number][] = [];
  if (destination !== undefined) targets.push({ arn: destination, form: "record" });
  if (!isSuccess && rules.deadLetterArn !== undefined)
    targets.push({ arn: rules.deadLetterArn, form: "dead-letter" });
  if (targets.length === 0) return { kind: "done" };
  const delivery: Delivery = { targets, condition, response, attempts: 0 };
  return { kind: "deliver", event: { ...event, lease: undefined, delivery } };
}
