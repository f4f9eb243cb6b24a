import { PlatformError } from "#base/errors.ts";
import type { Holder } from "#base/holder.ts";
import { keyParts } from "#storage/keys.ts";
import type { Reader, Store, Transaction } from "#storage/storage.ts";
import { queuedEventsMax } from "./limits.ts";
import {
  dueRange,
  dueUntil,
  eventCodec,
  eventRange,
  keys,
  numberCodec,
  type QueuedEvent,
} from "./queued-event.ts";

/** The durable queue of asynchronous invocations. Every method is one transaction. */
export interface AsyncQueue {
  /** Errors: `queue.full`, and the store's own. */
  add(event: QueuedEvent, payload: Uint8Array, dueMs: number): Promise<void>;
  /** Takes up to `limit` due events; they come up again at `untilMs` unless something is written. */
  claim(options: {
    readonly nowMs: number;
    readonly untilMs: number;
    readonly limit: number;
    readonly lease: Holder;
  }): Promise<readonly QueuedEvent[]>;
  renew(ids: readonly string[], lease: Holder, untilMs: number): Promise<void>;
  /** Writes the new state and when it is due, with the response if there is one now. */
  put(event: QueuedEvent, dueMs: number, response?: Uint8Array): Promise<void>;
  remove(id: string): Promise<void>;
  /** What `lease` has claimed is due now and anybody's; nothing if it is gone or another's. */
  release(id: string, lease: Holder, nowMs: number): Promise<void>;
  bytes(
    id: string,
  ): Promise<{ readonly payload: Uint8Array; readonly response: Uint8Array | undefined }>;
  /** When the next event is due; undefined when the queue is empty. */
  nextDueMs(): Promise<number | undefined>;
  /** Makes events due at once whose holder is gone, says `isGone`. */
  recover(isGone: (lease: Holder) => boolean, nowMs: number): Promise<number>;
  /** Watch this to hear of new events and earlier times. */
  readonly range: typeof dueRange;
}

export function createAsyncQueue(store: Store): AsyncQueue {
  return {
    range: dueRange,
    add: (event, payload, dueMs) =>
      store.write((tx) => {
        const id = event.requestId;
        const count = countOf(tx);
        if (count >= queuedEventsMax)
          throw new PlatformError("queue.full", `${queuedEventsMax} events wait already`);
        if (tx.get(keys.event(id)) === undefined) tx.put(keys.count, numberCodec.encode(count + 1));
        tx.put(keys.payload(id), payload);
        place(tx, event, dueMs);
      }),
    claim: ({ nowMs, untilMs, limit, lease }) =>
      store.write((tx) => {
        const claimed: QueuedEvent[] = [];
        for (const entry of Array.from(tx.list(dueUntil(nowMs), { limit }))) {
          const event = find(tx, idOf(entry.key));
          if (event === undefined) {
            tx.delete(entry.key);
            continue;
          }
          const leased = { ...event, lease };
          place(tx, leased, untilMs);
          claimed.push(leased);
        }
        return claimed;
      }),
    renew: (ids, lease, untilMs) =>
      store.write((tx) => {
        for (const id of ids) {
          const event = find(tx, id);
          if (event?.lease?.incarnation === lease.incarnation) place(tx, event, untilMs);
        }
      }),
    put: (event, dueMs, response) =>
      store.write((tx) => {
        if (tx.get(keys.event(event.requestId)) === undefined) return;
        if (response) tx.put(keys.response(event.requestId), response);
        place(tx, event, dueMs);
      }),
    remove: (id) => store.write((tx) => erase(tx, id)),
    release: (id, lease, nowMs) =>
      store.write((tx) => {
        const event = find(tx, id);
        if (event?.lease?.incarnation !== lease.incarnation) return;
        place(tx, { ...event, lease: undefined }, nowMs);
      }),
    bytes: (id) =>
      store.read((reader) => ({
        payload: reader.get(keys.payload(id)) ?? new Uint8Array(),
        response: reader.get(keys.response(id)),
      })),
    nextDueMs: () =>
      store.read((reader) => {
        for (const entry of reader.list(dueRange, { limit: 1 })) return dueMsOf(entry.key);
        return undefined;
      }),
    recover: (isGone, nowMs) => store.write((tx) => recover(tx, isGone, nowMs)),
  };
}

function recover(tx: Transaction, isGone: (lease: Holder) => boolean, nowMs: number): number {
  let count = 0;
  for (const entry of Array.from(tx.list(eventRange))) {
    const event = eventCodec.decode(entry.value);
    if (event.lease === undefined || !isGone(event.lease)) continue;
    place(tx, { ...event, lease: undefined }, nowMs);
    count++;
  }
  return count;
}

function countOf(reader: Reader): number {
  const bytes = reader.get(keys.count);
  return bytes === undefined ? 0 : numberCodec.decode(bytes);
}

function find(reader: Reader, id: string): QueuedEvent | undefined {
  const bytes = reader.get(keys.event(id));
  return bytes === undefined ? undefined : eventCodec.decode(bytes);
}

/** Writes the event and moves it to its new place in the order. */
function place(tx: Transaction, event: QueuedEvent, dueMs: number): void {
  const id = event.requestId;
  leavePlace(tx, id);
  tx.put(keys.event(id), eventCodec.encode(event));
  tx.put(keys.place(id), numberCodec.encode(dueMs));
  tx.put(keys.due(dueMs, id), new Uint8Array());
}

function leavePlace(tx: Transaction, id: string): void {
  const bytes = tx.get(keys.place(id));
  if (bytes !== undefined) tx.delete(keys.due(numberCodec.decode(bytes), id));
}

function erase(tx: Transaction, id: string): void {
  if (tx.get(keys.event(id)) === undefined) return;
  leavePlace(tx, id);
  for (const made of [keys.event, keys.payload, keys.response, keys.place]) tx.delete(made(id));
  tx.put(keys.count, numberCodec.encode(Math.max(0, countOf(tx) - 1)));
}

function idOf(dueKey: Uint8Array): string {
  return String(keyParts(dueKey)[3]);
}

function dueMsOf(dueKey: Uint8Array): number {
  return Number(keyParts(dueKey)[2]);
}
