import type { Random } from "#base/random.ts";
import { keyParts } from "#storage/keys.ts";
import type { Entry, Transaction } from "#storage/storage.ts";
import { createGroup, createStream, findGroup, saveStream } from "./groups.ts";
import { eventOverheadBytes } from "./limits.ts";
import {
  eventCodec,
  keys,
  readRecord,
  streamCodec,
  usageCodec,
  type EventPosition,
  type EventRecord,
  type GroupRecord,
  type Place,
  type StreamRecord,
} from "./records.ts";

/** Storing events and reading them back with their position. */
export interface NewEvent {
  readonly timestampMs: number;
  readonly message: string;
}

export interface StoredEvent extends EventPosition, EventRecord {}

/** What an event counts towards quotas and `storedBytes`. */
export function eventBytes(message: string): number {
  return Buffer.byteLength(message, "utf8") + eventOverheadBytes;
}

/** Adds events to a stream, with everything that counts them. Returns the stream as it is then. */
export function appendEvents(
  tx: Transaction,
  target: { readonly group: GroupRecord; readonly stream: StreamRecord },
  events: readonly NewEvent[],
  nowMs: number,
): StreamRecord {
  const { group, stream } = target;
  let { nextSequence, firstEventMs, lastEventMs } = stream;
  const keyOf = keys.eventsOf(stream.id);
  let bytes = 0;
  for (const { timestampMs: ms, message } of events) {
    const record = { message, ingestedAtMs: nowMs };
    tx.put(keyOf({ ms, sequence: nextSequence++ }), eventCodec.encode(record));
    bytes += eventBytes(message);
    firstEventMs = Math.min(firstEventMs ?? ms, ms);
    lastEventMs = Math.max(lastEventMs ?? ms, ms);
  }
  if (firstEventMs === undefined || lastEventMs === undefined) return stream;
  const changed = { ...stream, nextSequence, firstEventMs, lastEventMs, lastIngestedMs: nowMs };
  saveStream(tx, group.id, changed, stream);
  addUsage(tx, group.id, bytes);
  return changed;
}

export function addUsage(tx: Transaction, groupId: string, bytes: number): void {
  const at = keys.usage(groupId);
  const storedBytes = Math.max(0, (readRecord(tx, at, usageCodec)?.storedBytes ?? 0) + bytes);
  tx.put(at, usageCodec.encode({ storedBytes }));
}

/** The group and stream for lines the platform itself writes: made when they are not there. */
export function ensureStream(
  tx: Transaction,
  where: Place & { readonly groupName: string; readonly streamName: string },
  nowMs: number,
  random: Random,
): { readonly group: GroupRecord; readonly stream: StreamRecord } {
  const fresh = {
    name: where.groupName,
    createdAtMs: nowMs,
    logGroupClass: "STANDARD",
    tags: {},
  } as const;
  const group = findGroup(tx, where, where.groupName) ?? createGroup(tx, where, fresh, random);
  const stream =
    readRecord(tx, keys.stream(group.id, where.streamName), streamCodec) ??
    createStream(tx, group, { name: where.streamName, createdAtMs: nowMs }, random);
  return { group, stream };
}

export function storedEvent({ key, value }: Entry): StoredEvent {
  return { ...positionOf(key), ...eventCodec.decode(value) };
}

export function positionOf(key: Uint8Array): EventPosition {
  const [, , , ms, sequence] = keyParts(key);
  return { ms: Number(ms), sequence: Number(sequence) }; // written by `keys.event`
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
