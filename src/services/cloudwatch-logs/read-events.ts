import { keyAfter } from "#storage/keys.ts";
import type { Entry, KeyRange, Reader } from "#storage/storage.ts";
import { readChunk, type Chunk, type OpenChunk } from "./chunks.ts";
import { createHeap } from "./heap.ts";
import { openChunk } from "./packing.ts";
import {
  chunkPlace,
  keys,
  spanClassesOf,
  spanEndMs,
  type EventPosition,
  type StoredEvent,
  type StreamRecord,
} from "./records.ts";

/** Which events of a stream: from one boundary up to, and without, another. */
export interface EventWindow {
  readonly from: EventPosition;
  readonly to: EventPosition;
  /** Latest first. */
  readonly reverse?: boolean;
}

/**
 * Events of one stream in order. Chunks are read when their first event may be due, and only those that
 * overlap are open at the same time.
 */
export function* readEvents(
  reader: Reader,
  stream: StreamRecord,
  window: EventWindow,
): Generator<StoredEvent> {
  const { reverse = false } = window;
  const feeds = feedsOf(reader, stream, window);
  const queue = createHeap<Waiting>(reverse ? isAfter : isBefore);
  for (;;) {
    for (const feed of feeds) {
      while (feed.next && reaches(feed.limitMs, queue.peek()?.ms, reverse)) queue.push(feed.take());
    }
    const top = queue.pop();
    if (!top) return;
    const cursor = top.cursor ?? cursorOn(top.chunk, window);
    if (!top.cursor) {
      if (cursor.at !== cursor.end) queue.push(waitingAt(top.chunk, cursor));
      continue;
    }
    const stopMs = limitOf(feeds, reverse);
    const other = queue.peek();
    // At least the one it waited with, and as many as come before anything else.
    do {
      yield cursor.open.event(cursor.at);
      cursor.at += cursor.step;
    } while (isNext(cursor, { other, stopMs, reverse }));
    if (cursor.at !== cursor.end) queue.push(waitingAt(top.chunk, cursor));
  }
}

/** A chunk in the queue: unopened at the first moment one of its events may have, or at its next event. */
interface Waiting extends EventPosition {
  readonly chunk: Chunk;
  readonly cursor: Cursor | undefined;
}

interface Cursor {
  readonly open: OpenChunk;
  readonly step: 1 | -1;
  readonly end: number;
  at: number;
}

function isBefore(a: EventPosition, b: EventPosition): boolean {
  return a.ms === b.ms ? a.sequence < b.sequence : a.ms < b.ms;
}

function isAfter(a: EventPosition, b: EventPosition): boolean {
  return isBefore(b, a);
}

/** Whether what is limited by `limitMs` may come before an event at `ms`. */
function reaches(limitMs: number, ms: number | undefined, reverse: boolean): boolean {
  if (ms === undefined) return true;
  return reverse ? limitMs >= ms : limitMs <= ms;
}

function isNext(
  { open, at, end }: Cursor,
  limit: {
    readonly other: EventPosition | undefined;
    readonly stopMs: number;
    readonly reverse: boolean;
  },
): boolean {
  if (at === end) return false;
  const [ms = 0, sequence = 0] = [open.timesMs[at], open.sequences[at]];
  const { other, stopMs, reverse } = limit;
  if (reaches(stopMs, ms, reverse)) return false;
  if (!other) return true;
  return reverse ? isAfter({ ms, sequence }, other) : isBefore({ ms, sequence }, other);
}

function limitOf(feeds: readonly Feed[], reverse: boolean): number {
  const limits = feeds.map(({ limitMs }) => limitMs);
  return reverse ? Math.max(-Infinity, ...limits) : Math.min(Infinity, ...limits);
}

function waitingAt(chunk: Chunk, cursor: Cursor): Waiting {
  const [ms = 0, sequence = 0] = [cursor.open.timesMs[cursor.at], cursor.open.sequences[cursor.at]];
  return { ms, sequence, chunk, cursor };
}

function cursorOn(chunk: Chunk, { from, to, reverse = false }: EventWindow): Cursor {
  const open = openChunk(chunk);
  const first = open.indexOf(from);
  const behind = Math.max(first, open.indexOf(to));
  return reverse
    ? { open, step: -1, at: behind - 1, end: first - 1 }
    : { open, step: 1, at: first, end: behind };
}

/** The chunks of one span class, looked at one ahead. */
interface Feed {
  readonly next: Chunk | undefined;
  /** No event of what is still to come is before this; in reverse: behind it. Infinite when none is. */
  readonly limitMs: number;
  take(): Waiting;
}

function feedsOf(reader: Reader, stream: StreamRecord, window: EventWindow): Feed[] {
  return spanClassesOf(stream).map((spanClass) => feedOf(reader, { stream, spanClass }, window));
}

function feedOf(
  reader: Reader,
  of: { readonly stream: StreamRecord; readonly spanClass: number },
  window: EventWindow,
): Feed {
  const { from, to, reverse = false } = window;
  const spanEnd = spanEndMs(of.spanClass);
  const place = (minMs: number, firstSequence: number): Uint8Array =>
    keys.chunk(of.stream.id, { spanClass: of.spanClass, minMs, firstSequence });
  const range = {
    start: place(Math.max(0, from.ms - spanEnd + 1), 0),
    end: place(to.ms, to.sequence),
  };
  const chunks = chunksIn(reader, range, reverse);
  const advance = (): Chunk | undefined => {
    for (;;) {
      const { value, done } = chunks.next();
      if (done === true || value.maxMs >= from.ms) return done === true ? undefined : value;
    }
  };
  let next = advance();
  return {
    get next() {
      return next;
    },
    get limitMs() {
      if (!next) return reverse ? -Infinity : Infinity;
      return reverse ? next.minMs + spanEnd - 1 : next.minMs;
    },
    take() {
      const chunk = next as Chunk; // the caller has looked
      next = advance();
      return reverse
        ? { ms: chunk.maxMs, sequence: Infinity, chunk, cursor: undefined }
        : { ms: chunk.minMs, sequence: -1, chunk, cursor: undefined };
    },
  };
}

/** Asks for few at first: the store hands out whole values, and often one chunk is all that is needed. */
function* chunksIn(reader: Reader, range: KeyRange, reverse: boolean): Generator<Chunk, undefined> {
  let rest = range;
  for (let limit = 2; ; limit *= 4) {
    let last: Uint8Array | undefined;
    let count = 0;
    for (const entry of reader.list(rest, { limit, reverse })) {
      count++;
      last = Uint8Array.from(entry.key);
      yield chunkOf(entry);
    }
    if (!last || count < limit) return undefined;
    rest = reverse ? { ...rest, end: last } : { ...rest, start: keyAfter(last) };
  }
}

/** A stored entry under `keys.chunk`. */
export function chunkOf({ key, value }: Entry): Chunk {
  return readChunk(chunkPlace(key), value);
}
