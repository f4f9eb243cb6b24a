import { uuid } from "#base/ids.ts";
import type { Random } from "#base/random.ts";
import { dueAgainMs, parseSchedule, type Due, type DueTimes } from "#events/schedules/schedules.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import { makeEvent } from "./bus-event.ts";
import { ruleArn } from "./names.ts";
import { rules, type BusAddress, type RuleRecord } from "./records.ts";
import type { Router } from "./router.ts";

const nameOf = ({ accountId, region, bus }: BusAddress, rule: string): readonly string[] => [
  "rule",
  accountId,
  region,
  bus,
  rule,
];

/** Saves a rule and when it is due, in place of what it was; a disabled rule is not due. */
export function saveScheduled(
  tx: Transaction,
  dueTimes: DueTimes,
  rule: {
    readonly address: BusAddress;
    readonly record: RuleRecord;
    readonly dueMs: number | undefined;
  },
): RuleRecord {
  const { address, dueMs } = rule;
  unschedule(tx, dueTimes, { address, name: rule.record.name });
  const { dueMs: _, ...record } = rule.record;
  const saved = dueMs === undefined ? record : { ...record, dueMs };
  rules.save(tx, address, saved);
  if (dueMs !== undefined) dueTimes.add(tx, { dueMs, name: nameOf(address, record.name) });
  return saved;
}

export function unschedule(
  tx: Transaction,
  dueTimes: DueTimes,
  { address, name }: { readonly address: BusAddress; readonly name: string },
): void {
  const before = rules.read(tx, address, name);
  if (before?.dueMs === undefined) return;
  dueTimes.delete(tx, { dueMs: before.dueMs, name: nameOf(address, name) });
}

/** The first time after `nowMs` at which an enabled rule is due. */
export function firstDueMs(record: RuleRecord, nowMs: number): number | undefined {
  if (record.schedule === undefined || record.state === "DISABLED") return undefined;
  return parseSchedule(record.schedule)?.next(nowMs, record.anchorMs);
}

/** ARNs of what a rule will send to when it is due; none for another kind of due time. */
export function targetsOfDue(reader: Reader, due: Due): readonly string[] {
  const [kind, accountId = "", region = "", bus = "", name = ""] = due.name;
  if (kind !== "rule") return [];
  const record = rules.read(reader, { accountId, region, bus }, name);
  return record?.targets.map(({ Arn = "" }) => Arn) ?? [];
}

/** What a scheduled rule does when it is due, inside the transaction that takes the due time away. */
export function fireRule(
  {
    router,
    random,
    dueTimes,
  }: {
    readonly router: Router;
    readonly random: Random;
    readonly dueTimes: DueTimes;
  },
  tx: Transaction,
  due: { readonly dueMs: number; readonly name: readonly string[]; readonly nowMs: number },
): void {
  const [, accountId = "", region = "", bus = "", name = ""] = due.name;
  const address = { accountId, region, bus };
  const record = rules.read(tx, address, name);
  if (record?.dueMs !== due.dueMs || record.schedule === undefined) return;
  const event = makeEvent(address, {
    id: uuid(random),
    source: "aws.events",
    detailType: "Scheduled Event",
    detail: {},
    resources: [ruleArn(address, name)],
    timeMs: due.dueMs,
    trace: undefined,
  });
  router.send(tx, record, address, event);
  const schedule = parseSchedule(record.schedule);
  const dueMs =
    schedule &&
    dueAgainMs(schedule, { dueMs: due.dueMs, anchorMs: record.anchorMs, nowMs: due.nowMs });
  saveScheduled(tx, dueTimes, { address, record, dueMs });
}
