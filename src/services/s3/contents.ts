import type { Bodies } from "#storage/bodies/bodies.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import { contentCodec, keys, readRecord, type ContentRecord, type Segment } from "./records.ts";

/** Saves the bytes of a version and counts the files they are in; part of the version's transaction. */
export function saveContent(tx: Transaction, contentId: string, content: ContentRecord): void {
  tx.put(keys.content(contentId), contentCodec.encode(content));
  for (const [bodyId, count] of filesOf(content)) addReferences(tx, bodyId, count);
}

/** Lets go of the bytes of a version; what nothing names any more becomes garbage. */
export function dropContent(tx: Transaction, contentId: string): void {
  if (contentId === "") return;
  const content = readRecord(tx, keys.content(contentId), contentCodec);
  if (!content) return;
  tx.delete(keys.content(contentId));
  for (const [bodyId, count] of filesOf(content)) addReferences(tx, bodyId, -count);
}

export function readContent(reader: Reader, contentId: string): ContentRecord {
  const content =
    contentId === "" ? undefined : readRecord(reader, keys.content(contentId), contentCodec);
  return content ?? { segments: [] };
}

function lengthOf(segment: Segment): number {
  return "bytes" in segment ? segment.bytes.byteLength : segment.byteCount;
}

/** The segments that hold the bytes from `start` up to, not including, `end`. */
export function sliceSegments(
  segments: readonly Segment[],
  { start, end }: { readonly start: number; readonly end: number },
): Segment[] {
  const slice: Segment[] = [];
  let at = 0;
  for (const segment of segments) {
    const length = lengthOf(segment);
    const from = Math.max(0, start - at);
    const to = Math.min(length, end - at);
    at += length;
    if (from >= to) continue;
    slice.push(
      "bytes" in segment
        ? { bytes: segment.bytes.subarray(from, to) }
        : { bodyId: segment.bodyId, start: segment.start + from, byteCount: to - from },
    );
  }
  return slice;
}

/** In one piece when it is at hand, else as a stream. Errors while streaming: as `Bodies.stream`. */
export function bytesOf(
  bodies: Pick<Bodies, "stream">,
  segments: readonly Segment[],
): Uint8Array | AsyncIterable<Uint8Array> {
  const [only] = segments;
  if (!only) return new Uint8Array();
  if (segments.length === 1) {
    return "bytes" in only ? only.bytes : streamOf(bodies, only);
  }
  return streamAll(bodies, segments);
}

async function* streamAll(
  bodies: Pick<Bodies, "stream">,
  segments: readonly Segment[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const segment of segments) {
    if ("bytes" in segment) yield segment.bytes;
    else yield* streamOf(bodies, segment);
  }
}

function streamOf(
  bodies: Pick<Bodies, "stream">,
  { bodyId, start, byteCount }: Exclude<Segment, { bytes: Uint8Array }>,
): AsyncIterable<Uint8Array> {
  return bodies.stream(bodyId, { start, end: start + byteCount });
}

function filesOf({ segments }: ContentRecord): Map<string, number> {
  const files = new Map<string, number>();
  for (const segment of segments) {
    if ("bytes" in segment) continue;
    files.set(segment.bodyId, (files.get(segment.bodyId) ?? 0) + 1);
  }
  return files;
}

function addReferences(tx: Transaction, bodyId: string, count: number): void {
  const at = keys.body(bodyId);
  const known = tx.get(at);
  const next = (known ? Number(Buffer.from(known).toString("latin1")) : 0) + count;
  if (next > 0) tx.put(at, Buffer.from(String(next), "latin1"));
  else {
    tx.delete(at);
    tx.put(keys.garbage(bodyId), new Uint8Array([1]));
  }
}
