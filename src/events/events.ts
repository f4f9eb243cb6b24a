import type { RequestContext } from "#base/context.ts";

/** One thing that happened, on its way to something that reacts. */
export interface EventRecord {
  /** Unique per record; deliveries are at least once and idempotent by it. */
  readonly id: string;
  /** The event as it will be seen by the target: JSON bytes. */
  readonly event: Uint8Array;
  /** Beside the event, for targets that have such a place (message attributes of queues and topics). */
  readonly attributes?: Readonly<Record<string, EventAttribute>>;
}

export interface EventAttribute {
  readonly type: "String" | "Number";
  readonly value: string;
}

/** An ARN something can be delivered to: function, queue, topic, bus, stream, workflow, HTTP. */
export interface Target {
  /**
   * Resolves with the ids that failed; rejects if all did. What was accepted is durable before it
   * resolves.
   */
  deliver(records: readonly EventRecord[], context: RequestContext): Promise<ReadonlySet<string>>;
}

/** Finds the target behind an ARN; every service that can receive registers how. */
export interface TargetRegistry {
  /** `service` is the third part of the ARN (`lambda`, `sqs`). One provider per service. */
  register(service: string, find: (arn: string) => Target | undefined): void;
  /** Undefined when no service hosts that kind of ARN. */
  find(arn: string): Target | undefined;
}

export { createTargets } from "./targets.ts";
export { deliver, isFinal, nextDeliveryMs } from "./delivery.ts";
