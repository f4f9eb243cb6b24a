import { compilePattern, matches } from "./pattern.ts";

/** Which records of a source an event source mapping wants. */
export interface FilterCriteria {
  /** `record` is one element of `Records` in the function's event. */
  matches(record: Readonly<Record<string, unknown>>): boolean;
}

/** The services whose records hold data of the sender's, and where. */
const opaque: Readonly<Record<string, readonly [string, "text" | "base64"][]>> = {
  "aws:sqs": [["body", "text"]],
  "aws:kinesis": [["data", "base64"]],
  "aws:kafka": [
    ["value", "base64"],
    ["key", "base64"],
  ],
  "aws:mq": [["data", "base64"]],
};

/**
 * Several patterns, of which one must match; none at all lets everything through. A sender's data is
 * looked into when it is JSON and is text otherwise, so a pattern for the one form drops the other
 * (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html). Items of tables are matched
 * with their types, as they stand in the record. Throws `PatternError`.
 */
export function compileFilterCriteria(patterns: readonly string[]): FilterCriteria {
  const compiled = patterns.map((pattern) => compilePattern(pattern));
  return {
    matches(record) {
      if (compiled.length === 0) return true;
      const view = filterView(record);
      return compiled.some((pattern) => matches(pattern, view));
    },
  };
}

function filterView(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const source = record["eventSource"];
  const members = typeof source === "string" && Object.hasOwn(opaque, source) ? opaque[source] : [];
  // The data of a stream's record lies in an object of its own, and is asked about without it.
  const inner = record["kinesis"];
  const view: Record<string, unknown> = { ...record };
  if (typeof inner === "object" && inner !== null) Object.assign(view, inner);
  for (const [name, coding] of members ?? []) {
    const data = view[name];
    if (typeof data !== "string") continue;
    const text = coding === "text" ? data : Buffer.from(data, "base64").toString();
    view[name] = looked(text);
  }
  return view;
}

function looked(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
