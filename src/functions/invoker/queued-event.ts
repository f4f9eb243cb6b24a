import type { Holder } from "#base/holder.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange } from "#storage/storage.ts";

/**
 * An accepted asynchronous invocation as it is stored. Its payload and, later, its response have keys
 * of their own, so that a change of state does not rewrite a mebibyte.
 */
export interface QueuedEvent {
  readonly requestId: string;
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** As the caller named it; resolved anew at every attempt. */
  readonly qualifier: string | undefined;
  readonly functionArn: string;
  readonly principalArn: string;
  readonly principalAccountId: string;
  readonly endpoint: string;
  readonly clientContext: string | undefined;
  readonly trace: {
    readonly traceId: string;
    readonly spanId: string | undefined;
    readonly sampled: boolean;
    readonly hops: number;
  };
  readonly acceptedAtMs: number;
  /** Times the function itself has run. */
  readonly runs: number;
  /** Throttles and system errors since the last run. */
  readonly setbacks: number;
  readonly lease: Holder | undefined;
  /** The event's fate is decided; what is left is telling somebody. */
  readonly delivery: Delivery | undefined;
}

export interface Delivery {
  readonly targets: readonly { readonly arn: string; readonly form: "record" | "dead-letter" }[];
  readonly condition: "Success" | "RetriesExhausted" | "EventAgeExceeded" | "RecursionDetected";
  /** Undefined when the function has never run. */
  readonly response: DeliveredResponse | undefined;
  readonly attempts: number;
}

export interface DeliveredResponse {
  readonly executedVersion: string;
  /** `Unhandled` when it failed. */
  readonly functionError: string | undefined;
  readonly errorMessage: string | undefined;
}

const space = "functions/async";

/** Keys: events by id, their bytes, and the order in which they are due. */
export const keys = {
  event: (id: string): Uint8Array => key(space, "event", id),
  payload: (id: string): Uint8Array => key(space, "payload", id),
  response: (id: string): Uint8Array => key(space, "response", id),
  due: (dueMs: number, id: string): Uint8Array => key(space, "due", dueMs, id),
  /** Where an event stands in the order: the number in its `due` key. */
  place: (id: string): Uint8Array => key(space, "place", id),
  count: key(space, "count"),
};

export const dueRange: KeyRange = keyPrefix(space, "due");
export const eventRange: KeyRange = keyPrefix(space, "event");

/** Everything due up to and including `nowMs`. */
export function dueUntil(nowMs: number): KeyRange {
  return { start: dueRange.start, end: key(space, "due", nowMs + 1) };
}

export const eventCodec = recordCodec<QueuedEvent>(1);
export const numberCodec = recordCodec<number>(1);
