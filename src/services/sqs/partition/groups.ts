import { keyBelow } from "#storage/keys.ts";
import { groupCodec, type GroupRecord, lastNumbers, rangeBelow } from "../records.ts";
import type { Partition } from "./partition.ts";

/**
 * The groups of a FIFO queue. A group stands in the index of those that may be received from exactly
 * when it has a waiting message and none in flight; it is stored only while it has one or the other.
 */
const none: GroupRecord = { inFlight: 0, ready: null };

export function readGroup({ tx, keys }: Partition, name: string): GroupRecord {
  const bytes = tx.get(keyBelow(keys.group, name));
  return bytes ? groupCodec.decode(bytes) : none;
}

/** Changes the number in flight, and takes the group into the index or out of it, as that demands. */
export function updateGroup(
  partition: Partition,
  name: string,
  { inFlight: added, sinceMs }: { readonly inFlight: number; readonly sinceMs: number },
): void {
  const { tx, keys } = partition;
  const before = readGroup(partition, name);
  const inFlight = before.inFlight + added;
  const head = inFlight === 0 ? headOf(partition, name) : undefined;
  let { ready } = before;
  const mayStay = ready !== null && head === ready[1];
  if (ready && !mayStay) {
    tx.delete(keyBelow(keys.ready, ...ready));
    ready = null;
  }
  if (head !== undefined && !ready) {
    ready = [sinceMs, head];
    tx.put(keyBelow(keys.ready, ...ready), Buffer.from(name));
  }
  const isEmpty = inFlight === 0 && head === undefined;
  if (isEmpty) tx.delete(keyBelow(keys.group, name));
  else tx.put(keyBelow(keys.group, name), groupCodec.encode({ inFlight, ready }));
}

/** The sequence number of the first waiting message. */
function headOf({ tx, keys }: Partition, name: string): number | undefined {
  for (const { key } of tx.list(rangeBelow(keyBelow(keys.waiting, name)), { limit: 1 }))
    return lastNumbers(key)[1];
  return undefined;
}
