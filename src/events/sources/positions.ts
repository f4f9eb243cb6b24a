import { key, keyPrefix, keyParts } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { Store, Transaction } from "#storage/storage.ts";
import type { WindowState } from "./windows.ts";

/** How far a mapping has read a shard. */
export interface Position {
  /** Undefined once the shard has been read to its end. */
  readonly at: string | undefined;
  readonly window?: WindowState;
}

const codec = recordCodec<Position>(1);
const positionKey = (mappingId: string, shardId: string): Uint8Array =>
  key("mappings", "position", mappingId, shardId);

/** By shard; empty for a mapping that has never been read for. */
export function readPositions(
  store: Store,
  mappingId: string,
): Promise<ReadonlyMap<string, Position>> {
  return store.read((reader) => {
    const found = new Map<string, Position>();
    for (const entry of reader.list(keyPrefix("mappings", "position", mappingId)))
      found.set(String(keyParts(entry.key)[3]), codec.decode(entry.value));
    return found;
  });
}

export function writePosition(
  tx: Transaction,
  of: { readonly mappingId: string; readonly shardId: string },
  position: Position,
): void {
  tx.put(positionKey(of.mappingId, of.shardId), codec.encode(position));
}

export function forgetPosition(tx: Transaction, mappingId: string, shardId: string): void {
  tx.delete(positionKey(mappingId, shardId));
}

/** Forgets how far a mapping has read: it is gone. */
export function forgetPositions(tx: Transaction, mappingId: string): void {
  tx.deleteRange(keyPrefix("mappings", "position", mappingId));
}
