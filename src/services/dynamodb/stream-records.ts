import type { TraceContext } from "#base/context.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange, Reader, Transaction } from "#storage/storage.ts";
import { ByteReader, ByteWriter } from "./items/bytes.ts";
import { decodeItem, encodeItem } from "./items/codec.ts";
import { shardAgeMaxMs } from "./limits.ts";
import type { Item } from "./values/values.ts";
import { formatTraceHeader, parseTraceHeader } from "#telemetry/trace-header.ts";

/**
 * What changes of items leave behind for DynamoDB Streams, in the transaction that changes them. One stream has
 * one open shard; sequence numbers come from the head of the stream, which every writer reads and writes, so
 * that their order is the order of commits and a reader who has seen one will never miss an earlier one.
 *
 *   head     "dynamodb" "stream-head" <stream id>             next sequence number, shards
 *   record   "dynamodb" "stream-record" <stream id> <sequence number>
 *   stream   "dynamodb" "stream" <account> <region> <table> <label>
 */
export interface StreamRecord {
  readonly sequence: number;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  /** Epoch milliseconds of the change. */
  readonly createdMs: number;
  readonly keys: Item;
  /** Only as far as the view type shows them. */
  readonly newImage: Item | undefined;
  readonly oldImage: Item | undefined;
  /** Set when time to live removed the item: the service did it, nobody's request. */
  readonly isExpiry: boolean;
  readonly trace: TraceContext | undefined;
}

export type StreamViewType = "KEYS_ONLY" | "NEW_IMAGE" | "OLD_IMAGE" | "NEW_AND_OLD_IMAGES";

/** A stream as it was enabled; kept for a day after it was disabled or its table deleted. */
export interface StreamDescription {
  readonly streamId: string;
  readonly accountId: string;
  readonly region: string;
  readonly tableName: string;
  /** Last part of the ARN: the moment of enabling, `2026-03-01T12:00:00.000`. */
  readonly label: string;
  readonly viewType: StreamViewType;
  readonly keySchema: { readonly hash: string; readonly range?: string };
  readonly createdMs: number;
  readonly disabledMs?: number;
}

/** One shard holds the sequence numbers from `first` up to the next shard's first. */
export interface Shard {
  readonly first: number;
  readonly openedMs: number;
  /** The last one it holds, once it is closed. */
  readonly last?: number;
}

export interface StreamHead {
  readonly next: number;
  /** Oldest first; the last is open until the stream is disabled. */
  readonly shards: readonly Shard[];
}

export const streamCodec = recordCodec<StreamDescription>(1);
export const streamHeadCodec = recordCodec<StreamHead>(1);

export const streamKeys = {
  head: (streamId: string) => key("dynamodb", "stream-head", streamId),
  record: (streamId: string, sequence: number) =>
    key("dynamodb", "stream-record", streamId, sequence),
  records: (streamId: string): KeyRange => keyPrefix("dynamodb", "stream-record", streamId),
  stream: ({ accountId, region, tableName, label }: StreamPlace) =>
    key("dynamodb", "stream", accountId, region, tableName, label),
  streams: (accountId: string, region: string): KeyRange =>
    keyPrefix("dynamodb", "stream", accountId, region),
  everyStream: (): KeyRange => keyPrefix("dynamodb", "stream"),
};

export type StreamPlace = Pick<StreamDescription, "accountId" | "region" | "tableName" | "label">;

/** The first sequence number of a stream. */
const firstSequence = 1;

/** Makes the stream readable, with one empty open shard. */
export function openStream(tx: Transaction, stream: StreamDescription): void {
  tx.put(streamKeys.stream(stream), streamCodec.encode(stream));
  const shard = { first: firstSequence, openedMs: stream.createdMs };
  const head = { next: firstSequence, shards: [shard] };
  tx.put(streamKeys.head(stream.streamId), streamHeadCodec.encode(head));
}

