import type { Clock } from "#base/clock.ts";
import type { Reader, Store } from "#storage/storage.ts";
import { storedItemBytes } from "../items/codec.ts";
import { startingWith } from "../items/places.ts";
import { keyAfter } from "#storage/keys.ts";
import { countAgeMaxMs, countedItemsMax } from "../limits.ts";
import type { Count } from "./description.ts";
import type { Keyed, Table } from "./table.ts";

/**
 * How many items a table and its indexes have. Small ones are counted when somebody asks; large ones at most
 * every six hours, which is how often the service does it, so that describing a table costs the same whatever
 * is in it. Nobody has to keep a counter, which every write of the table would meet in.
 */
export interface Counts {
  /** By index name, `""` for the table. */
  of(table: Table): Promise<ReadonlyMap<string, Count>>;
}

export function createCounts(deps: { readonly store: Store; readonly clock: Clock }): Counts {
  const { store, clock } = deps;
  const known = new Map<string, { readonly count: Count; readonly atMs: number }>();

  async function countOf(keyed: Keyed): Promise<Count> {
    const name = Buffer.from(keyed.prefix).toString("latin1");
    const part = await store.read((reader) => countPart(reader, keyed.prefix, undefined));
    if (!part.after) return part.count;
    const nowMs = clock.nowMs();
    const last = known.get(name);
    if (last && nowMs - last.atMs < countAgeMaxMs) return last.count;
    const count = await countAll(store, keyed.prefix);
    known.set(name, { count, atMs: nowMs });
    return count;
  }

  return {
    async of({ primary, indexes }) {
      const counts = new Map<string, Count>([["", await countOf(primary)]]);
      for (const index of indexes) counts.set(index.name, await countOf(index));
      return counts;
    },
  };
}

/** In parts: no snapshot stays open for long. */
async function countAll(store: Store, prefix: Uint8Array): Promise<Count> {
  let items = 0;
  let bytes = 0;
  for (let after: Uint8Array | undefined; ;) {
    const part = await store.read((reader) => countPart(reader, prefix, after));
    items += part.count.items;
    bytes += part.count.bytes;
    ({ after } = part);
    if (!after) return { items, bytes };
  }
}

function countPart(
  reader: Reader,
  prefix: Uint8Array,
  after: Uint8Array | undefined,
): { readonly count: Count; readonly after: Uint8Array | undefined } {
  const whole = startingWith(prefix);
  const range = after ? { start: keyAfter(after), end: whole.end } : whole;
  let items = 0;
  let bytes = 0;
  let last: Uint8Array | undefined;
  for (const entry of reader.list(range, { limit: countedItemsMax })) {
    items++;
    bytes += storedItemBytes(entry.value);
    last = entry.key;
  }
  const isWhole = items < countedItemsMax;
  return { count: { items, bytes }, after: isWhole ? undefined : last && new Uint8Array(last) };
}
