import type { Transaction as ReadTransaction } from "lmdb";
import { assertKey, isEmptyRange } from "../../bytes.ts";
import { keyAfter } from "../../keys.ts";
import { pageBytesMax, pageEntriesMax, pageEntriesMin } from "../../limits.ts";
import type { Entry, KeyRange, Reader } from "../../storage.ts";
import type { Environment } from "./environment.ts";

/**
 * Reads through `snapshot`, or, when undefined, through the write transaction that is executing.
 * Listings fetch pages and hold no cursor between them: a cursor that outlives its transaction is a
 * crash in native code, and a listing may be abandoned anywhere.
 */
export function createReader(
  environment: Environment,
  snapshot: ReadTransaction | undefined,
  assertUsable: () => void,
): Reader {
  const through = snapshot ? { transaction: snapshot } : {};

  function* list(...[range, options = {}]: Parameters<Reader["list"]>): Generator<Entry> {
    const { limit = Infinity, reverse = false } = options;
    let rest = range;
    let wanted = limit;
    for (let size = pageEntriesMin; wanted > 0 && !isEmptyRange(rest);) {
      assertUsable();
      const page = fetchPage(rest, Math.min(size, wanted), reverse);
      for (const entry of page.entries) {
        yield entry;
        assertUsable();
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
  const fetchPage = (range: KeyRange, limit: number, reverse: boolean): Page => {
    const start = range.start.byteLength > 0 ? range.start : firstKey;
    const bounds = reverse
      ? { start: range.end, exclusiveStart: true, end: start, inclusiveEnd: true, reverse }
      : { start, end: range.end };
    const entries: Entry[] = [];
    let byteCount = 0;
    for (const { key, value } of environment.getRange({ ...bounds, ...through, limit })) {
      entries.push({ key, value });
      byteCount += value.byteLength;
      if (byteCount > pageBytesMax) return { entries, complete: false };
    }
    return { entries, complete: entries.length < limit };
  };
  return {
    get(key) {
      assertUsable();
      assertKey(key);
      return environment.get(key, through);
    },
    list: (range, options) => ({ [Symbol.iterator]: () => list(range, options) }),
  };
}

interface Page {
  readonly entries: readonly Entry[];
  /** Nothing of the range comes after it. */
  readonly complete: boolean;
}

/** The least of all keys; the empty one is not allowed in LMDB. */
const firstKey = Uint8Array.of(0);
