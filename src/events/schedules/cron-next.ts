import type { Cron, DayRule } from "./cron-fields.ts";
import { yearMax } from "./limits.ts";
import type { Zone } from "./zones.ts";

const minuteMs = 60_000;
const hourMs = 3_600_000;
/** Clocks are set back by at most this: how much local time may come twice. */
const repeatedMs = 2 * hourMs;

/**
 * The first instant after `afterMs` that the expression names on a zone's clock; undefined when there is
 * none. Times that are skipped as summer time begins do not fire, times that come twice as it ends fire
 * once, the first time (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time).
 */
export function nextOfCron(cron: Cron, zone: Zone, afterMs: number): number | undefined {
  const fromMs = zone.localMs(afterMs) - repeatedMs;
  const from = new Date(fromMs);
  let [year, month, day] = [from.getUTCFullYear(), from.getUTCMonth() + 1, from.getUTCDate()];
  for (; year <= yearMax; year++, month = 1) {
    if (!cron.years.has(year)) {
      day = 1;
      continue;
    }
    for (; month <= 12; month++, day = 1) {
      if (!cron.months.has(month)) continue;
      const found = inMonth({ cron, zone, afterMs, fromMs }, { year, month, day });
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

interface Search {
  readonly cron: Cron;
  readonly zone: Zone;
  readonly afterMs: number;
  /** Local; nothing before it can be what is searched. */
  readonly fromMs: number;
}

/** From `day` on. */
function inMonth(
  search: Search,
  { year, month, day }: { readonly year: number; readonly month: number; readonly day: number },
): number | undefined {
  const { cron, zone, afterMs, fromMs } = search;
  for (const one of daysOf(cron.day, year, month)) {
    if (one < day) continue;
    const dayMs = Date.UTC(year, month - 1, one);
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const localMs = dayMs + hour * hourMs + minute * minuteMs;
        if (localMs < fromMs) continue;
        const instantMs = zone.instantMs(localMs);
        if (instantMs !== undefined && instantMs > afterMs) return instantMs;
      }
    }
  }
  return undefined;
}

/** Ascending, each once. `month` counts from 1. */
function daysOf(rule: DayRule, year: number, month: number): readonly number[] {
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const weekdayOf = (day: number): number =>
    new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
  const found = new Set<number>();
  const add = (day: number): void => {
    if (day >= 1 && day <= last) found.add(day);
  };
  if (rule.kind === "of-month")
    for (const one of rule.days) {
      if (one.kind === "day") add(one.day);
      else if (one.kind === "last") add(last - one.before);
      else if (one.kind === "last-weekday") add(nearestWeekday(last, last, weekdayOf));
      else if (one.day <= last) add(nearestWeekday(one.day, last, weekdayOf));
    }
  else
    for (const one of rule.days) {
      const first = 1 + ((one.day - weekdayOf(1) + 7) % 7);
      if (one.kind === "nth") add(first + (one.nth - 1) * 7);
      else if (one.kind === "last") add(first + 7 * Math.floor((last - first) / 7));
      else for (let day = first; day <= last; day += 7) add(day);
    }
  return [...found].toSorted((one, other) => one - other);
}

/** Monday to Friday, never in another month. */
function nearestWeekday(day: number, last: number, weekdayOf: (day: number) => number): number {
  const weekday = weekdayOf(day);
  if (weekday === 7) return day > 1 ? day - 1 : day + 2;
  if (weekday === 1) return day < last ? day + 1 : day - 2;
  return day;
}
