import type { TraceContext } from "#base/context.ts";
import type { Home } from "./records.ts";

/** An event as rules see it, and as targets get it: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
export interface BusEvent {
  readonly id: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** `value` as JSON. */
  readonly text: string;
  readonly timeMs: number;
  readonly trace: TraceContext | undefined;
}

/** `detail` is JSON of an object. */
export function makeEvent(
  { accountId, region }: Home,
  event: {
    readonly id: string;
    readonly source: string;
    readonly detailType: string;
    readonly detail: object;
    readonly resources: readonly string[];
    readonly timeMs: number;
    readonly trace: TraceContext | undefined;
  },
): BusEvent {
  const value = {
    version: "0",
    id: event.id,
    "detail-type": event.detailType,
    source: event.source,
    account: accountId,
    time: timeText(event.timeMs),
    region,
    resources: event.resources,
    detail: event.detail,
  };
  const { id, timeMs, trace } = event;
  return { id, value, text: JSON.stringify(value), timeMs, trace };
}

/** To the second, as in events. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** An event that was stored or delivered as JSON; undefined for what is none. */
export function readEventText(text: string, trace: TraceContext | undefined): BusEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const value = parsed as Record<string, unknown>; // an object, by the line above
  const { id, source, detail, time } = value;
  if (typeof id !== "string" || typeof source !== "string") return undefined;
  if (typeof value["detail-type"] !== "string" || typeof detail !== "object") return undefined;
  const timeMs = typeof time === "string" ? Date.parse(time) : NaN;
  return { id, value, text, timeMs: Number.isNaN(timeMs) ? 0 : timeMs, trace };
}
