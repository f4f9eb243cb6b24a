import type { Holder } from "#base/holder.ts";
import { forgetPositions } from "#events/sources/sources.ts";
import { key, keyAfter, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange, Reader, Transaction } from "#storage/storage.ts";

/** An event source mapping as it is stored; all members of the API with their defaults filled in. */
export interface MappingRecord {
  readonly uuid: string;
  readonly accountId: string;
  readonly region: string;
  readonly functionName: string;
  readonly qualifier: string | undefined;
  readonly sourceArn: string;
  /** What the user wants; `state` says how far that is done. */
  readonly isEnabled: boolean;
  readonly state: MappingState;
  /** Grows with each change by a user: a poller belongs to one of them. */
  readonly revision: number;
  readonly modifiedMs: number;
  readonly settings: StoredSettings;
  readonly tags: Readonly<Record<string, string>>;
}

export type MappingState =
  | "Creating"
  | "Enabling"
  | "Enabled"
  | "Disabling"
  | "Disabled"
  | "Updating"
  | "Deleting";

export interface StoredSettings {
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly reportsItemFailures: boolean;
  readonly filters: readonly string[];
  /** Queues. */
  readonly maximumConcurrency?: number | undefined;
  /** Streams. */
  readonly stream?: StoredStreamSettings;
}

export interface StoredStreamSettings {
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  readonly parallelizationFactor: number;
  readonly bisects: boolean;
  /** -1: for as long as the records exist. */
  readonly maximumRetryAttempts: number;
  /** -1: any age. */
  readonly maximumRecordAgeSeconds: number;
  readonly onFailureArn?: string | undefined;
  readonly tumblingWindowSeconds: number;
}

/** Beside `lambda/…`, whose every change makes the data plane forget what it remembers. */
const space = "mappings";
const codec = recordCodec<MappingRecord>(1);
const holderCodec = recordCodec<Holder>(1);
const resultCodec = recordCodec<string>(1);

type Place = Pick<MappingRecord, "accountId" | "region" | "uuid">;

const recordKey = ({ accountId, region, uuid }: Place): Uint8Array =>
  key(space, "record", accountId, region, uuid);
const holderKey = (uuid: string): Uint8Array => key(space, "holder", uuid);
const resultKey = (uuid: string): Uint8Array => key(space, "result", uuid);

/** All mappings of all accounts; watch it to hear of changes. */
export const mappingRange: KeyRange = keyPrefix(space, "record");

export const mappings = {
  get(reader: Reader, place: Place): MappingRecord | undefined {
    const bytes = reader.get(recordKey(place));
    return bytes && codec.decode(bytes);
  },
  put: (tx: Transaction, record: MappingRecord): void =>
    tx.put(recordKey(record), codec.encode(record)),
  /** With its positions and whatever else is kept about it. */
  remove(tx: Transaction, record: MappingRecord): void {
    tx.delete(recordKey(record));
    tx.delete(holderKey(record.uuid));
    tx.delete(resultKey(record.uuid));
    forgetPositions(tx, record.uuid);
  },
  /** Of one account and region, by UUID, behind `after`. */
  *list(
    reader: Reader,
    place: Pick<Place, "accountId" | "region"> & { readonly after?: string | undefined },
  ): Generator<MappingRecord> {
    const { start, end } = keyPrefix(space, "record", place.accountId, place.region);
    const { after } = place;
    const from = after === undefined ? start : keyAfter(recordKey({ ...place, uuid: after }));
    for (const entry of reader.list({ start: from, end })) yield codec.decode(entry.value);
  },
  all: (reader: Reader): readonly MappingRecord[] =>
    Array.from(reader.list(mappingRange), (entry) => codec.decode(entry.value)),
};

/** Which process polls for a mapping. */
export const holders = {
  get(reader: Reader, uuid: string): Holder | undefined {
    const bytes = reader.get(holderKey(uuid));
    return bytes && holderCodec.decode(bytes);
  },
  put: (tx: Transaction, uuid: string, holder: Holder): void =>
    tx.put(holderKey(uuid), holderCodec.encode(holder)),
  remove: (tx: Transaction, uuid: string): void => tx.delete(holderKey(uuid)),
};

/** `LastProcessingResult`: changes with what happens, not with what users ask for. */
export const results = {
  get(reader: Reader, uuid: string): string | undefined {
    const bytes = reader.get(resultKey(uuid));
    return bytes && resultCodec.decode(bytes);
  },
  put: (tx: Transaction, uuid: string, result: string): void =>
    tx.put(resultKey(uuid), resultCodec.encode(result)),
};