/** No further records; what is there stays readable for a day. */
export function closeStream(tx: Transaction, place: StreamPlace, nowMs: number): void {
  const bytes = tx.get(streamKeys.stream(place));
  if (!bytes) return;
  const stream = streamCodec.decode(bytes);
  tx.put(streamKeys.stream(place), streamCodec.encode({ ...stream, disabledMs: nowMs }));
  const head = readStreamHead(tx, stream.streamId);
  if (!head) return;
  const shards = head.shards.map((shard, at) =>
    at === head.shards.length - 1 ? { ...shard, last: head.next - 1 } : shard,
  );
  tx.put(streamKeys.head(stream.streamId), streamHeadCodec.encode({ ...head, shards }));
}

export function readStreamHead(reader: Reader, streamId: string): StreamHead | undefined {
  const bytes = reader.get(streamKeys.head(streamId));
  return bytes && streamHeadCodec.decode(bytes);
}

/** What is appended: everything but the sequence number, which the stream gives. */
export type StreamEntry = Omit<StreamRecord, "sequence">;

/** One after the other, in this transaction; the open shard is closed first when it is old enough. */
export function appendStreamRecords(
  tx: Transaction,
  streamId: string,
  entries: readonly StreamEntry[],
): void {
  const head = readStreamHead(tx, streamId);
  const open = head?.shards.at(-1);
  const [first] = entries;
  if (!head || !open || open.last !== undefined || !first) return;
  let { next, shards } = head;
  if (first.createdMs - open.openedMs >= shardAgeMaxMs && next > open.first) {
    const shard = { first: next, openedMs: first.createdMs };
    shards = [...shards.slice(0, -1), { ...open, last: next - 1 }, shard];
  }
  for (const entry of entries) {
    tx.put(streamKeys.record(streamId, next), encodeStreamRecord(entry));
    next++;
  }
  tx.put(streamKeys.head(streamId), streamHeadCodec.encode({ next, shards }));
}

const version = 1;
const eventNames = ["INSERT", "MODIFY", "REMOVE"] as const;
const flag = { newImage: 1, oldImage: 2, expiry: 4, trace: 8 } as const;
const writer = new ByteWriter();

function encodeStreamRecord(record: StreamEntry): Uint8Array {
  const { keys, newImage, oldImage, isExpiry, trace } = record;
  writer.reset();
  writer.byte(version);
  writer.byte(eventNames.indexOf(record.eventName));
  writer.byte(
    (newImage ? flag.newImage : 0) |
      (oldImage ? flag.oldImage : 0) |
      (isExpiry ? flag.expiry : 0) |
      (trace ? flag.trace : 0),
  );
  writer.varint(record.createdMs);
  writer.bytes(encodeItem(keys));
  if (newImage) writer.bytes(encodeItem(newImage));
  if (oldImage) writer.bytes(encodeItem(oldImage));
  if (trace) writer.text(formatTraceHeader(trace));
  if (trace) writer.varint(trace.hops);
  return writer.written();
}

/** What an entry of `streamKeys.records` holds. */
export function decodeStreamRecord(sequence: number, bytes: Uint8Array): StreamRecord {
  const reader = new ByteReader(bytes);
  reader.byte();
  const eventName = eventNames[reader.byte()] ?? "MODIFY";
  const flags = reader.byte();
  const createdMs = reader.varint();
  const keys = decodeItem(reader.bytes());
  const newImage = flags & flag.newImage ? decodeItem(reader.bytes()) : undefined;
  const oldImage = flags & flag.oldImage ? decodeItem(reader.bytes()) : undefined;
  const trace = flags & flag.trace ? parseTraceHeader(reader.text()) : undefined;
  return {
    sequence,
    eventName,
    createdMs,
    keys,
    newImage,
    oldImage,
    isExpiry: (flags & flag.expiry) !== 0,
    trace: trace && { ...trace, hops: reader.varint() },
  };
}
