import { type Holder, isGone } from "#base/holder.ts";
import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Store, Transaction } from "#storage/storage.ts";
import { holderLeaseMs } from "../limits.ts";
import { bookRange, booksWritten } from "./entries.ts";

/** Who works off a book, and when that process last said that it is there. */
interface BookRecord {
  readonly holder: Holder;
  readonly seenMs: number;
}

const codec = recordCodec<BookRecord>(1);
const bookKey = (book: string): Uint8Array => key("outbox", "book", book);
const books = keyPrefix("outbox", "book");

/** Says in the store that `holder` has the book. */
export function claimBook(tx: Transaction, book: string, record: BookRecord): void {
  tx.put(bookKey(book), codec.encode(record));
}

/**
 * Takes over the books of processes that are gone: those of this machine for certain, those of others by
 * their silence. `againMs`: when another look may find more.
 */
export function adoptBooks(
  store: Store,
  self: Holder,
  nowMs: number,
): Promise<{ readonly adopted: readonly string[]; readonly againMs: number | undefined }> {
  return store.write((tx) => {
    const adopted: string[] = [];
    let againMs: number | undefined;
    for (const entry of Array.from(tx.list(books))) {
      const { holder, seenMs } = codec.decode(entry.value);
      if (holder.incarnation === self.incarnation) continue;
      const silentMs = nowMs - seenMs;
      const isSilent = holder.host !== self.host && (silentMs >= holderLeaseMs || silentMs < 0);
      if (isSilent || isGone(holder, self)) {
        const book = String(keyParts(entry.key)[2]);
        claimBook(tx, book, { holder: self, seenMs: nowMs });
        adopted.push(book);
      } else if (holder.host !== self.host) {
        againMs = Math.min(againMs ?? Infinity, seenMs + holderLeaseMs);
      }
    }
    // What an emptied store had no record of any more, and was written to again.
    for (const book of booksWritten(tx))
      if (book !== self.incarnation && tx.get(bookKey(book)) === undefined) {
        claimBook(tx, book, { holder: self, seenMs: nowMs });
        adopted.push(book);
      }
    return { adopted, againMs };
  });
}

/** Removes a book's record if nothing stands in it; true when it is gone. */
export function closeBook(store: Store, book: string): Promise<boolean> {
  return store.write((tx) => {
    const [first] = tx.list(bookRange(book), { limit: 1 });
    if (first) return false;
    tx.delete(bookKey(book));
    return true;
  });
}
