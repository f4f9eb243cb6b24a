import { keyBelow } from "#storage/keys.ts";
import { encodeState, type MessageState } from "../records.ts";
import { readGroup, updateGroup } from "./groups.ts";
import type { Partition } from "./partition.ts";

/**
 * Puts a message where receivers look: in a standard queue behind all that have been visible for longer,
 * in a FIFO queue into its group, where its sequence number says.
 */
export function makeVisible(
  partition: Partition,
  sequence: number,
  at: { readonly state: MessageState; readonly sinceMs: number },
): void {
  const { tx, keys, counts, queue } = partition;
  const { state, sinceMs } = at;
  const bytes = encodeState(state.isDelayed ? { ...state, isDelayed: false } : state);
  counts.visible += 1;
  if (!queue.isFifo) return tx.put(keyBelow(keys.ready, sinceMs, sequence), bytes);
  const group = groupOf(state);
  tx.put(keyBelow(keys.waiting, group, sequence), bytes);
  const { inFlight, ready } = readGroup(partition, group);
  // Behind the head of a group that stands where it should, nothing changes.
  const isBehind = ready !== null && ready[1] < sequence;
  if (inFlight === 0 && !isBehind) updateGroup(partition, group, { inFlight: 0, sinceMs });
}

/** Every message of a FIFO queue has a group: the check of its input sees to that. */
export function groupOf(state: MessageState): string {
  return state.group ?? "";
}
