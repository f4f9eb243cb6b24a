import type { DeliveryOrigin, EventRecord } from "../events.ts";
import type { Transaction } from "#storage/storage.ts";

export { createOutbox } from "./live-outbox.ts";

/** Effects that leave in the transaction that caused them. */
export interface Outbox extends AsyncDisposable {
  /**
   * Inside the caller's transaction. Delivered once that is committed, at least once, tried again by the
   * delivery's policy, then handed to its dead-letter target. Errors: `queue.full`, which fails the
   * transaction.
   */
  add(tx: Transaction, delivery: Delivery): void;
}

export interface Delivery {
  readonly targetArn: string;
  readonly record: EventRecord;
  readonly origin: DeliveryOrigin;
  /**
   * The sender acts with a role of its account, as Lambda does for destinations, and not by a permission
   * that the target gives it: no resource policy of the account's own has to allow it.
   */
  readonly usesRole?: boolean;
  readonly retry: RetryPolicy;
  /** Where it goes when the policy is exhausted or trying again cannot help. */
  readonly deadLetterArn?: string;
  /** What the service adds to a dead letter; the error is added by the form. */
  readonly deadLetterAttributes?: Readonly<Record<string, string>>;
  /** How the error is written beside a dead letter; without a form it is not. */
  readonly deadLetterForm?: DeadLetterForm;
  /** Deliveries with the same key leave one after the other, in the order of their commits. */
  readonly orderKey?: string;
}

export interface RetryPolicy {
  /** Tries in all, at least 1. */
  readonly attemptsMax: number;
  /** No try begins later than this after the commit. */
  readonly ageMaxMs: number;
  /** Pauses double from here to the cap, with jitter: one second and five minutes. */
  readonly baseMs?: number;
  readonly capMs?: number;
}

/**
 * `events`: ERROR_CODE, ERROR_MESSAGE, RETRY_ATTEMPTS, EXHAUSTED_RETRY_CONDITION, as EventBridge and its
 * Scheduler add them (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
 * `topics`: RequestID, ErrorCode, ErrorMessage, as SNS does.
 */
export type DeadLetterForm = "events" | "topics";
