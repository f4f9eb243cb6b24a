import { keyAfter } from "#storage/keys.ts";
import type { Transaction } from "#storage/storage.ts";
import { startingWith } from "../items/places.ts";
import { stepItemsMax } from "../limits.ts";
import { remainsCodec, tableKeys } from "../tables/records.ts";
import type { SweeperDeps } from "./sweeper.ts";

/** Removes part of what a deleted table or index left. False when nothing deleted is left. */
export async function removeSome({ store }: SweeperDeps): Promise<boolean> {
  return store.write((tx) => {
    const [entry] = tx.list(tableKeys.everyRemains(), { limit: 1 });
    if (!entry) return false;
    const { storageIds } = remainsCodec.decode(entry.value);
    const left = storageIds.filter((storageId) => !removeEntries(tx, storageId));
    if (left.length === 0) tx.delete(entry.key);
    return true;
  });
}

/** True when none is left. */
function removeEntries(tx: Transaction, storageId: number): boolean {
  const range = startingWith(tableKeys.items(storageId));
  let count = 0;
  let last: Uint8Array | undefined;
  for (const { key } of tx.list(range, { limit: stepItemsMax })) {
    count++;
    last = key;
  }
  if (last) tx.deleteRange({ start: range.start, end: keyAfter(last) });
  return count < stepItemsMax;
}
