import type { Target as RuleTarget } from "@aws-sdk/client-eventbridge";
import type { TraceContext } from "#base/context.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec, type RecordCodec } from "#storage/records.ts";
import type { Reader, Transaction } from "#storage/storage.ts";

export type { RuleTarget };

/** Whose and where: every key begins with it. */
export interface Home {
  readonly accountId: string;
  readonly region: string;
}

/** A bus within a home. */
export interface BusAddress extends Home {
  readonly bus: string;
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface BusRecord {
  readonly name: string;
  readonly description?: string;
  readonly policy?: string;
  readonly deadLetterArn?: string;
  readonly kmsKeyIdentifier?: string;
  readonly tags: readonly Tag[];
  readonly createdMs: number;
  readonly modifiedMs: number;
}

export interface RuleRecord {
  readonly name: string;
  readonly bus: string;
  readonly pattern?: string;
  readonly schedule?: string;
  readonly state: "ENABLED" | "DISABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
  readonly description?: string;
  readonly roleArn?: string;
  readonly managedBy?: string;
  readonly tags: readonly Tag[];
  readonly targets: readonly RuleTarget[];
  /** From which a rate counts. */
  readonly anchorMs: number;
  /** When the schedule is due next; the key of its due time. */
  readonly dueMs?: number;
}

export interface ArchiveRecord {
  readonly name: string;
  readonly bus: string;
  readonly pattern?: string;
  readonly description?: string;
  /** Zero: for ever. */
  readonly retentionDays: number;
  readonly createdMs: number;
}

export interface ArchivedEvent {
  readonly event: string;
  readonly trace?: TraceContext;
}

export interface ReplayRecord {
  readonly name: string;
  readonly archive: string;
  readonly description?: string;
  readonly bus: string;
  readonly destinationArn: string;
  readonly ruleArns: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: "STARTING" | "RUNNING" | "CANCELLING" | "CANCELLED" | "COMPLETED" | "FAILED";
  readonly startedMs: number;
  readonly endedMs?: number;
  readonly lastReplayedMs?: number;
  /** Id of the last event that was sent; with its time, where to go on. */
  readonly lastEventId?: string;
}

const codecs = {
  bus: recordCodec<BusRecord>(1),
  rule: recordCodec<RuleRecord>(1),
  archive: recordCodec<ArchiveRecord>(1),
  replay: recordCodec<ReplayRecord>(1),
} as const;
export const archivedCodec: RecordCodec<ArchivedEvent> = recordCodec(1);

const root = "events";
const busKey = ({ accountId, region, bus }: BusAddress): Uint8Array =>
  key(root, "bus", accountId, region, bus);

export const ranges = {
  buses: ({ accountId, region }: Home) => keyPrefix(root, "bus", accountId, region),
  rules: ({ accountId, region, bus }: BusAddress) =>
    keyPrefix(root, "rule", accountId, region, bus),
  /** Names of rules by the target they have. */
  rulesByTarget: ({ accountId, region, bus }: BusAddress, arn: string) =>
    keyPrefix(root, "by-target", accountId, region, bus, arn),
  archives: ({ accountId, region }: Home) => keyPrefix(root, "archive", accountId, region),
  archived: ({ accountId, region }: Home, archive: string) =>
    keyPrefix(root, "archived", accountId, region, archive),
  replays: ({ accountId, region }: Home) => keyPrefix(root, "replay", accountId, region),
} as const;

export const keys = {
  byTarget: ({ accountId, region, bus }: BusAddress, arn: string, rule: string) =>
    key(root, "by-target", accountId, region, bus, arn, rule),
  archived: ({ accountId, region }: Home, archive: string, at: { ms: number; id: string }) =>
    key(root, "archived", accountId, region, archive, at.ms, at.id),
  /** Changes with everything that matching on a bus depends on. */
  revision: ({ accountId, region, bus }: BusAddress) =>
    key(root, "revision", accountId, region, bus),
} as const;

function access<T, A>(codec: RecordCodec<T>, at: (address: A, name: string) => Uint8Array) {
  return {
    read(reader: Reader, address: A, name: string): T | undefined {
      const bytes = reader.get(at(address, name));
      return bytes && codec.decode(bytes);
    },
    save(tx: Transaction, address: A, record: T & { readonly name: string }): void {
      tx.put(at(address, record.name), codec.encode(record));
    },
    remove(tx: Transaction, address: A, name: string): void {
      tx.delete(at(address, name));
    },
    decode: (bytes: Uint8Array): T => codec.decode(bytes),
  };
}

export const buses = access(codecs.bus, (home: Home, name) => busKey({ ...home, bus: name }));
export const rules = access(codecs.rule, ({ accountId, region, bus }: BusAddress, name) =>
  key(root, "rule", accountId, region, bus, name),
);
export const archiveRecords = access(codecs.archive, ({ accountId, region }: Home, name) =>
  key(root, "archive", accountId, region, name),
);
export const replayRecords = access(codecs.replay, ({ accountId, region }: Home, name) =>
  key(root, "replay", accountId, region, name),
);

/** Whoever keeps the bus ready to match sees that it is no longer. */
export function touch(tx: Transaction, address: BusAddress): void {
  const at = keys.revision(address);
  const before = tx.get(at);
  const count = before ? Buffer.from(before).readDoubleBE() : 0;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(count + 1);
  tx.put(at, bytes);
}

export function revisionOf(reader: Reader, address: BusAddress): number {
  const bytes = reader.get(keys.revision(address));
  return bytes ? Buffer.from(bytes).readDoubleBE() : 0;
}
