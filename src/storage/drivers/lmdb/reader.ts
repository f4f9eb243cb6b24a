import type { Transaction as ReadTransaction } from "lmdb";
import { assert } from "#base/assert.ts";
import { assertKey, isEmptyRange } from "../../bytes.ts";
import { keyAfter } from "../../keys.ts";
import { pageBytesMax, pageEntriesMax, pageEntriesMin } from "../../limits.ts";
import type { Entry, KeyRange, Reader } from "../../storage.ts";
import type { Environment } from "./environment.ts";

type ListOptions = NonNullable<Parameters<Reader["list"]>[1]>;

/**
 * Reads through `snapshot`, or, when undefined, through the write transaction that is executing.
 * Listings fetch pages and hold no cursor between them: a cursor that outlives its transaction is a
 * crash in native code, and a listing may be abandoned anywhere. A class because one is made for
 * every read.
 */
export class EnvironmentReader implements Reader {
  readonly #environment: Environment;
  readonly #through: { readonly transaction?: ReadTransaction };
  #ended = false;

  constructor(environment: Environment, snapshot: ReadTransaction | undefined) {
    this.#environment = environment;
    this.#through = snapshot ? { transaction: snapshot } : {};
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#assertUsable();
    assertKey(key);
    return this.#environment.get(key, this.#through);
  }

  list(range: KeyRange, options: ListOptions = {}): Iterable<Entry> {
    return { [Symbol.iterator]: () => this.#pages(range, options) };
  }

  /** Gives the snapshot back; once is enough. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#through.transaction?.done();
  }

  *#pages(range: KeyRange, options: ListOptions): Generator<Entry> {
    const { limit = Infinity, reverse = false } = options;
    let rest = range;
    let wanted = limit;
    for (let size = pageEntriesMin; wanted > 0 && !isEmptyRange(rest);) {
      this.#assertUsable();
      const page = this.#fetchPage(rest, Math.min(size, wanted), reverse);
      for (const entry of page.entries) {
        yield entry;
        this.#assertUsable();
      }
      const last = page.entries.at(-1);
      if (page.complete || !last) return;
      wanted -= page.entries.length;
      rest = reverse
        ? { start: rest.start, end: last.key }
        : { start: keyAfter(last.key), end: rest.end };
      size = Math.min(size * 4, pageEntriesMax);
    }
  }

  #fetchPage(range: KeyRange, limit: number, reverse: boolean): Page {
    const start = range.start.byteLength > 0 ? range.start : firstKey;
    const bounds = reverse
      ? { start: range.end, exclusiveStart: true, end: start, inclusiveEnd: true, reverse }
      : { start, end: range.end };
    const entries: Entry[] = [];
    let byteCount = 0;
    for (const entry of this.#environment.getRange({ ...bounds, ...this.#through, limit })) {
      entries.push({ key: entry.key, value: entry.value });
      byteCount += entry.value.byteLength;
      if (byteCount > pageBytesMax) return { entries, complete: false };
    }
    return { entries, complete: entries.length < limit };
  }

  #assertUsable(): void {
    assert(!this.#ended, "a reader is not used after its callback has ended");
  }
}

interface Page {
  readonly entries: readonly Entry[];
  /** Nothing of the range comes after it. */
  readonly complete: boolean;
}

/** The least of all keys; the empty one is not allowed in LMDB. */
const firstKey = Uint8Array.of(0);
