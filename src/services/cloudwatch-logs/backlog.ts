import type { NewEvent } from "./events.ts";
import {
  batchBytesMax,
  bufferCharactersMax,
  bufferLinesMax,
  eventOverheadBytes,
  flushCharactersMax,
  flushLinesMax,
} from "./limits.ts";

export interface Group {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

/** Lines of one stream that are not stored yet, in the order they came, and how many found no room. */
export interface PendingStream {
  readonly group: Group;
  readonly streamName: string;
  timesMs: number[];
  messages: string[];
  droppedCount: number;
  /** What the lines count against the bound of the backlog. */
  characters: number;
}

/**
 * Lines on their way to the store, bounded in number and characters; what does not fit is only counted.
 * Pushing is all that happens on the path of an invocation: a line costs two places in lists.
 */
export class Backlog {
  /** Collecting; by stream name, which the pool makes unique, then by group. */
  readonly #collecting = new Map<string, PendingStream[]>();
  #leaving: PendingStream[] = [];
  #characters = 0;
  #lines = 0;

  get isEmpty(): boolean {
    return this.#collecting.size === 0 && !this.isLeaving;
  }

  /** Whether `take` has something to give. */
  get isLeaving(): boolean {
    return this.#leaving.length > 0;
  }

  /** Lines held, those taken and not released included. */
  get lineCount(): number {
    return this.#lines;
  }

  push(group: Group, streamName: string, lines: readonly NewEvent[]): void {
    const target = this.#streamFor(group, streamName);
    for (const { timestampMs, message } of lines) {
      if (message.length * 3 <= messageBytesMax) this.#add(target, timestampMs, message);
      else for (const piece of pieces(message)) this.#add(target, timestampMs, piece);
    }
  }

  /** What has been written so far may be taken; what comes from now on waits for the next call. */
  seal(): void {
    for (const streams of this.#collecting.values()) this.#leaving.push(...streams);
    this.#collecting.clear();
  }

  /** Takes out the oldest lines, about as many as one transaction stores. They still count as held. */
  take(): PendingStream[] {
    const taken: PendingStream[] = [];
    const room = { lines: flushLinesMax, characters: flushCharactersMax };
    for (const stream of this.#leaving) {
      if (room.lines <= 0 || room.characters <= 0) break;
      const part = takePart(stream, room);
      taken.push(part);
      room.lines -= part.messages.length;
      room.characters -= part.characters;
    }
    const isLastWhole = taken.at(-1) === this.#leaving[taken.length - 1];
    this.#leaving = this.#leaving.slice(isLastWhole ? taken.length : taken.length - 1);
    return taken;
  }

  /** What was taken is stored: its room is free again. */
  release(taken: readonly PendingStream[]): void {
    for (const { messages, characters } of taken) {
      this.#lines -= messages.length;
      this.#characters -= characters;
    }
  }

  /** What could not be stored is taken first the next time. */
  putBack(taken: readonly PendingStream[]): void {
    this.#leaving = [...taken, ...this.#leaving];
  }

  #streamFor(group: Group, streamName: string): PendingStream {
    const streams = this.#collecting.get(streamName);
    const known = streams?.find((stream) => isSame(stream.group, group));
    if (known) return known;
    const made = { group, streamName, timesMs: [], messages: [], droppedCount: 0, characters: 0 };
    if (streams) streams.push(made);
    else this.#collecting.set(streamName, [made]);
    return made;
  }

  #add(target: PendingStream, timestampMs: number, message: string): void {
    if (message === "") return; // not an event
    const cost = message.length + eventOverheadBytes;
    if (this.#characters + cost > bufferCharactersMax || this.#lines >= bufferLinesMax) {
      target.droppedCount++;
      return;
    }
    this.#characters += cost;
    this.#lines++;
    target.characters += cost;
    target.timesMs.push(Math.max(0, Math.floor(timestampMs)));
    target.messages.push(message);
  }
}

function isSame(a: Group, b: Group): boolean {
  return a.name === b.name && a.accountId === b.accountId && a.region === b.region;
}

/** The whole stream when it fits; else its beginning, and the stream keeps the rest. */
function takePart(
  stream: PendingStream,
  room: { readonly lines: number; readonly characters: number },
): PendingStream {
  if (stream.messages.length <= room.lines && stream.characters <= room.characters) return stream;
  let count = 0;
  let characters = 0;
  while (count < Math.min(room.lines, stream.messages.length) && characters < room.characters) {
    characters += (stream.messages[count++]?.length ?? 0) + eventOverheadBytes;
  }
  if (count === stream.messages.length) return stream;
  const timesMs = stream.timesMs.splice(0, count);
  const messages = stream.messages.splice(0, count);
  stream.characters -= characters;
  return { ...stream, timesMs, messages, characters, droppedCount: 0 };
}

const messageBytesMax = batchBytesMax - eventOverheadBytes;

/** An event holds 1 MiB; longer lines become several events. */
function* pieces(message: string): Generator<string> {
  if (Buffer.byteLength(message) <= messageBytesMax) {
    yield message;
    return;
  }
  const charactersMax = Math.floor(messageBytesMax / 3);
  for (let at = 0; at < message.length; at += charactersMax) {
    yield message.slice(at, at + charactersMax);
  }
}
