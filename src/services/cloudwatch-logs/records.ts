import type { LogGroupClass } from "@aws-sdk/client-cloudwatch-logs";
import { PlatformError } from "#base/errors.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec, type RecordCodec } from "#storage/records.ts";
import type { Reader } from "#storage/storage.ts";

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
  /** The span classes its chunks have had, as bits. */
  readonly spanClasses: number;
  /** The newest chunk while it is small enough to be rewritten with what comes next. */
  readonly growing?: ChunkPlace;
}

/** Where a chunk is kept within its stream. */
export interface ChunkPlace {
  readonly minMs: number;
  /** The smallest sequence number of its events; no other chunk of the stream has the same. */
  readonly firstSequence: number;
  /** See `spanClassOf`. */
  readonly spanClass: number;
}

/** An event as it is read back. */
export interface StoredEvent extends EventPosition {
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
/** Version 1 kept one entry per event. It was never released, so its events are refused, not converted. */
export const streamCodec: RecordCodec<StreamRecord> = recordCodec(2, (old, fromVersion) => {
  const stream = old as Omit<StreamRecord, "spanClasses">; // what version 1 wrote
  if (stream.nextSequence === 0) return { ...stream, spanClasses: 0 };
  throw new PlatformError(
    "storage.failed",
    `log stream ${stream.name} was stored by a version of Skerry before the first release (format ${fromVersion}); start with an empty data folder`,
  );
});
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
  chunk: (streamId: string, { spanClass, minMs, firstSequence }: ChunkPlace) =>
    key("logs", "chunk", streamId, spanClass, minMs, firstSequence),
  chunks: (streamId: string) => keyPrefix("logs", "chunk", streamId),
  usage: (groupId: string) => key("logs", "usage", groupId),
  remains: (id: string) => key("logs", "remains", id),
  everyRemains: () => keyPrefix("logs", "remains"),
  resourcePolicy: ({ accountId, region }: Place, name: string) =>
    key("logs", "resource-policy", accountId, region, name),
  resourcePolicies: ({ accountId, region }: Place) =>
    keyPrefix("logs", "resource-policy", accountId, region),
} as const;

export function chunkPlace(encodedKey: Uint8Array): ChunkPlace {
  const [, , , spanClass, minMs, firstSequence] = keyParts(encodedKey);
  // Written by `keys.chunk`.
  return {
    spanClass: Number(spanClass),
    minMs: Number(minMs),
    firstSequence: Number(firstSequence),
  };
}

/**
 * Chunks of a stream are kept apart by how much time they cover, in classes of four times the span
 * before. Who looks for events of a moment then knows how far back a chunk may begin that holds it,
 * and skips few chunks that do not, although batches may overlap as they like.
 */
export function spanClassOf(spanMs: number): number {
  let spanClass = 0;
  while (spanMs >= spanEndMs(spanClass)) spanClass++;
  return spanClass;
}

/** All chunks of the class cover less than this; the least is 64 ms. */
export function spanEndMs(spanClass: number): number {
  return 64 * 4 ** spanClass;
}

/** The classes a stream's chunks have had. More than the bits of a 32-bit number. */
export function spanClassesOf({ spanClasses }: Pick<StreamRecord, "spanClasses">): number[] {
  const found: number[] = [];
  for (let spanClass = 0; 2 ** spanClass <= spanClasses; spanClass++) {
    if (Math.floor(spanClasses / 2 ** spanClass) % 2 === 1) found.push(spanClass);
  }
  return found;
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
