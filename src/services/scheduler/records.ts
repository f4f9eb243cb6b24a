import type { ActionAfterCompletion, FlexibleTimeWindow, Target } from "@aws-sdk/client-scheduler";
import type { RequestContext } from "#base/context.ts";
import { key, keyPrefix } from "#storage/keys.ts";
import { recordCodec } from "#storage/records.ts";
import type { KeyRange, Reader, Transaction } from "#storage/storage.ts";
import { notFound } from "./errors.ts";

export const defaultGroup = "default";

/** Whose and where: every key begins with it. */
export interface Home {
  readonly accountId: string;
  readonly region: string;
}

/** One schedule. */
export interface Address extends Home {
  readonly group: string;
  readonly name: string;
}

export interface GroupRecord {
  readonly name: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
  readonly clientToken?: string;
}

export interface ScheduleRecord {
  readonly name: string;
  readonly group: string;
  readonly expression: string;
  readonly timeZone: string;
  readonly state: "ENABLED" | "DISABLED";
  readonly target: Target;
  readonly window: FlexibleTimeWindow;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly description?: string;
  readonly kmsKeyArn?: string;
  readonly whenDone: ActionAfterCompletion;
  readonly clientToken?: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** From which a rate counts. */
  readonly anchorMs: number;
  /** The next time by the expression. */
  readonly scheduledMs?: number;
  /** When that is acted on: later by a part of the flexible window. */
  readonly dueMs?: number;
}

const groups = recordCodec<GroupRecord>(1);
const schedules = recordCodec<ScheduleRecord>(1);
const root = "scheduler";

export function homeOf(context: RequestContext): Home {
  return { accountId: context.principal.accountId, region: context.region };
}

export function scheduleArn({ accountId, region, group, name }: Address): string {
  return `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`;
}

export function groupArn({ accountId, region }: Home, name: string): string {
  return `arn:aws:scheduler:${region}:${accountId}:schedule-group/${name}`;
}

const scheduleKey = ({ accountId, region, group, name }: Address): Uint8Array =>
  key(root, "schedule", accountId, region, group, name);
const groupKey = ({ accountId, region }: Home, name: string): Uint8Array =>
  key(root, "group", accountId, region, name);

export const ranges = {
  /** Of one group, or of all. */
  schedules: ({ accountId, region }: Home, group?: string): KeyRange =>
    group === undefined
      ? keyPrefix(root, "schedule", accountId, region)
      : keyPrefix(root, "schedule", accountId, region, group),
  groups: ({ accountId, region }: Home): KeyRange => keyPrefix(root, "group", accountId, region),
} as const;

export const decodeSchedule = (bytes: Uint8Array): ScheduleRecord => schedules.decode(bytes);
export const decodeGroup = (bytes: Uint8Array): GroupRecord => groups.decode(bytes);

export function findSchedule(reader: Reader, address: Address): ScheduleRecord | undefined {
  const bytes = reader.get(scheduleKey(address));
  return bytes && schedules.decode(bytes);
}

/** Throws ResourceNotFoundException. */
export function loadSchedule(reader: Reader, address: Address): ScheduleRecord {
  const found = findSchedule(reader, address);
  if (found) return found;
  throw notFound(`Schedule ${address.name} does not exist.`);
}

/** The default group is there from the beginning. */
export function findGroup(reader: Reader, home: Home, name: string): GroupRecord | undefined {
  const bytes = reader.get(groupKey(home, name));
  if (bytes) return groups.decode(bytes);
  return name === defaultGroup ? { name, createdMs: 0, modifiedMs: 0, tags: [] } : undefined;
}

/** Throws ResourceNotFoundException. */
export function loadGroup(reader: Reader, home: Home, name: string): GroupRecord {
  const found = findGroup(reader, home, name);
  if (found) return found;
  throw notFound(`Schedule group ${name} does not exist.`);
}

export function putSchedule(tx: Transaction, address: Address, record: ScheduleRecord): void {
  tx.put(scheduleKey(address), schedules.encode(record));
}

export function dropSchedule(tx: Transaction, address: Address): void {
  tx.delete(scheduleKey(address));
}

export function putGroup(tx: Transaction, home: Home, record: GroupRecord): void {
  tx.put(groupKey(home, record.name), groups.encode(record));
}

export function dropGroup(tx: Transaction, home: Home, name: string): void {
  tx.delete(groupKey(home, name));
}
