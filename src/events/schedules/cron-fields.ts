import { yearMax, yearMin } from "./limits.ts";

/** The fields of a cron expression. Months count from 1, days of the week from 1, Sunday. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number>;
  readonly day: DayRule;
}

/** Which days of a month; the other of the two fields was `?`. */
export type DayRule =
  | { readonly kind: "of-month"; readonly days: readonly DayOfMonth[] }
  | { readonly kind: "of-week"; readonly days: readonly DayOfWeek[] };

type DayOfMonth =
  | { readonly kind: "day"; readonly day: number }
  /** `L`: the last, or that many days before. */
  | { readonly kind: "last"; readonly before: number }
  /** `15W`: the weekday nearest to it within the month; `LW`: the last weekday. */
  | { readonly kind: "weekday-near"; readonly day: number }
  | { readonly kind: "last-weekday" };

type DayOfWeek =
  | { readonly kind: "every"; readonly day: number }
  /** `6L`: the month's last Friday. */
  | { readonly kind: "last"; readonly day: number }
  /** `6#3`: the month's third Friday. */
  | { readonly kind: "nth"; readonly day: number; readonly nth: number };

interface Scale {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const minutes: Scale = { min: 0, max: 59 };
const hours: Scale = { min: 0, max: 23 };
const daysOfMonth: Scale = { min: 1, max: 31 };
const months: Scale = {
  min: 1,
  max: 12,
  names: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" "),
};
const daysOfWeek: Scale = { min: 1, max: 7, names: "SUN MON TUE WED THU FRI SAT".split(" ") };
const years: Scale = { min: yearMin, max: yearMax };

/**
 * Six fields: minutes, hours, day of month, month, day of week, year
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html). One of the two
 * days must be `?`. Undefined for what is none.
 */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().toUpperCase().split(/\s+/);
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = fields;
  if (fields.length !== 6 || (dayOfMonth === "?") === (dayOfWeek === "?")) return undefined;
  const day = dayOfWeek === "?" ? parseDaysOfMonth(dayOfMonth) : parseDaysOfWeek(dayOfWeek);
  const sets = [
    numbers(minute, minutes),
    numbers(hour, hours),
    numbers(month, months),
    numbers(year, years),
  ];
  const [inHour, inDay, inYear, inTime] = sets;
  if (!inHour || !inDay || !inYear || !inTime || !day) return undefined;
  return {
    minutes: inHour,
    hours: inDay,
    months: new Set(inYear),
    years: new Set(inTime),
    day,
  };
}

/** `*`, values, ranges and steps, separated by commas; ascending, each once. */
function numbers(field: string, scale: Scale): readonly number[] | undefined {
  const found = new Set<number>();
  for (const item of field.split(",")) {
    const range = parseRange(item, scale);
    if (!range) return undefined;
    for (let value = range.from; value <= range.to; value += range.step) found.add(value);
  }
  return [...found].toSorted((one, other) => one - other);
}

function parseRange(
  item: string,
  scale: Scale,
): { readonly from: number; readonly to: number; readonly step: number } | undefined {
  const [base = "", stepText, ...more] = item.split("/");
  const step = stepText === undefined ? 1 : whole(stepText);
  if (step === undefined || step < 1 || more.length > 0) return undefined;
  if (base === "*") return { from: scale.min, to: scale.max, step };
  const [low = "", high, ...rest] = base.split("-");
  const from = value(low, scale);
  const open = stepText === undefined ? from : scale.max;
  const to = high === undefined ? open : value(high, scale);
  if (from === undefined || to === undefined || to < from || rest.length > 0) return undefined;
  return { from, to, step };
}

function value(text: string, { min, max, names }: Scale): number | undefined {
  const named = names?.indexOf(text) ?? -1;
  if (named >= 0) return named + min;
  const number = whole(text);
  return number !== undefined && number >= min && number <= max ? number : undefined;
}

function whole(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function parseDaysOfMonth(field: string): DayRule | undefined {
  const days: DayOfMonth[] = [];
  for (const item of field.split(",")) {
    const before = /^L-(\d{1,2})$/.exec(item)?.[1];
    const near = /^(\d{1,2})W$/.exec(item)?.[1];
    if (item === "L") days.push({ kind: "last", before: 0 });
    else if (item === "LW") days.push({ kind: "last-weekday" });
    else if (before !== undefined && Number(before) <= 30)
      days.push({ kind: "last", before: Number(before) });
    else if (near !== undefined) {
      const day = value(near, daysOfMonth);
      if (day === undefined) return undefined;
      days.push({ kind: "weekday-near", day });
    } else {
      const plain = numbers(item, daysOfMonth);
      if (!plain) return undefined;
      for (const day of plain) days.push({ kind: "day", day });
    }
  }
  return { kind: "of-month", days };
}

function parseDaysOfWeek(field: string): DayRule | undefined {
  const days: DayOfWeek[] = [];
  for (const item of field.split(",")) {
    const [dayText = "", nthText] = item.split("#");
    if (item === "L") days.push({ kind: "every", day: daysOfWeek.max });
    else if (nthText !== undefined) {
      const day = value(dayText, daysOfWeek);
      const nth = whole(nthText);
      if (day === undefined || nth === undefined || nth < 1 || nth > 5) return undefined;
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html: one only.
      if (field.includes(",")) return undefined;
      days.push({ kind: "nth", day, nth });
    } else if (item.endsWith("L")) {
      const day = value(item.slice(0, -1), daysOfWeek);
      if (day === undefined) return undefined;
      days.push({ kind: "last", day });
    } else {
      const plain = item.includes("/") ? undefined : numbers(item, daysOfWeek);
      if (!plain) return undefined;
      for (const day of plain) days.push({ kind: "every", day });
    }
  }
  return { kind: "of-week", days };
}
