import { assert } from "#base/assert.ts";
import { chunkCharactersMax, eventOverheadBytes } from "./limits.ts";
import type { StoredEvent } from "./records.ts";
import { VarintReader, VarintWriter } from "./varints.ts";

/**
 * A chunk: many events of one stream in one record, ordered by time and then sequence.
 *
 * The value begins with a head (`readHead`); then comes the body, packed or not: the columns (per
 * event, as varints: time, sequence and ingestion as differences to the event before, and the length
 * in UTF-16 units), and all messages as one UTF-8 text. The key says the oldest time and the smallest
 * sequence number. Nothing in the value depends on what the stream holds already, so that it can be
 * made and packed before the transaction that numbers its events.
 */
export interface Chunk {
  readonly minMs: number;
  readonly maxMs: number;
  /** The smallest of its sequence numbers; of a batch that is not stored yet they count from zero. */
  readonly firstSequence: number;
  readonly count: number;
  /** Of the body before packing. */
  readonly bodyBytes: number;
  /** As billed: messages in UTF-8 plus 26 bytes per event. */
  readonly storedBytes: number;
  readonly isPacked: boolean;
  readonly value: Uint8Array;
}

/** Events as parallel lists, ordered by time and then sequence. */
export interface EventColumns {
  readonly timesMs: readonly number[];
  readonly sequences: readonly number[];
  readonly ingestedMs: readonly number[];
  /** UTF-16 units of each message. */
  readonly lengths: readonly number[];
  /** All messages, one behind the other. */
  readonly text: string;
}

const version = 1;
const packedFlag = 1;
const asciiFlag = 2;
export const headBytes = 30;

/** New events in the order they came, as columns: sorted by time, numbered from zero. */
export function columnsOf(
  { timesMs, lengths, text }: Pick<EventColumns, "timesMs" | "lengths" | "text">,
  nowMs: number,
): EventColumns {
  const ingestedMs = timesMs.map(() => nowMs);
  const sequences = timesMs.map((_, index) => index);
  if (isAscending(timesMs)) return { timesMs, sequences, ingestedMs, lengths, text };
  sequences.sort((a, b) => (timesMs[a] ?? 0) - (timesMs[b] ?? 0)); // stable
  const messages = messagesOf(text, lengths);
  return {
    timesMs: sequences.map((index) => timesMs[index] ?? 0),
    sequences,
    ingestedMs,
    ...textOf(sequences.map((index) => messages[index] ?? "")),
  };
}

export function textOf(messages: readonly string[]): Pick<EventColumns, "lengths" | "text"> {
  return { lengths: messages.map(({ length }) => length), text: messages.join("") };
}

function messagesOf(text: string, lengths: readonly number[]): string[] {
  let end = 0;
  return lengths.map((length) => text.slice(end, (end += length)));
}

function isAscending(numbers: readonly number[]): boolean {
  for (let at = 1; at < numbers.length; at++) {
    if ((numbers[at] ?? 0) < (numbers[at - 1] ?? 0)) return false;
  }
  return true;
}

/** As few chunks as their size allows; one for each event that is larger than that. Not packed. */
export function toChunks(columns: EventColumns): Chunk[] {
  const chunks: Chunk[] = [];
  const { lengths, text } = columns;
  let start = 0;
  let startsAt = 0;
  let characters = 0;
  for (let at = 0; at < lengths.length; at++) {
    const length = lengths[at] ?? 0;
    if (at > start && characters + length > chunkCharactersMax) {
      const endsAt = startsAt + characters;
      chunks.push(toChunk(columns, { start, end: at, text: text.slice(startsAt, endsAt) }));
      start = at;
      startsAt = endsAt;
      characters = 0;
    }
    characters += length;
  }
  const rest = { start, end: lengths.length, text: text.slice(startsAt) };
  if (rest.end > start) chunks.push(toChunk(columns, rest));
  return chunks;
}

/** The events from `start` on, up to `end`, whose messages are `text`. */
function toChunk(
  all: EventColumns,
  { start, end, text }: { readonly start: number; readonly end: number; readonly text: string },
): Chunk {
  const lengths = all.lengths.slice(start, end);
  const [minMs, maxMs] = [all.timesMs[start] ?? 0, all.timesMs[end - 1] ?? 0];
  let firstSequence = Infinity;
  for (let at = start; at < end; at++) {
    firstSequence = Math.min(firstSequence, all.sequences[at] ?? 0);
  }
  const firstIngestedMs = all.ingestedMs[start] ?? 0;
  const columns = new VarintWriter(4 * lengths.length + 64);
  let before = { ms: minMs, sequence: firstSequence - 1, ingestedMs: firstIngestedMs };
  for (let at = start; at < end; at++) {
    const [ms = 0, sequence = 0] = [all.timesMs[at], all.sequences[at]];
    const ingestedMs = all.ingestedMs[at] ?? 0;
    columns.push(ms - before.ms);
    columns.pushSigned(sequence - before.sequence - 1);
    columns.pushSigned(ingestedMs - before.ingestedMs);
    columns.push(all.lengths[at] ?? 0);
    before = { ms, sequence, ingestedMs };
  }
  return {
    minMs,
    maxMs,
    firstSequence,
    count: lengths.length,
    ...written(columns.written(), { text, lengths }, { maxMs, firstIngestedMs }),
  };
}

