import { eventOverheadBytes } from "../limits.ts";

/** What the service must answer, kept in the plainest way: one list per stream. */
export interface ModelEvent {
  readonly ms: number;
  readonly sequence: number;
  readonly streamName: string;
  readonly message: string;
  readonly ingestedAtMs: number;
}

interface Line {
  readonly ms: number;
  readonly message: string;
}

/** One group. Lines of functions wait until `flush`, as in the service. */
export class LogModel {
  readonly #streams = new Map<string, { events: ModelEvent[]; next: number }>();
  #waiting: (Line & { readonly streamName: string })[] = [];
  #removedBytes = 0;
  retentionMs: number | undefined;

  /** Sequences the next event of a stream gets; 0 for one that is not there. */
  next(streamName: string): number {
    return this.#streams.get(streamName)?.next ?? 0;
  }

  put(streamName: string, lines: readonly Line[], nowMs: number): void {
    const stream = this.#streams.get(streamName) ?? { events: [], next: 0 };
    this.#streams.set(streamName, stream);
    for (const { ms, message } of lines) {
      const text = message.toWellFormed();
      const sequence = stream.next++;
      stream.events.push({ ms, sequence, streamName, message: text, ingestedAtMs: nowMs });
    }
    stream.events.sort((a, b) => a.ms - b.ms || a.sequence - b.sequence);
  }

  wait(streamName: string, lines: readonly Line[]): void {
    this.#waiting.push(...lines.map((line) => ({ ...line, streamName })));
  }

  flush(nowMs: number): void {
    for (const line of this.#waiting) this.put(line.streamName, [line], nowMs);
    this.#waiting = [];
  }

  /** Of one stream, in order, expired ones left out. */
  events(streamName: string, nowMs: number): readonly ModelEvent[] {
    const all = this.#streams.get(streamName)?.events ?? [];
    return all.filter(({ ms }) => ms >= this.#expiredBeforeMs(nowMs));
  }

  /** Of one stream, in order, with those that are expired but not swept. */
  everything(streamName: string): readonly ModelEvent[] {
    return this.#streams.get(streamName)?.events ?? [];
  }

  /** Of several streams, as FilterLogEvents orders them. */
  merged(streamNames: readonly string[], nowMs: number): readonly ModelEvent[] {
    const all = streamNames.flatMap((name) => this.events(name, nowMs));
    const order = (a: ModelEvent, b: ModelEvent): number => (a.streamName < b.streamName ? -1 : 1);
    return all.toSorted((a, b) => {
      if (a.ms !== b.ms) return a.ms - b.ms;
      return a.streamName === b.streamName ? a.sequence - b.sequence : order(a, b);
    });
  }

  sweep(nowMs: number): void {
    const beforeMs = this.#expiredBeforeMs(nowMs);
    this.#removedBytes = 0;
    for (const stream of this.#streams.values()) {
      stream.events = stream.events.filter(({ ms }) => ms >= beforeMs);
    }
  }

  deleteStream(streamName: string): void {
    this.#removedBytes += bytesOf(this.#streams.get(streamName)?.events ?? []);
    this.#streams.delete(streamName);
  }

  get storedBytes(): number {
    let bytes = this.#removedBytes;
    for (const { events } of this.#streams.values()) bytes += bytesOf(events);
    return bytes;
  }

  /** As stored: expired events count until they are swept. */
  describe(streamName: string) {
    const events = this.#streams.get(streamName)?.events ?? [];
    return { first: events[0]?.ms, last: events.at(-1)?.ms };
  }

  #expiredBeforeMs(nowMs: number): number {
    return this.retentionMs === undefined ? 0 : nowMs - this.retentionMs;
  }
}

function bytesOf(events: readonly ModelEvent[]): number {
  return events.reduce(
    (sum, { message }) => sum + Buffer.byteLength(message) + eventOverheadBytes,
    0,
  );
}
