import type { LogGroupClass } from "@aws-sdk/client-cloudwatch-logs";
import { assert } from "#base/assert.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec, type RecordCodec } from "#storage/records.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";

/**
 * What is stored. Groups and streams have ids of their own, so that deleting one is a single removal
 * and what it held is cleared away in small steps afterwards, and a new one of the same name starts
 * empty at once.
 */
export interface GroupRecord {
  readonly name: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly logGroupClass: LogGroupClass;
  readonly retentionDays?: number;
  readonly isDeletionProtected?: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

export interface StreamRecord {
  readonly name: string;
  /** 13 hexadecimal digits: fits a number, and goes into the ids of its events. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Undefined until the first event, and again when all have expired. */
  readonly firstEventMs?: number;
  readonly lastEventMs?: number;
  readonly lastIngestedMs?: number;
  /** Given to the next event; counts events ever stored. */
  readonly nextSequence: number;
}

export interface EventRecord {
  readonly message: string;
  readonly ingestedAtMs: number;
}

export interface UsageRecord {
  /** As billed: messages in UTF-8 plus 26 bytes per event. */
  readonly storedBytes: number;
}

/** Something deleted whose contents are still to be removed. */
export interface RemainsRecord {
  readonly kind: "group" | "stream";
  readonly id: string;
  /** Of a stream: the group whose `storedBytes` still counts its events; undefined if that is gone too. */
  readonly groupId?: string;
}

export interface ResourcePolicyRecord {
  readonly name: string;
  readonly document: string;
  readonly updatedAtMs: number;
}

export const groupCodec: RecordCodec<GroupRecord> = recordCodec(1);
export const streamCodec: RecordCodec<StreamRecord> = recordCodec(1);
/**
 * Written by hand because there is one per log line: version 1, then the time of ingestion in eight
 * bytes, then the message in UTF-8.
 */
export const eventCodec: RecordCodec<EventRecord> = {
  encode({ message, ingestedAtMs }) {
    const bytes = Buffer.allocUnsafe(9 + Buffer.byteLength(message, "utf8"));
    bytes[0] = 1;
    bytes.writeDoubleBE(ingestedAtMs, 1);
    bytes.write(message, 9, "utf8");
    return bytes;
  },
  decode(bytes) {
    assert(bytes[0] === 1, `a stored event of version ${bytes[0]} can be read`);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { message: view.toString("utf8", 9), ingestedAtMs: view.readDoubleBE(1) };
  },
};
export const usageCodec: RecordCodec<UsageRecord> = recordCodec(1);
export const remainsCodec: RecordCodec<RemainsRecord> = recordCodec(1);
export const resourcePolicyCodec: RecordCodec<ResourcePolicyRecord> = recordCodec(1);
/** Value of index entries whose key says everything. */
export const linkCodec: RecordCodec<{ readonly name: string }> = recordCodec(1);

/** Where a group lives: names are unique within an account and region. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** A boundary between two events of one stream. */
export interface EventPosition {
  readonly ms: number;
  readonly sequence: number;
}

export const keys = {
  group: ({ accountId, region }: Place, name: string) =>
    key("logs", "group", accountId, region, name),
  groups: ({ accountId, region }: Place) => keyPrefix("logs", "group", accountId, region),
  everyGroup: () => keyPrefix("logs", "group"),
  stream: (groupId: string, name: string) => key("logs", "stream", groupId, name),
  streams: (groupId: string) => keyPrefix("logs", "stream", groupId),
  /** Streams in order of their newest event; 0 for those without. */
  recent: (groupId: string, stream: StreamRecord) =>
    key("logs", "recent", groupId, stream.lastEventMs ?? 0, stream.name),
  recents: (groupId: string) => keyPrefix("logs", "recent", groupId),
  event: (streamId: string, at: EventPosition) =>
    key("logs", "event", streamId, at.ms, at.sequence),
  /** The same keys for many events of one stream, whose common part is encoded once. */
  eventsOf: (streamId: string): ((at: EventPosition) => Uint8Array) => {
    const prefix = key("logs", "event", streamId);
    return (at) => Buffer.concat([prefix, key(at.ms, at.sequence)]);
  },
  events: (streamId: string) => keyPrefix("logs", "event", streamId),
  usage: (groupId: string) => key("logs", "usage", groupId),
  remains: (id: string) => key("logs", "remains", id),
  everyRemains: () => keyPrefix("logs", "remains"),
  resourcePolicy: ({ accountId, region }: Place, name: string) =>
    key("logs", "resource-policy", accountId, region, name),
  resourcePolicies: ({ accountId, region }: Place) =>
    keyPrefix("logs", "resource-policy", accountId, region),
} as const;

/** Events of a stream from one boundary to another. */
export function eventRange(streamId: string, from: EventPosition, to: EventPosition): KeyRange {
  return { start: keys.event(streamId, from), end: keys.event(streamId, to) };
}

/** Later than every event: the largest number a key can hold. */
export const endOfTime: EventPosition = { ms: Number.MAX_SAFE_INTEGER, sequence: 0 };

export function readRecord<T>(
  reader: Reader,
  at: Uint8Array,
  codec: RecordCodec<T>,
): T | undefined {
  const bytes = reader.get(at);
  return bytes && codec.decode(bytes);
}
