import { keyAfter, keyParts } from "#storage/keys.ts";
import type { Reader } from "#storage/storage.ts";
import {
  decodeStreamRecord,
  readStreamHead,
  streamCodec,
  streamKeys,
  type Shard,
  type StreamDescription,
  type StreamHead,
  type StreamPlace,
  type StreamRecord,
} from "../stream-records.ts";
import { itemBytes } from "../values/values.ts";
import { streamRetentionMs } from "./limits.ts";
import { shardId } from "./names.ts";

/** A stream and what it holds at one moment. */
export interface StreamState {
  readonly stream: StreamDescription;
  readonly head: StreamHead;
}

export function readStream(reader: Reader, place: StreamPlace): StreamState | undefined {
  const bytes = reader.get(streamKeys.stream(place));
  if (!bytes) return undefined;
  const stream = streamCodec.decode(bytes);
  const head = readStreamHead(reader, stream.streamId);
  return head && { stream, head };
}

export function findShard(head: StreamHead, id: string): Shard | undefined {
  return head.shards.find((shard) => shardId(shard) === id);
}

/** The sequence number behind the last record of a shard, or the next one to be written. */
export function endOfShard({ last }: Shard, { next }: StreamHead): number {
  return last === undefined ? next : last + 1;
}

/**
 * The oldest record that is younger than a day, whether or not older ones are still there; the next one to
 * be written when there is none. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
 */
export function firstRetained(
  reader: Reader,
  { stream, head }: StreamState,
  nowMs: number,
): number {
  for (const record of recordsFrom(reader, stream.streamId, 0)) {
    if (!isTooOld(record, nowMs)) return record.sequence;
  }
  return head.next;
}

export function isTooOld({ createdMs }: StreamRecord, nowMs: number): boolean {
  return createdMs < nowMs - streamRetentionMs;
}

/** In order, from one sequence number on. */
export function* recordsFrom(
  reader: Reader,
  streamId: string,
  sequence: number,
): Generator<StreamRecord, void> {
  const { end } = streamKeys.records(streamId);
  const start = streamKeys.record(streamId, sequence);
  for (const { key, value } of reader.list({ start, end })) {
    const at = keyParts(key).at(-1);
    if (typeof at === "number") yield decodeStreamRecord(at, value);
  }
}

/** Up to so many records and bytes of one shard, at least one; and where to go on. */
export interface RecordPage {
  readonly records: readonly StreamRecord[];
  readonly next: number;
}

export interface RecordRequest {
  readonly shard: Shard;
  readonly position: number;
  readonly limit: number;
  readonly bytesMax: number;
}

export function readRecords(
  reader: Reader,
  { stream, head }: StreamState,
  { shard, position, limit, bytesMax }: RecordRequest,
): RecordPage {
  const end = endOfShard(shard, head);
  const records: StreamRecord[] = [];
  let bytes = 0;
  let next = Math.max(position, shard.first);
  if (next >= end) return { records, next };
  for (const record of recordsFrom(reader, stream.streamId, next)) {
    bytes += recordBytes(record);
    const isFull = records.length >= limit || (records.length > 0 && bytes > bytesMax);
    if (record.sequence >= end || isFull) break;
    records.push(record);
    next = record.sequence + 1;
  }
  return { records, next };
}

/** Of its keys and images; `SizeBytes`. */
export function recordBytes({ keys, newImage, oldImage }: StreamRecord): number {
  return itemBytes(keys) + itemBytes(newImage ?? {}) + itemBytes(oldImage ?? {});
}

/** The first record of a shard that is not older than a moment; the shard's end when there is none. */
export function firstSince(
  reader: Reader,
  state: StreamState,
  { shard, atMs }: { readonly shard: Shard; readonly atMs: number },
): number {
  let low = Math.max(shard.first, firstStored(reader, state));
  let high = Math.max(low, endOfShard(shard, state.head));
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const bytes = reader.get(streamKeys.record(state.stream.streamId, middle));
    if (bytes && decodeStreamRecord(middle, bytes).createdMs < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstStored(reader: Reader, { stream, head }: StreamState): number {
  for (const record of recordsFrom(reader, stream.streamId, 0)) return record.sequence;
  return head.next;
}

/** Everything of the records up to one of them. */
export function rangeUpTo(streamId: string, sequence: number) {
  const { start } = streamKeys.records(streamId);
  return { start, end: keyAfter(streamKeys.record(streamId, sequence)) };
}
