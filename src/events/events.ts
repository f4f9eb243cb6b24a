import type { RequestContext, TraceContext } from "#base/context.ts";

/** One thing that happened, on its way to something that reacts. */
export interface EventRecord {
  /** Unique per record; deliveries are at least once and idempotent by it. */
  readonly id: string;
  /** The event as it will be seen by the target: JSON (or, for queues and topics, text) bytes. */
  readonly event: Uint8Array;
  /** Beside the event, for targets that have such a place (message attributes of queues and topics). */
  readonly attributes?: Readonly<Record<string, EventAttribute>>;
  /** Of what caused it; the context's where it is missing. Stored with the record, so that one tree spans all hops. */
  readonly trace?: TraceContext;
  /** FIFO targets: the message group. */
  readonly group?: string;
  /** FIFO targets: what makes two records one. */
  readonly deduplicationId?: string;
}

type AttributeType = "String" | "Number" | "Binary";

export interface EventAttribute {
  /** A label of the caller's may follow behind a point: `Number.int`. */
  readonly type: AttributeType | `${AttributeType}.${string}`;
  /** Base64 where the type is Binary. */
  readonly value: string;
}

/** What sends a record: resource policies of targets are about this. */
export interface DeliveryOrigin {
  /** `s3.amazonaws.com` */
  readonly service: string;
  /** The bucket, topic or rule: `aws:SourceArn`. */
  readonly arn: string;
  /** Twelve digits: `aws:SourceAccount`. */
  readonly accountId: string;
  readonly region: string;
}

/** An ARN something can be delivered to: function, queue, topic, bus, stream, workflow, HTTP. */
export interface Target {
  /**
   * Resolves with the ids that failed; rejects if all did. What was accepted is durable before it
   * resolves. `origin` is set when a service delivers; a target that has a resource policy checks it then.
   */
  deliver(
    records: readonly EventRecord[],
    context: RequestContext,
    origin?: DeliveryOrigin,
  ): Promise<ReadonlySet<string>>;
}

/** Finds the target behind an ARN; every service that can receive registers how. */
export interface TargetRegistry {
  /** `service` is the third part of the ARN (`lambda`, `sqs`). One provider per service. */
  register(service: string, find: (arn: string) => Target | undefined): void;
  /** Undefined when no service hosts that kind of ARN. */
  find(arn: string): Target | undefined;
}

/** Something records are fetched from, as opposed to a target, to which they are sent. */
export type EventSource = QueueSource | StreamSource;

/** Messages that are taken, worked on, and deleted or given back. */
export interface QueueSource {
  readonly kind: "queue";
  readonly arn: string;
  readonly isFifo: boolean;
  /** The queue's own, now; rejects with `target.unknown` when it is gone. */
  visibilityTimeoutMs(): Promise<number>;
  /**
   * Takes up to `limit` messages, in all at most `bytesMax` (but at least one). Waits up to `waitMs`
   * for a first one (Infinity: without a timer) and is woken by its arrival; empty when none came. What was taken comes back by
   * itself when the visibility timeout is over. Rejects with the signal's reason; what an aborted call
   * had taken comes back like that too.
   */
  receive(options: {
    readonly limit: number;
    readonly bytesMax: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<readonly SourceRecord[]>;
  /** Deletes; durable when it resolves. Unknown and outdated receipts are not an error. */
  acknowledge(records: readonly SourceRecord[]): Promise<void>;
  /** Visible again after `delayMs`. */
  release(records: readonly SourceRecord[], delayMs: number): Promise<void>;
}

/** Records in order, kept for a time, read by position. */
export interface StreamSource {
  readonly kind: "stream";
  readonly arn: string;
  shards(): Promise<readonly SourceShard[]>;
  /** The opaque position before the first record to read. */
  locate(
    shardId: string,
    start: "TRIM_HORIZON" | "LATEST" | { readonly atMs: number },
  ): Promise<string>;
  /**
   * Up to `limit` records behind `position`, in all at most `bytesMax` (but at least one). Waits up to
   * `waitMs` for a first one (Infinity: without a timer). `next` is where to go on; undefined when the shard is closed and this was
   * its end. A position whose records are no longer kept reads from the oldest that is.
   */
  read(options: {
    readonly shardId: string;
    readonly position: string;
    readonly limit: number;
    readonly bytesMax: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<{ readonly records: readonly SourceRecord[]; readonly next: string | undefined }>;
}

export interface SourceShard {
  readonly id: string;
  /** Read to its end before this one is begun; undefined, or not in the list any more, for the oldest. */
  readonly parentId: string | undefined;
  readonly isClosed: boolean;
}

export interface SourceRecord {
  /** Message id or sequence number. */
  readonly id: string;
  /** One element of `Records` in a function's event. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Of `value` as JSON, about. */
  readonly byteCount: number;
  /** Epoch milliseconds at which it entered the source. */
  readonly sentMs: number;
  /** Message group of a FIFO queue, partition key of a stream. */
  readonly group: string | undefined;
  readonly trace: TraceContext | undefined;
  /** Receipt handle; of a stream the position behind this record. */
  readonly receipt: string;
}

/** Finds the source behind an ARN; every service that can be read from registers how. */
export interface SourceRegistry {
  /** `service` is the third part of the ARN (`sqs`, `dynamodb`). One provider per service. */
  register(service: string, find: (arn: string) => EventSource | undefined): void;
  /** Undefined when no service hosts that kind of ARN. */
  find(arn: string): EventSource | undefined;
}

export type { Journal } from "./journal.ts";
export { createSources, createTargets } from "./registries.ts";
export { readPolicyVerdict } from "./resource-policy.ts";
export { deliver, isFinal, nextDeliveryMs } from "./delivery.ts";
