import { createHash } from "node:crypto";
import { assert } from "#base/assert.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange, Transaction } from "#storage/storage.ts";
import type { EventRecord } from "../events.ts";
import { keyNameBytesMax } from "../limits.ts";
import type { Delivery } from "./outbox.ts";

/** A delivery as it is stored; the event's bytes stand behind it in the same value. */
export interface Entry extends Omit<Delivery, "record"> {
  readonly record: Omit<EventRecord, "event">;
  /** Where it goes now: to its target or, when that has failed for good, to the dead-letter target. */
  readonly stage: "target" | "dead-letter";
  /** Tries of this stage that have failed. */
  readonly attempts: number;
  /** Epoch milliseconds at which this stage began. */
  readonly sinceMs: number;
  /** Why it is a dead letter. */
  readonly failure?: Failure;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retries?: number;
  readonly condition?: "MaximumRetryAttempts" | "MaximumEventAgeInSeconds";
}

/** An entry at its place in the store. */
export interface Placed {
  readonly key: Uint8Array;
  readonly entry: Entry;
  readonly event: Uint8Array;
  readonly dueMs: number;
}

/** What is behind the head of an order key: how many wait, and the number of the next. */
interface Lane {
  readonly next: number;
  readonly waiting: number;
}

const space = "outbox";
const metaCodec = recordCodec<Entry>(1);
const laneCodec = recordCodec<Lane>(1);

/**
 * Keys. Every process writes into a book of its own: nothing in it is contended, nothing has to be
 * claimed. In a book each target has its own line, in the order in which its entries are due.
 */
const keys = {
  due: (book: string, line: string, dueMs: number, n: number): Uint8Array =>
    key(space, "due", book, line, dueMs, n),
  lane: (orderKey: string): Uint8Array => key(space, "lane", nameOf(orderKey)),
  behind: (orderKey: string, n: number): Uint8Array => key(space, "behind", nameOf(orderKey), n),
};

/** All entries of a book. */
export const bookRange = (book: string): KeyRange => keyPrefix(space, "due", book);

/** All entries of a line. */
export const lineRange = (book: string, line: string): KeyRange =>
  keyPrefix(space, "due", book, line);

/** Where the lines behind `line` begin. */
const behindLine = (book: string, line: string): KeyRange => ({
  start: lineRange(book, line).end,
  end: bookRange(book).end,
});

/** Book, line, due time of a key. */
export function placeOf(dueKey: Uint8Array): { readonly line: string; readonly dueMs: number } {
  const [, , , line, dueMs] = keyParts(dueKey);
  return { line: String(line), dueMs: Number(dueMs) };
}

/** The line an entry stands in: the name of where it goes now. */
export function lineOf(entry: Entry): string {
  return nameOf(destinationOf(entry));
}

/** The ARN an entry goes to now. */
export function destinationOf(entry: Entry): string {
  return entry.stage === "dead-letter" ? (entry.deadLetterArn ?? entry.targetArn) : entry.targetArn;
}

function nameOf(text: string): string {
  if (Buffer.byteLength(text) <= keyNameBytesMax) return text;
  return createHash("sha256").update(text).digest("hex");
}

/** Version byte, length of the entry, entry, event: the event is not touched by JSON. */
function encode(entry: Entry, event: Uint8Array): Uint8Array {
  const meta = metaCodec.encode(entry);
  const bytes = Buffer.allocUnsafe(4 + meta.length + event.length);
  bytes.writeUInt32BE(meta.length, 0);
  bytes.set(meta, 4);
  bytes.set(event, 4 + meta.length);
  return bytes;
}

export function decode(key: Uint8Array, value: Uint8Array): Placed {
  const length = Buffer.from(value.buffer, value.byteOffset, value.byteLength).readUInt32BE(0);
  assert(length <= value.length - 4, "an entry of the outbox is as long as it says");
  const entry = metaCodec.decode(value.subarray(4, 4 + length));
  // Copied: what the store hands out may be its own memory.
  return { key: key.slice(), entry, event: value.slice(4 + length), dueMs: placeOf(key).dueMs };
}

