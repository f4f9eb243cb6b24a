import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/context.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

const order: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/**
 * Writes one JSON object a line: `{"time":…,"level":…,"event":"environment.started",…}`.
 *
 * An event's level is its field `level` (default `info`): error means a person must act, warn means
 * degraded, info means a state changed, debug is for looking closely. Fields that are errors become
 * their name, code and message; the stack only at level `debug`, because stacks are for us.
 */
export function createLogger(deps: {
  readonly clock: Clock;
  readonly level: LogLevel;
  /** Receives whole lines with their newline. Must not throw. */
  readonly write: (line: string) => void;
}): Logger {
  const limit = order[deps.level];
  return {
    writes: (level) => order[level] <= limit,
    event(name, fields) {
      const level = (fields?.["level"] as LogLevel | undefined) ?? "info"; // callers use LogLevel; the field bag is untyped
      if ((order[level] ?? order.info) > limit) return;
      const record: Record<string, unknown> = {
        time: new Date(deps.clock.nowMs()).toISOString(),
        level,
        event: name,
      };
      for (const [key, value] of Object.entries(fields ?? {})) {
        if (key !== "level")
          record[key] = value instanceof Error ? describeError(value, limit) : value;
      }
      deps.write(`${toJson(record)}\n`);
    },
  };
}

function describeError(error: Error, limit: number): Record<string, unknown> {
  const code = "code" in error ? error.code : undefined;
  return {
    name: error.name,
    ...(code !== undefined && { code }),
    message: error.message,
    ...(limit >= order.debug && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: describeError(error.cause, limit) }),
  };
}

/** A log line must never be the thing that fails: what JSON cannot express is named instead. */
function toJson(record: Record<string, unknown>): string {
  try {
    return JSON.stringify(record, (_key, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
  } catch {
    return JSON.stringify({ time: record["time"], level: "warn", event: "log.unserialisable" });
  }
}
