import { assert } from "#base/assert.ts";
import {
  assertKey,
  byteString,
  compareBytes,
  copyBytes,
  equalBytes,
  isEmptyRange,
  subtractRanges,
} from "./bytes.ts";
import { transactionBytesMax } from "./limits.ts";
import type { Entry, KeyRange, Reader, Transaction } from "./storage.ts";

/**
 * Optimistic transactions, the part every driver shares. A transaction runs against a snapshot, keeps
 * its changes in an overlay, and remembers each value it saw. To commit, the driver asks whether the
 * current state would have shown it the same (`readsStillHold`) and only then applies the changes;
 * since the answers are compared and not version numbers, this holds across processes and needs
 * nothing stored beside the entries. What was not read (blind puts, `deleteRange`) never conflicts.
 */
export interface TrackedTransaction {
  readonly transaction: Transaction;
  /** No further use of `transaction`: its callback has ended. */
  seal(): void;
  readonly reads: ReadSet;
  changes(): Changes;
}

/** Applied in this order: first the ranges, then the entries (undefined deletes). */
export interface Changes {
  readonly deletedRanges: readonly KeyRange[];
  readonly entries: readonly Change[];
  /** Bytes of keys and values to be put. */
  readonly putBytes: number;
}

interface Change {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

interface ReadSet {
  readonly points: ReadonlyMap<string, Change>;
  readonly scans: readonly Scan[];
}

/** A listing as far as it was consumed; `complete` when its end was seen. */
interface Scan {
  readonly range: KeyRange;
  readonly reverse: boolean;
  readonly seen: Entry[];
  complete: boolean;
}

interface ListOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

export function trackTransaction(base: Reader): TrackedTransaction {
  const points = new Map<string, Change>();
  const scans: Scan[] = [];
  const overlay = new Map<string, Change>();
  let deletedRanges: readonly KeyRange[] = [];
  let putBytes = 0;
  let sealed = false;
  let result: Changes | undefined;

  const assertUsable = (): void =>
    assert(!sealed, "a transaction is not used after its callback has ended");
  const change = (key: Uint8Array, value: Uint8Array | undefined): void => {
    assertUsable();
    assertKey(key);
    putBytes += value === undefined ? 0 : key.byteLength + value.byteLength;
    assert(
      putBytes <= transactionBytesMax,
      `a transaction puts at most ${transactionBytesMax} bytes`,
    );
    overlay.set(byteString(key), {
      key: copyBytes(key),
      value: value === undefined ? undefined : copyBytes(value),
    });
  };
  const get = (key: Uint8Array): Uint8Array | undefined => {
    assertUsable();
    assertKey(key);
    const name = byteString(key);
    const changed = overlay.get(name);
    if (changed) return changed.value && copyBytes(changed.value);
    if (deletedRanges.some((range) => isInside(key, range))) return undefined;
    const known = points.get(name);
    if (known) return known.value && copyBytes(known.value);
    const value = base.get(key);
    points.set(name, { key: copyBytes(key), value: value && copyBytes(value) });
    return value;
  };
  const list = function* (range: KeyRange, options: ListOptions = {}): Generator<Entry> {
    assertUsable();
    if ((options.limit ?? 1) <= 0) return;
    const view = { base, overlay, deletedRanges };
    for (const entry of listThrough(view, scans, { range, ...options })) {
      yield entry;
      assertUsable();
    }
  };

  return {
    transaction: {
      get,
      list: (range, options) => ({ [Symbol.iterator]: () => list(range, options) }),
      put: change,
      delete: (key) => change(key, undefined),
      deleteRange(range) {
        assertUsable();
        if (isEmptyRange(range)) return;
        for (const [name, entry] of overlay) if (isInside(entry.key, range)) overlay.delete(name);
        const copy = { start: copyBytes(range.start), end: copyBytes(range.end) };
        deletedRanges = [...deletedRanges, copy];
      },
    },
    seal: () => void (sealed = true),
    reads: { points, scans },
    changes() {
      if (sealed && result) return result;
      result = { deletedRanges, entries: [...overlay.values()], putBytes };
      return result;
    },
  };
}

interface View {
  readonly base: Reader;
  readonly overlay: ReadonlyMap<string, Change>;
  readonly deletedRanges: readonly KeyRange[];
}

/** The stored entries outside the deleted ranges, under the changes; what was looked at goes to `scans`. */
function listThrough(
  view: View,
  scans: Scan[],
  options: ListOptions & { readonly range: KeyRange },
): Generator<Entry> {
  const { range, limit = Infinity, reverse = false } = options;
  const changed = changesInside(view.overlay, range, reverse);
  // Each change can hide one stored entry, so this many stored ones are enough for `limit`.
  const scanOptions = limit === Infinity ? { reverse } : { reverse, limit: limit + changed.length };
  const parts = subtractRanges(range, view.deletedRanges);
  if (reverse) parts.reverse();
  const stored = (function* () {
    for (const part of parts) yield* recordScan(view.base, scans, { range: part, ...scanOptions });
  })();
  return merge(stored, changed, { limit, reverse });
}

function* recordScan(
  base: Reader,
  scans: Scan[],
  options: ListOptions & { readonly range: KeyRange },
): Generator<Entry> {
  const { range, reverse = false, limit = Infinity } = options;
  const record: Scan = { range, reverse, seen: [], complete: false };
  scans.push(record);
  for (const entry of base.list(range, options)) {
    record.seen.push({ key: copyBytes(entry.key), value: copyBytes(entry.value) });
    yield entry;
  }
  record.complete = record.seen.length < limit;
}

/** Whether `current` would have answered every read as the transaction's snapshot did. */
export function readsStillHold(reads: ReadSet, current: Reader): boolean {
  for (const { key, value } of reads.points.values())
    if (!equalBytes(current.get(key), value)) return false;
  return reads.scans.every((scan) => scanStillHolds(scan, current));
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function scanStillHolds(scan: Scan, current: Reader): boolean {
  const limit = scan.complete ? scan.seen.length + 1 : scan.seen.length;
  if (limit === 0) return true;
  let count = 0;
  for (const { key, value } of current.list(scan.range, { limit, reverse: scan.reverse })) {
    const seen = scan.seen[count++];
    if (!seen || !equalBytes(key, seen.key) || !equalBytes(value, seen.value)) return false;
  }
  return count === scan.seen.length;
}

function isInside(key: Uint8Array, range: KeyRange): boolean {
  return compareBytes(key, range.start) >= 0 && compareBytes(key, range.end) < 0;
}

function changesInside(
  overlay: ReadonlyMap<string, Change>,
  range: KeyRange,
  reverse: boolean,
): Change[] {
  if (overlay.size === 0) return [];
  const inside = [...overlay.values()].filter((change) => isInside(change.key, range));
  return inside.toSorted((a, b) =>
    reverse ? compareBytes(b.key, a.key) : compareBytes(a.key, b.key),
  );
}

/** Two ordered sequences as one; where both have a key, the change wins. */
function* merge(
  stored: Iterator<Entry>,
  changed: readonly Change[],
  options: { readonly limit: number; readonly reverse: boolean },
): Generator<Entry> {
  const direction = options.reverse ? -1 : 1;
  let left = stored.next();
  let at = 0;
  for (let count = 0; count < options.limit;) {
    const change = changed[at];
    if (left.done && !change) return;
    const order = left.done
      ? 1
      : change
        ? compareBytes(left.value.key, change.key) * direction
        : -1;
    const entry = order < 0 ? left.value : change;
    if (order >= 0) at++;
    if (entry?.value !== undefined) {
      count++;
      yield order < 0 ? entry : { key: copyBytes(entry.key), value: copyBytes(entry.value) };
    }
    // Not before it is needed: what was not looked at cannot conflict.
    if (order <= 0 && count < options.limit) left = stored.next();
  }
}