function written(
  columns: Uint8Array,
  { text: asGiven, lengths }: Pick<EventColumns, "text" | "lengths">,
  head: { readonly maxMs: number; readonly firstIngestedMs: number },
): Pick<Chunk, "bodyBytes" | "storedBytes" | "isPacked" | "value"> {
  let text = asGiven;
  let textBytes = Buffer.byteLength(text, "utf8");
  const isAscii = textBytes === text.length;
  if (!isAscii) {
    // Halves of a surrogate pair are replaced one by one, or the end of one message and the beginning of
    // the next could become a character.
    text = messagesOf(text, lengths)
      .map((message) => message.toWellFormed())
      .join("");
    textBytes = Buffer.byteLength(text, "utf8");
  }
  const bodyBytes = columns.length + textBytes;
  const value = Buffer.allocUnsafe(headBytes + bodyBytes);
  value[0] = version;
  value[1] = isAscii ? asciiFlag : 0;
  value.writeUInt32BE(lengths.length, 2);
  value.writeUInt32BE(columns.length, 6);
  value.writeUInt32BE(bodyBytes, 10);
  value.writeDoubleBE(head.maxMs, 14);
  value.writeDoubleBE(head.firstIngestedMs, 22);
  value.set(columns, headBytes);
  value.write(text, headBytes + columns.length, isAscii ? "latin1" : "utf8");
  const storedBytes = textBytes + lengths.length * eventOverheadBytes;
  return { bodyBytes, storedBytes, isPacked: false, value };
}

/** What a stored value says about itself, without unpacking it. */
export function readChunk(
  at: { readonly minMs: number; readonly firstSequence: number },
  value: Uint8Array,
): Chunk {
  assert(value[0] === version, `a stored chunk of log events of version ${value[0]} can be read`);
  const head = Buffer.from(value.buffer, value.byteOffset, headBytes);
  const count = head.readUInt32BE(2);
  const bodyBytes = head.readUInt32BE(10);
  return {
    minMs: at.minMs,
    firstSequence: at.firstSequence,
    maxMs: head.readDoubleBE(14),
    count,
    bodyBytes,
    value,
    storedBytes: bodyBytes - head.readUInt32BE(6) + count * eventOverheadBytes,
    isPacked: isPacked(value),
  };
}

function isPacked(value: Uint8Array): boolean {
  return ((value[1] ?? 0) & packedFlag) !== 0;
}

/** The same chunk with its body packed. */
export function withPackedBody(chunk: Chunk, body: Uint8Array): Chunk {
  const value = Buffer.concat([chunk.value.subarray(0, headBytes), body]);
  value[1] = (value[1] ?? 0) | packedFlag;
  return { ...chunk, value, isPacked: true };
}

/** A chunk opened for reading its events. */
export class OpenChunk {
  readonly timesMs: readonly number[];
  readonly sequences: readonly number[];
  readonly #ingestedMs: readonly number[];
  /** UTF-16 units of the text before each event, and behind the last. */
  readonly #bounds: readonly number[];
  readonly #text: string;

  /** `body` is that of `chunk`, not packed. */
  constructor(chunk: Chunk, body: Uint8Array) {
    const head = Buffer.from(chunk.value.buffer, chunk.value.byteOffset, headBytes);
    const columnsBytes = head.readUInt32BE(6);
    const columns = new VarintReader(body.subarray(0, columnsBytes));
    const isAscii = ((head[1] ?? 0) & asciiFlag) !== 0;
    this.#text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(
      isAscii ? "latin1" : "utf8",
      columnsBytes,
    );
    let before = { ms: chunk.minMs, sequence: chunk.firstSequence - 1, end: 0 };
    let ingestedMs = head.readDoubleBE(22);
    const lists = { timesMs: [], sequences: [], ingestedMs: [], bounds: [0] } as {
      [name in "timesMs" | "sequences" | "ingestedMs" | "bounds"]: number[];
    }; // an empty literal has no element type
    for (let at = 0; at < chunk.count; at++) {
      const ms = before.ms + columns.next();
      const sequence = before.sequence + 1 + columns.nextSigned();
      ingestedMs += columns.nextSigned();
      const end = before.end + columns.next();
      lists.timesMs.push(ms);
      lists.sequences.push(sequence);
      lists.ingestedMs.push(ingestedMs);
      lists.bounds.push(end);
      before = { ms, sequence, end };
    }
    assert(before.end === this.#text.length, "the lengths in a chunk add up to its text");
    this.timesMs = lists.timesMs;
    this.sequences = lists.sequences;
    this.#ingestedMs = lists.ingestedMs;
    this.#bounds = lists.bounds;
  }

  get count(): number {
    return this.timesMs.length;
  }

  /** `at` is in range. */
  event(at: number): StoredEvent {
    return {
      ms: this.timesMs[at] ?? 0,
      sequence: this.sequences[at] ?? 0,
      message: this.#text.slice(this.#bounds[at], this.#bounds[at + 1]),
      ingestedAtMs: this.#ingestedMs[at] ?? 0,
    };
  }

  /** Number of events before this position, which is the index of the first that is not. */
  indexOf({ ms, sequence }: { readonly ms: number; readonly sequence: number }): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = (this.timesMs[middle] ?? 0) - ms || (this.sequences[middle] ?? 0) - sequence;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Events of several opened chunks as the columns of one, from `fromMs` on. */
export function mergedColumns(chunks: readonly OpenChunk[], fromMs = 0): EventColumns {
  const events: StoredEvent[] = [];
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.count; at++) events.push(chunk.event(at));
  }
  const kept = events.filter(({ ms }) => ms >= fromMs);
  kept.sort((a, b) => a.ms - b.ms || a.sequence - b.sequence);
  return {
    timesMs: kept.map(({ ms }) => ms),
    sequences: kept.map(({ sequence }) => sequence),
    ingestedMs: kept.map(({ ingestedAtMs }) => ingestedAtMs),
    ...textOf(kept.map(({ message }) => message)),
  };
}
