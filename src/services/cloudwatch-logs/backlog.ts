import { eventBytes, type NewEvent } from "./events.ts";
import {
  batchBytesMax,
  bufferBytesMax,
  bufferLinesMax,
  eventOverheadBytes,
  flushLinesMax,
} from "./limits.ts";

/** Lines of one stream that are not stored yet, and how many found no room. */
export interface PendingStream {
  readonly accountId: string;
  readonly region: string;
  readonly groupName: string;
  readonly streamName: string;
  lines: NewEvent[];
  droppedCount: number;
}

export interface Group {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

/** Lines on their way to the store, bounded in bytes and number; what does not fit is only counted. */
export class Backlog {
  readonly #pending = new Map<string, PendingStream>();
  #bytes = 0;
  #lines = 0;

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  get lineCount(): number {
    return this.#lines;
  }

  push(group: Group, streamName: string, lines: readonly NewEvent[]): void {
    const target = this.#streamFor(group, streamName);
    for (const line of lines) {
      for (const piece of pieces(line)) this.#add(target, piece);
    }
  }

  /** Takes out the oldest lines, at most as many as one transaction stores. They still count as held. */
  take(): PendingStream[] {
    const taken: PendingStream[] = [];
    let room = flushLinesMax;
    for (const [id, stream] of this.#pending) {
      if (room <= 0) break;
      const lines = stream.lines.splice(0, room);
      room -= lines.length;
      if (stream.lines.length > 0) {
        taken.push({ ...stream, lines, droppedCount: 0 });
        break;
      }
      this.#pending.delete(id);
      taken.push({ ...stream, lines });
    }
    return taken;
  }

  /** What was taken is stored: its room is free again. */
  release(taken: readonly PendingStream[]): void {
    for (const { lines } of taken) {
      this.#lines -= lines.length;
      for (const { message } of lines) this.#bytes -= eventBytes(message);
    }
  }

  /** Lines that could not be stored go before what was written meanwhile. */
  putBack(taken: readonly PendingStream[]): void {
    for (const stream of taken) {
      const target = this.#streamFor({ ...stream, name: stream.groupName }, stream.streamName);
      target.lines = [...stream.lines, ...target.lines];
      target.droppedCount += stream.droppedCount;
    }
  }

  #streamFor(group: Group, streamName: string): PendingStream {
    const { accountId, region, name: groupName } = group;
    const id = JSON.stringify([accountId, region, groupName, streamName]);
    const known = this.#pending.get(id);
    if (known) return known;
    const made = { accountId, region, groupName, streamName, lines: [], droppedCount: 0 };
    this.#pending.set(id, made);
    return made;
  }

  #add(target: PendingStream, line: NewEvent): void {
    const bytes = eventBytes(line.message);
    if (this.#bytes + bytes > bufferBytesMax || this.#lines >= bufferLinesMax) {
      target.droppedCount++;
      return;
    }
    this.#bytes += bytes;
    this.#lines++;
    target.lines.push(line);
  }
}

/** An event holds 1 MiB; longer lines become several events. Empty lines are not events. */
function* pieces(line: NewEvent): Generator<NewEvent> {
  const bytesMax = batchBytesMax - eventOverheadBytes;
  if (line.message === "") return;
  const timestampMs = Math.max(0, Math.floor(line.timestampMs));
  if (line.message.length * 3 <= bytesMax || Buffer.byteLength(line.message) <= bytesMax) {
    yield { timestampMs, message: line.message };
    return;
  }
  const charactersMax = Math.floor(bytesMax / 3);
  for (let at = 0; at < line.message.length; at += charactersMax) {
    yield { timestampMs, message: line.message.slice(at, at + charactersMax) };
  }
}
