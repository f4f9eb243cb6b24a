import type { SourceRecord } from "../events.ts";
import { windowStateBytesMax } from "../limits.ts";

/** An open tumbling window of a shard, with what the function has made of it so far. */
export interface WindowState {
  readonly startMs: number;
  readonly endMs: number;
  /** JSON. */
  readonly state: string;
}

/** The window a moment lies in. */
export function windowAt(ms: number, lengthMs: number): WindowState {
  const startMs = Math.floor(ms / lengthMs) * lengthMs;
  return { startMs, endMs: startMs + lengthMs, state: "{}" };
}

/**
 * How many of the records, from the first, belong to the window: late ones too, since a window that
 * has been closed is not opened again.
 */
export function countInWindow(window: WindowState, records: readonly SourceRecord[]): number {
  const at = records.findIndex((record) => record.sentMs >= window.endMs);
  return at < 0 ? records.length : at;
}

/** What a function sees of its window (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html). */
export function windowFields(
  window: WindowState,
  about: {
    readonly shardId: string;
    readonly sourceArn: string;
    readonly isFinal: boolean;
    readonly isEarly: boolean;
  },
): Readonly<Record<string, unknown>> {
  return {
    window: {
      start: new Date(window.startMs).toISOString().replace(".000Z", "Z"),
      end: new Date(window.endMs).toISOString().replace(".000Z", "Z"),
    },
    state: JSON.parse(window.state) as unknown, // written by readWindowState below
    shardId: about.shardId,
    eventSourceARN: about.sourceArn,
    isFinalInvokeForWindow: about.isFinal,
    isWindowTerminatedEarly: about.isEarly,
  };
}

/** The state a function returned; an empty one if it returned none, and how many bytes it has. */
export function readWindowState(payload: Uint8Array): {
  readonly state: string;
  readonly isTooLarge: boolean;
} {
  let state = "{}";
  try {
    const answer: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    if (typeof answer === "object" && answer !== null && "state" in answer)
      state = JSON.stringify(answer.state ?? {});
  } catch {
    // An answer that is no JSON has no state.
  }
  return { state, isTooLarge: Buffer.byteLength(state) > windowStateBytesMax };
}
