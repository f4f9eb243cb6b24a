import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { dueAgainMs, parseSchedule, type DueTimes } from "#events/schedules/schedules.ts";
import type { Outbox } from "#events/outbox/outbox.ts";
import type { Transaction } from "#storage/storage.ts";
import { deliveryOf } from "./delivery.ts";
import {
  dropSchedule,
  findSchedule,
  putSchedule,
  type Address,
  type ScheduleRecord,
} from "./records.ts";

const minuteMs = 60_000;

const nameOf = ({ accountId, region, group, name }: Address): readonly string[] => [
  accountId,
  region,
  group,
  name,
];

/** The other way round. */
export function addressOf(name: readonly string[]): Address {
  const [accountId = "", region = "", group = "", schedule = ""] = name;
  return { accountId, region, group, name: schedule };
}

interface Parts {
  readonly dueTimes: DueTimes;
  readonly random: Random;
  readonly outbox: Outbox;
}

/** Saves a schedule with its next time, in place of what it was; a disabled one has none. */
export function saveSchedule(
  { dueTimes, random }: Pick<Parts, "dueTimes" | "random">,
  tx: Transaction,
  {
    address,
    record,
    scheduledMs,
  }: {
    readonly address: Address;
    readonly record: ScheduleRecord;
    readonly scheduledMs: number | undefined;
  },
): void {
  forgetDue(dueTimes, tx, address);
  const { scheduledMs: _, dueMs: __, ...plain } = record;
  if (scheduledMs === undefined || record.state === "DISABLED")
    return putSchedule(tx, address, plain);
  const { Mode, MaximumWindowInMinutes = 0 } = record.window;
  const windowMs = Mode === "FLEXIBLE" ? MaximumWindowInMinutes * minuteMs : 0;
  const dueMs = scheduledMs + Math.floor(random.fraction() * windowMs);
  putSchedule(tx, address, { ...plain, scheduledMs, dueMs });
  dueTimes.add(tx, { dueMs, name: nameOf(address) });
}

export function removeSchedule(dueTimes: DueTimes, tx: Transaction, address: Address): void {
  forgetDue(dueTimes, tx, address);
  dropSchedule(tx, address);
}

function forgetDue(dueTimes: DueTimes, tx: Transaction, address: Address): void {
  const before = findSchedule(tx, address);
  if (before?.dueMs !== undefined)
    dueTimes.delete(tx, { dueMs: before.dueMs, name: nameOf(address) });
}

/**
 * The first time of a new or changed schedule. A rate begins at its start date, or at once
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based).
 */
export function firstMs(record: ScheduleRecord, nowMs: number): number | undefined {
  const schedule = parseSchedule(record.expression, record.timeZone);
  const fromMs = schedule?.kind === "at" ? nowMs : Math.max(nowMs, record.startMs ?? nowMs);
  return within(record, schedule?.next(fromMs - 1, record.anchorMs));
}

/** Start and end do not count for what happens once. */
function within(record: ScheduleRecord, ms: number | undefined): number | undefined {
  const isOnce = record.expression.startsWith("at(");
  if (ms === undefined || isOnce || record.endMs === undefined) return ms;
  return ms <= record.endMs ? ms : undefined;
}

/** What a schedule does when it is due, inside the transaction that takes the due time away. */
export function fireSchedule(
  parts: Parts,
  tx: Transaction,
  due: { readonly dueMs: number; readonly name: readonly string[]; readonly nowMs: number },
): void {
  const address = addressOf(due.name);
  const record = findSchedule(tx, address);
  if (record?.dueMs !== due.dueMs || record.scheduledMs === undefined) return;
  const { scheduledMs } = record;
  parts.outbox.add(
    tx,
    deliveryOf(record, { address, scheduledMs, executionId: uuid(parts.random) }),
  );
  const schedule = parseSchedule(record.expression, record.timeZone);
  const times = { dueMs: scheduledMs, anchorMs: record.anchorMs, nowMs: due.nowMs };
  const nextMs = within(record, schedule && dueAgainMs(schedule, times));
  if (nextMs === undefined && record.whenDone === "DELETE")
    return removeSchedule(parts.dueTimes, tx, address);
  saveSchedule(parts, tx, { address, record, scheduledMs: nextMs });
}