/** Where a process writes: its book, and the number that makes its next key unique. */
export interface Pen {
  readonly book: string;
  next(): number;
}

/** Writes an entry into the line where it belongs now. */
function place(
  tx: Transaction,
  pen: Pen,
  what: { readonly entry: Entry; readonly event: Uint8Array; readonly dueMs: number },
): Placed {
  const { entry, event, dueMs } = what;
  const at = keys.due(pen.book, lineOf(entry), dueMs, pen.next());
  tx.put(at, encode(entry, event));
  return { key: at, entry, event, dueMs };
}

/** Adds a new entry; undefined when it waits behind others of its order key. */
export function add(
  tx: Transaction,
  pen: Pen,
  what: { readonly entry: Entry; readonly event: Uint8Array; readonly dueMs: number },
): Placed | undefined {
  const { orderKey } = what.entry;
  if (orderKey === undefined) return place(tx, pen, what);
  const stored = tx.get(keys.lane(orderKey));
  if (!stored) {
    tx.put(keys.lane(orderKey), laneCodec.encode({ next: 0, waiting: 0 }));
    return place(tx, pen, what);
  }
  const lane = laneCodec.decode(stored);
  tx.put(keys.behind(orderKey, lane.next), encode(what.entry, what.event));
  const longer = { next: lane.next + 1, waiting: lane.waiting + 1 };
  tx.put(keys.lane(orderKey), laneCodec.encode(longer));
  return undefined;
}

/** Takes out what is finished with. The next of its order key, if any, is due and returned. */
export function remove(
  tx: Transaction,
  pen: Pen,
  done: Placed & { readonly nowMs: number },
): Placed | undefined {
  const { orderKey } = done.entry;
  if (orderKey === undefined) {
    tx.delete(done.key);
    return undefined;
  }
  // Somebody else has it when it is not there any more: then the order is theirs too.
  if (tx.get(done.key) === undefined) return undefined;
  tx.delete(done.key);
  const range = keyPrefix(space, "behind", nameOf(orderKey));
  const [first] = tx.list(range, { limit: 1 });
  const stored = tx.get(keys.lane(orderKey));
  if (!first || !stored) {
    tx.delete(keys.lane(orderKey));
    return undefined;
  }
  tx.delete(first.key);
  const lane = laneCodec.decode(stored);
  tx.put(keys.lane(orderKey), laneCodec.encode({ ...lane, waiting: lane.waiting - 1 }));
  const { entry, event } = decodeBehind(first.value);
  return place(tx, pen, { entry, event, dueMs: done.nowMs });
}

/** Puts a changed entry where it is due next; undefined when somebody else has it. */
export function move(
  tx: Transaction,
  pen: Pen,
  change: { readonly from: Placed; readonly entry: Entry; readonly dueMs: number },
): Placed | undefined {
  if (tx.get(change.from.key) === undefined) return undefined;
  tx.delete(change.from.key);
  return place(tx, pen, { ...change, event: change.from.event });
}

function decodeBehind(value: Uint8Array): { readonly entry: Entry; readonly event: Uint8Array } {
  return decode(keys.due("", "", 0, 0), value);
}

/** Distinct books with entries: one look at the store for each. */
export function* booksWritten(reader: Pick<Transaction, "list">): Generator<string> {
  for (let range = keyPrefix(space, "due"); ;) {
    const [first] = reader.list(range, { limit: 1 });
    if (!first) return;
    const book = String(keyParts(first.key)[2]);
    yield book;
    range = { start: bookRange(book).end, end: range.end };
  }
}

/** Distinct lines of a book: one look at the store for each. */
export function* linesOf(reader: Pick<Transaction, "list">, book: string): Generator<string> {
  for (let range = bookRange(book); ;) {
    const [first] = reader.list(range, { limit: 1 });
    if (!first) return;
    const { line } = placeOf(first.key);
    yield line;
    range = behindLine(book, line);
  }
}
