import type { Random } from "#base/random.ts";
import type { Transaction } from "#storage/storage.ts";
import { mergedColumns, readChunk, toChunks, type Chunk } from "./chunks.ts";
import { createGroup, createStream, findGroup, saveStream } from "./groups.ts";
import { eventOverheadBytes, growingBytesMax } from "./limits.ts";
import { openChunk } from "./packing.ts";
import {
  keys,
  readRecord,
  spanClassesOf,
  spanClassOf,
  streamCodec,
  usageCodec,
  type ChunkPlace,
  type EventPosition,
  type GroupRecord,
  type Place,
  type StreamRecord,
} from "./records.ts";

/** Storing events, and what is said about them. */
export interface NewEvent {
  readonly timestampMs: number;
  readonly message: string;
}

/** What an event counts towards quotas and `storedBytes`. */
export function eventBytes(message: string): number {
  return Buffer.byteLength(message, "utf8") + eventOverheadBytes;
}

/**
 * Adds the chunks of one batch, whose sequences count from zero, to a stream. Returns the stream as it
 * is then. The group's usage is the caller's, who may add to many streams: `storedBytesOf` the chunks.
 */
export function appendChunks(
  tx: Transaction,
  target: { readonly group: GroupRecord; readonly stream: StreamRecord },
  chunks: readonly Chunk[],
  nowMs: number,
): StreamRecord {
  if (chunks.length === 0) return target.stream;
  let { stream } = target;
  for (const draft of chunks) {
    const chunk = { ...draft, firstSequence: stream.nextSequence + draft.firstSequence };
    stream = addChunk(tx, stream, chunk);
  }
  let { nextSequence, firstEventMs = Infinity, lastEventMs = 0 } = stream;
  for (const { minMs, maxMs, count } of chunks) {
    nextSequence += count;
    firstEventMs = Math.min(firstEventMs, minMs);
    lastEventMs = Math.max(lastEventMs, maxMs);
  }
  const changed = { ...stream, nextSequence, firstEventMs, lastEventMs, lastIngestedMs: nowMs };
  saveStream(tx, target.group.id, changed, target.stream);
  return changed;
}

/** What the chunks add to the usage of their group. */
export function storedBytesOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
}

/** A small chunk grows with the next small one, so that a slow stream does not become many records. */
function addChunk(tx: Transaction, stream: StreamRecord, chunk: Chunk): StreamRecord {
  const { growing, ...rest } = stream;
  const older = growing && tx.get(keys.chunk(stream.id, growing));
  const open = older && readChunk(growing, older);
  if (!open || open.bodyBytes + chunk.bodyBytes > growingBytesMax) {
    const placed = putChunk(tx, rest, chunk);
    const isSmall = chunk.bodyBytes < growingBytesMax;
    return { ...rest, ...placed.classes, ...(isSmall && { growing: placed.place }) };
  }
  tx.delete(keys.chunk(stream.id, growing));
  const [merged] = toChunks(mergedColumns([openChunk(open), openChunk(chunk)]));
  const placed = putChunk(tx, rest, merged as Chunk); // two small ones are not more than one
  return { ...rest, ...placed.classes, growing: placed.place };
}

/** Stores a chunk whose sequences are those of the stream. */
export function putChunk(
  tx: Transaction,
  stream: Pick<StreamRecord, "id" | "spanClasses">,
  chunk: Chunk,
): { readonly place: ChunkPlace; readonly classes: Pick<StreamRecord, "spanClasses"> } {
  const { minMs, firstSequence } = chunk;
  const spanClass = spanClassOf(chunk.maxMs - minMs);
  const place = { minMs, firstSequence, spanClass };
  tx.put(keys.chunk(stream.id, place), chunk.value);
  const isKnown = spanClassesOf(stream).includes(spanClass);
  const spanClasses = isKnown ? stream.spanClasses : stream.spanClasses + 2 ** spanClass;
  return { place, classes: { spanClasses } };
}

export function addUsage(tx: Transaction, groupId: string, bytes: number): void {
  const at = keys.usage(groupId);
  const storedBytes = Math.max(0, (readRecord(tx, at, usageCodec)?.storedBytes ?? 0) + bytes);
  tx.put(at, usageCodec.encode({ storedBytes }));
}

/** The group for lines the platform itself writes: made when it is not there. */
export function ensureGroup(
  tx: Transaction,
  where: Place & { readonly name: string },
  nowMs: number,
  random: Random,
): GroupRecord {
  const found = findGroup(tx, where, where.name);
  if (found) return found;
  const fresh = { createdAtMs: nowMs, logGroupClass: "STANDARD", tags: {} } as const;
  return createGroup(tx, where, { name: where.name, ...fresh }, random);
}

/** Likewise a stream of it. */
export function ensureStream(
  tx: Transaction,
  group: GroupRecord,
  fresh: { readonly name: string; readonly createdAtMs: number },
  random: Random,
): StreamRecord {
  const found = readRecord(tx, keys.stream(group.id, fresh.name), streamCodec);
  return found ?? createStream(tx, group, fresh, random);
}

/** 56 digits, unique per event and in the order of time, as the real ones are. */
export function eventId(streamId: string, { ms, sequence }: EventPosition): string {
  const stream = String(Number.parseInt(streamId, 16)).padStart(16, "0");
  return (
    String(ms).padStart(14, "0") + stream + String(sequence).padStart(16, "0") + "0".repeat(10)
  );
}

/** Events older than this are expired, removed yet or not. 0 when the group keeps everything. */
export function expiredBeforeMs(group: GroupRecord, nowMs: number): number {
  const { retentionDays } = group;
  return retentionDays === undefined ? 0 : Math.max(0, nowMs - retentionDays * 86_400_000);
}

/** Tokens are ignored since 2023 and still returned: 56 digits that change with every upload. */
export function uploadToken(stream: StreamRecord): string {
  return `49${String(stream.nextSequence).padStart(54, "0")}`;
}
