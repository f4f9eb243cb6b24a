import type { Reader } from "#storage/storage.ts";
import { storedEvent, type StoredEvent } from "./events.ts";
import { eventRange, type EventPosition, type StreamRecord } from "./records.ts";

/** An event with the stream it came from. */
export interface StreamEvent extends StoredEvent {
  readonly stream: StreamRecord;
}

/** A place in the events of several streams: order is time, then stream name, then sequence. */
export interface MergePosition {
  readonly ms: number;
  readonly streamName: string;
  readonly sequence: number;
}

/**
 * Events of several streams in one order, from behind `after`. A stream is opened only when its first
 * event is due, and one event per open stream is held, so memory does not grow with what is read.
 */
export function* mergeStreams(
  reader: Reader,
  streams: readonly StreamRecord[],
  window: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly after: MergePosition | undefined;
  },
): Generator<StreamEvent> {
  const heap = createHeap<Waiting>(isBefore);
  for (const stream of streams) {
    const from = startOf(stream, window);
    const ms = Math.max(from.ms, stream.firstEventMs ?? Infinity);
    if (ms < window.toMs && ms <= (stream.lastEventMs ?? -1)) {
      heap.push({ ms, streamName: stream.name, stream, from, event: undefined, rest: undefined });
    }
  }
  for (let next = heap.pop(); next; next = heap.pop()) {
    if (next.event) yield next.event;
    const following = advance(reader, next, window.toMs);
    if (following) heap.push(following);
  }
}

/** A stream in the queue: unopened at the time its first event is due, or holding its next event. */
interface Waiting {
  readonly ms: number;
  readonly streamName: string;
  readonly stream: StreamRecord;
  readonly from: EventPosition;
  readonly event: StreamEvent | undefined;
  readonly rest: Iterator<StreamEvent> | undefined;
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.ms === b.ms ? a.streamName < b.streamName : a.ms < b.ms;
}

/** Where reading a stream begins so that exactly what was already given is left out. */
function startOf(
  stream: StreamRecord,
  window: { readonly fromMs: number; readonly after: MergePosition | undefined },
): EventPosition {
  const { after, fromMs } = window;
  if (!after || after.ms < fromMs) return { ms: fromMs, sequence: 0 };
  if (stream.name < after.streamName) return { ms: after.ms + 1, sequence: 0 };
  if (stream.name === after.streamName) return { ms: after.ms, sequence: after.sequence + 1 };
  return { ms: after.ms, sequence: 0 };
}

function advance(reader: Reader, waiting: Waiting, toMs: number): Waiting | undefined {
  const rest = waiting.rest ?? open(reader, waiting, toMs);
  const next = rest.next();
  if (next.done === true) return undefined;
  return { ...waiting, ms: next.value.ms, event: next.value, rest };
}

function* open(reader: Reader, { stream, from }: Waiting, toMs: number): Generator<StreamEvent> {
  const range = eventRange(stream.id, from, { ms: toMs, sequence: 0 });
  for (const entry of reader.list(range)) yield { ...storedEvent(entry), stream };
}

interface Heap<T> {
  push(item: T): void;
  pop(): T | undefined;
}

function createHeap<T>(isBefore: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];
  const isOrdered = (upper: number, lower: number): boolean => {
    const a = items[upper];
    const b = items[lower];
    return a === undefined || b === undefined || !isBefore(b, a);
  };
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [items[b] as T, items[a] as T]; // both are in range
  };
  return {
    push(item) {
      let at = items.push(item) - 1;
      for (let up = (at - 1) >> 1; at > 0 && !isOrdered(up, at); up = (at - 1) >> 1) {
        swap(up, at);
        at = up;
      }
    },
    pop() {
      const [top] = items;
      const last = items.pop();
      if (items.length === 0 || last === undefined) return top;
      items[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const down = isOrdered(left, left + 1) ? left : left + 1;
        if (down >= items.length || isOrdered(at, down)) return top;
        swap(at, down);
        at = down;
      }
    },
  };
}
