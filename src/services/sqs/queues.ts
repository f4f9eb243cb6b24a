import type { Reader, Transaction } from "#storage/storage.ts";
import { queueArn } from "./addresses.ts";
import { invalidValue, queueDoesNotExist } from "./errors.ts";
import { parseRedrivePolicy } from "./redrive.ts";
import { allowsSource } from "./redrive-input.ts";
import {
  encodeCounts,
  keys,
  noBytes,
  partitionKeys,
  queueCodec,
  type QueueAddress,
  type QueueRecord,
} from "./records.ts";

/** Decoded records by their key, each good for as long as the bytes are the same. */
const decoded = new Map<string, { readonly bytes: Uint8Array; readonly queue: QueueRecord }>();
const decodedMax = 10_000;

/** Undefined when there is no such queue. Always the stored state; only decoding it is saved. */
export function loadQueue(reader: Reader, address: QueueAddress): QueueRecord | undefined {
  const bytes = reader.get(keys.queue(address));
  if (!bytes) return undefined;
  const id = `${address.accountId} ${address.region} ${address.name}`;
  const known = decoded.get(id);
  if (known && Buffer.compare(known.bytes, bytes) === 0) return known.queue;
  const queue = queueCodec.decode(bytes);
  if (decoded.size >= decodedMax) decoded.clear();
  decoded.set(id, { bytes: Uint8Array.from(bytes), queue });
  return queue;
}

/** Throws `QueueDoesNotExist`. */
export function requireQueue(reader: Reader, address: QueueAddress): QueueRecord {
  const queue = loadQueue(reader, address);
  if (!queue) throw queueDoesNotExist();
  return queue;
}

/**
 * Stores a queue as it is from now on, with what follows from it: the index of dead-letter sources, and
 * the end of an older generation of its messages.
 */
export function storeQueue(
  tx: Transaction,
  queue: QueueRecord,
  before: QueueRecord | undefined,
  { firstSequence }: { readonly firstSequence?: number } = {},
): void {
  const redrive = queue.attributes["RedrivePolicy"];
  const redriveBefore = before?.attributes["RedrivePolicy"];
  if (redrive !== redriveBefore) {
    if (redrive !== undefined) checkDeadLetterQueue(tx, queue, redrive);
    indexSource(tx, before, "delete");
    indexSource(tx, queue, "put");
  }
  if (before && before.generation !== queue.generation) discard(tx, before);
  if (firstSequence !== undefined) {
    const counts = { nextSequence: firstSequence, visible: 0, inFlight: 0, delayed: 0 };
    tx.put(partitionKeys(queue).counts, encodeCounts(counts));
  }
  tx.put(keys.queue(queue), queueCodec.encode(queue));
}

function checkDeadLetterQueue(tx: Transaction, queue: QueueRecord, policy: string): void {
  const address = parseRedrivePolicy(policy)?.deadLetterQueue;
  const target = address && loadQueue(tx, address);
  if (!target) throw invalidValue(policy, "RedrivePolicy", "Dead letter target does not exist.");
  if (allowsSource(target.attributes["RedriveAllowPolicy"], queueArn(queue))) return;
  throw invalidValue(
    policy,
    "RedrivePolicy",
    "The dead-letter queue's redrive allow policy does not allow this queue as its source.",
  );
}

function indexSource(
  tx: Transaction,
  queue: QueueRecord | undefined,
  change: "put" | "delete",
): void {
  const policy = queue?.attributes["RedrivePolicy"];
  const target = policy === undefined ? undefined : parseRedrivePolicy(policy)?.deadLetterQueue;
  if (!queue || !target) return;
  const key = keys.source(target, queue.name);
  if (change === "put") tx.put(key, noBytes);
  else tx.delete(key);
}

/** Its messages are gone for everybody at once, and are cleared away behind its back. */
export function removeQueue(tx: Transaction, queue: QueueRecord, deletedMs: number): void {
  tx.delete(keys.queue(queue));
  tx.put(keys.deleted(queue), Buffer.from(String(deletedMs)));
  tx.deleteRange(keys.moveTasks(queue));
  indexSource(tx, queue, "delete");
  discard(tx, queue);
}

function discard(tx: Transaction, { id, generation, accountId, region }: QueueRecord): void {
  tx.put(keys.trash(id, generation), Buffer.from(`${accountId} ${region}`));
}
