import type { TelemetryEvent } from "../runtimes.ts";
import type { Subscription, TelemetryType } from "./subscription.ts";

/**
 * An event in the form its subscriber asked for, as JSON; undefined where it did not ask for it, or
 * its schema has no such event. Pure. Shapes:
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and, for logs,
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
 */
export function renderEvent(
  event: TelemetryEvent,
  subscription: Pick<Subscription, "api" | "schemaVersion" | "types">,
): string | undefined {
  if (!subscription.types.includes(typeOf(event))) return undefined;
  const { api, schemaVersion } = subscription;
  const shown = api === "logs" ? asLogs(event, schemaVersion) : asTelemetry(event, schemaVersion);
  return shown && JSON.stringify({ time: shown.time, type: shown.type, record: shown.record });
}

function typeOf(event: TelemetryEvent): TelemetryType {
  return event.type === "function" || event.type === "extension" ? event.type : "platform";
}

/** A line that is a JSON object, from a function that logs JSON, is embedded since 2022-12-13. */
function asTelemetry(event: TelemetryEvent, schemaVersion: string): TelemetryEvent | undefined {
  if (event.type === "platform.end" || event.type === "platform.logsSubscription") return undefined;
  const isLine = event.type === "function" || event.type === "extension";
  if (!isLine || event.isJson !== true || schemaVersion < "2022-12-13") return event;
  return { ...event, record: embedded(event.record) };
}

function embedded(line: unknown): unknown {
  try {
    const value: unknown = JSON.parse(String(line));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : line;
  } catch {
    return line;
  }
}

/** The Logs API knows no init and has an END. */
function asLogs(event: TelemetryEvent, schemaVersion: string): TelemetryEvent | undefined {
  if (event.type.startsWith("platform.init")) return undefined;
  if (event.type === "platform.telemetrySubscription") return undefined;
  const record = event.record as Readonly<Record<string, unknown>>; // platform records are objects of ours
  if (event.type === "platform.runtimeDone") {
    if (schemaVersion < "2021-03-18") return undefined;
    return { ...event, record: { requestId: record["requestId"], status: record["status"] } };
  }
  if (event.type === "platform.start") {
    return { ...event, record: { requestId: record["requestId"], version: record["version"] } };
  }
  if (event.type === "platform.report") {
    return { ...event, record: { requestId: record["requestId"], metrics: record["metrics"] } };
  }
  return event;
}
