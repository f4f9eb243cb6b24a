import {
  batchBytesMax,
  bufferCharactersMax,
  bufferLinesMax,
  eventOverheadBytes,
  flushCharactersMax,
  flushLinesMax,
  pageCharacters,
} from "./limits.ts";

export interface Group {
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
}

interface Room {
  readonly lines: number;
  readonly characters: number;
}

/**
 * Lines of one stream that are not stored yet, in the order they came, and how many found no room. Their texts
 * are joined page by page: what waits lives through several collections of garbage, each of which
 * would otherwise copy every line, and the pieces it was put together from.
 */
export class PendingStream {
  readonly group: Group;
  readonly streamName: string;
  readonly timesMs: number[] = [];
  readonly lengths: number[] = [];
  droppedCount = 0;
  /** What the lines count against the bound of the backlog. */
  characters = 0;
  #pages: string[] = [];
  #open: string[] = [];
  #openCharacters = 0;

  constructor(group: Group, streamName: string) {
    this.group = group;
    this.streamName = streamName;
  }

  add(timestampMs: number, message: string): void {
    this.timesMs.push(timestampMs);
    this.lengths.push(message.length);
    this.characters += message.length + eventOverheadBytes;
    this.#open.push(message);
    this.#openCharacters += message.length;
    if (this.#openCharacters >= pageCharacters) this.#closePage();
  }

  get count(): number {
    return this.lengths.length;
  }

  /** All lines, one behind the other. */
  text(): string {
    this.#closePage();
    return this.#pages.join("");
  }

  /** How many lines from the first on have room. */
  countWithin(room: Room): number {
    let count = 0;
    let characters = 0;
    const countMax = Math.min(room.lines, this.count);
    while (count < countMax && characters < room.characters)
      characters += (this.lengths[count++] ?? 0) + eventOverheadBytes;
    return count;
  }

  /** Takes out the first lines; this keeps the rest, and what is known of dropped ones. */
  takeFirst(count: number): PendingStream {
    const taken = new PendingStream(this.group, this.streamName);
    const text = this.text();
    taken.timesMs.push(...this.timesMs.splice(0, count));
    taken.lengths.push(...this.lengths.splice(0, count));
    const length = taken.lengths.reduce((sum, one) => sum + one, 0);
    taken.#pages = [text.slice(0, length)];
    this.#pages = [text.slice(length)];
    taken.characters = length + count * eventOverheadBytes;
    this.characters -= taken.characters;
    return taken;
  }

  #closePage(): void {
    if (this.#open.length === 0) return;
    this.#pages.push(this.#open.join(""));
    this.#open = [];
    this.#openCharacters = 0;
  }
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
  /** Grows with every `seal`. */
  sealCount = 0;

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

  /** One line; `stream` is what `streamFor` gave since the last `seal`. */
  push(stream: PendingStream, timestampMs: number, message: string): void {
    if (message.length * 3 <= messageBytesMax) this.#add(stream, timestampMs, message);
    else for (const piece of pieces(message)) this.#add(stream, timestampMs, piece);
  }

  /** Where lines of this stream are collected now. */
  streamFor(group: Group, streamName: string): PendingStream {
    const streams = this.#collecting.get(streamName);
    const known = streams?.find((stream) => isSame(stream.group, group));
    if (known) return known;
    const made = new PendingStream(group, streamName);
    if (streams) streams.push(made);
    else this.#collecting.set(streamName, [made]);
    return made;
  }

  /** What has been written so far may be taken; what comes from now on waits for the next call. */
  seal(): void {
    for (const streams of this.#collecting.values()) this.#leaving.push(...streams);
    this.#collecting.clear();
    this.sealCount++;
  }

  /** Takes out the oldest lines, about as many as one transaction stores. They still count as held. */
  take(): PendingStream[] {
    const taken: PendingStream[] = [];
    const room = { lines: flushLinesMax, characters: flushCharactersMax };
    for (const stream of this.#leaving) {
      if (room.lines <= 0 || room.characters <= 0) break;
      const part = takePart(stream, room);
      taken.push(part);
      room.lines -= part.count;
      room.characters -= part.characters;
    }
    const isLastWhole = taken.at(-1) === this.#leaving[taken.length - 1];
    this.#leaving = this.#leaving.slice(isLastWhole ? taken.length : taken.length - 1);
    return taken;
  }

  /** What was taken is stored: its room is free again. */
  release(taken: readonly PendingStream[]): void {
    for (const { count, characters } of taken) {
      this.#lines -= count;
      this.#characters -= characters;
    }
  }

  /** What could not be stored is taken first the next time. */
  putBack(taken: readonly PendingStream[]): void {
    this.#leaving = [...taken, ...this.#leaving];
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
    target.add(Math.max(0, Math.floor(timestampMs)), message);
  }
}

function isSame(a: Group, b: Group): boolean {
  return a.name === b.name && a.accountId === b.accountId && a.region === b.region;
}

/** The whole stream when it fits; else its beginning, and the stream keeps the rest. */
function takePart(stream: PendingStream, room: Room): PendingStream {
  const isWhole = stream.count <= room.lines && stream.characters <= room.characters;
  const count = isWhole ? stream.count : stream.countWithin(room);
  return count === stream.count ? stream : stream.takeFirst(count);
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
