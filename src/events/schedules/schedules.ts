import { parseCron } from "./cron-fields.ts";
import { nextOfCron } from "./cron-next.ts";
import { expressionCharactersMax } from "./limits.ts";
import { findZone } from "./zones.ts";

/** When something happens again and again, or once. */
export interface Schedule {
  readonly kind: "rate" | "cron" | "at";
  /**
   * The first time after `afterMs` (epoch milliseconds); undefined when there is none. A rate counts in
   * periods of 24-hour days from `anchorMs`, which is itself one of its times; nothing else looks at it.
   */
  next(afterMs: number, anchorMs: number): number | undefined;
}

const unitMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/**
 * `rate(5 minutes)`, `cron(0 12 ? * MON-FRI *)` or `at(2027-01-01T00:00:00)`, in an IANA time zone. Undefined
 * for what is none of them; each service has its own words for that. Sources:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html and
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
 */
export function parseSchedule(expression: string, timeZone = "UTC"): Schedule | undefined {
  if (expression.length > expressionCharactersMax) return undefined;
  const [, kind, inner = ""] = /^(rate|cron|at)\(([^()]*)\)$/.exec(expression) ?? [];
  if (kind === "rate") return parseRate(inner);
  const zone = findZone(timeZone);
  if (!zone) return undefined;
  if (kind === "cron") {
    const cron = parseCron(inner);
    return cron && { kind, next: (afterMs) => nextOfCron(cron, zone, afterMs) };
  }
  const localMs = kind === "at" ? parseLocal(inner) : undefined;
  if (localMs === undefined) return undefined;
  // Skipped as summer time begins: what the clock shows once it has been put forward.
  const onceMs = zone.instantMs(localMs) ?? zone.instantMs(localMs + unitMs.hour) ?? localMs;
  return { kind: "at", next: (afterMs) => (onceMs > afterMs ? onceMs : undefined) };
}

/** Whether the engine knows a time zone of that name. */
export function isTimeZone(name: string): boolean {
  return findZone(name) !== undefined;
}

/** One minute, but two minutes: the unit's number follows the value's. */
function parseRate(inner: string): Schedule | undefined {
  const [, text = "", unit, plural] =
    /^\s*([1-9]\d{0,8})\s+(minute|hour|day)(s?)\s*$/.exec(inner) ?? [];
  if (unit !== "minute" && unit !== "hour" && unit !== "day") return undefined;
  if ((text === "1") === (plural === "s")) return undefined;
  const periodMs = Number(text) * unitMs[unit];
  return {
    kind: "rate",
    next(afterMs, anchorMs) {
      if (afterMs < anchorMs) return anchorMs;
      return anchorMs + (Math.floor((afterMs - anchorMs) / periodMs) + 1) * periodMs;
    },
  };
}

function parseLocal(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(text)) return undefined;
  const localMs = Date.parse(`${text}Z`);
  // The engine reads the 31st of February as the 3rd of March.
  if (Number.isNaN(localMs) || new Date(localMs).toISOString().slice(0, 19) !== text)
    return undefined;
  return localMs;
}

/** Who is told that something will be delivered to `targetArn` at `atMs`, by the services' clock. */
export type Foresight = (targetArn: string, atMs: number) => void;

export { createDueTimes, dueAgainMs, type Due, type DueTimes } from "./due-times.ts";
