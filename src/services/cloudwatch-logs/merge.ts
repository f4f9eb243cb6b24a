import type { Reader } from "#storage/storage.ts";
import { createHeap } from "./heap.ts";
import { readEvents } from "./read-events.ts";
import type { EventPosition, StoredEvent, StreamRecord } from "./records.ts";

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
  const window = { from, to: { ms: toMs, sequence: 0 } };
  for (const event of readEvents(reader, stream, window)) yield { ...event, stream };
}
