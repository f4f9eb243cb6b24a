import { removeFrom } from "#base/lists.ts";
import type { Reader } from "#storage/storage.ts";
import { outboxLoadedPerTargetMax } from "../limits.ts";
import { decode, lineRange, type Placed, placeOf } from "./entries.ts";

/** What goes to one target: a bounded part in memory, the rest in the store. */
export class Line {
  readonly name: string;
  /** Not begun, in the order in which they are due. */
  readonly waiting: Placed[] = [];
  readonly running: Placed[] = [];
  /** The store may hold due entries that are not in memory. */
  hasMore = false;
  /** When the first entry in the store that is not in memory is due. */
  nextDueMs = Infinity;

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return (
      !this.hasMore &&
      this.nextDueMs === Infinity &&
      this.waiting.length === 0 &&
      this.running.length === 0
    );
  }

  /** Takes a due entry into memory, or notes that there is one in the store. */
  offer(placed: Placed): void {
    const isFull = this.waiting.length + this.running.length >= outboxLoadedPerTargetMax;
    if (this.hasMore || isFull) this.hasMore = true;
    else if (!this.#has(placed.key)) this.waiting.push(placed);
  }

  /** Fills up from the store what is due; sees when the next one will be. */
  refill(reader: Reader, books: readonly string[], nowMs: number): void {
    this.hasMore = false;
    this.nextDueMs = Infinity;
    for (const book of books) {
      // Those in memory stand before the others, and as many as there is room for are enough.
      for (const { key, value } of reader.list(lineRange(book, this.name))) {
        const { dueMs } = placeOf(key);
        if (dueMs > nowMs) {
          this.nextDueMs = Math.min(this.nextDueMs, dueMs);
          break;
        }
        if (this.#has(key)) continue;
        if (this.waiting.length + this.running.length >= outboxLoadedPerTargetMax) {
          this.hasMore = true;
          break;
        }
        this.waiting.push(decode(key, value));
      }
    }
  }

  finished(placed: Placed): void {
    removeFrom(this.running, placed);
  }

  #has(key: Uint8Array): boolean {
    const isSame = (one: Placed): boolean => Buffer.compare(one.key, key) === 0;
    return this.waiting.some(isSame) || this.running.some(isSame);
  }
}
