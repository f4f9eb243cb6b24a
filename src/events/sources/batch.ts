import type { TraceContext } from "#base/context.ts";
import type { SourceRecord } from "../events.ts";
import { batchBytesMax, batchEnvelopeBytes } from "../limits.ts";

/** Bytes of records that one event has room for. */
export const recordBytesMax = batchBytesMax - batchEnvelopeBytes;

/** Records on their way into one event. */
export interface Gathering {
  readonly records: readonly SourceRecord[];
  readonly byteCount: number;
}

export const nothingGathered: Gathering = { records: [], byteCount: 0 };

/** Adds records in order while they fit; what does not is `rest`, from the first that did not. */
export function gather(
  before: Gathering,
  added: readonly SourceRecord[],
  countMax: number,
): { readonly gathering: Gathering; readonly rest: readonly SourceRecord[] } {
  let { byteCount } = before;
  let taken = 0;
  for (const record of added) {
    const bytes = record.byteCount + 1; // and the comma
    const isFirst = before.records.length + taken === 0;
    if (before.records.length + taken >= countMax) break;
    if (!isFirst && byteCount + bytes > recordBytesMax) break;
    byteCount += bytes;
    taken++;
  }
  return {
    gathering: { records: [...before.records, ...added.slice(0, taken)], byteCount },
    rest: added.slice(taken),
  };
}

/** Nothing more goes into it. */
export function isFull(gathering: Gathering, countMax: number): boolean {
  return gathering.records.length >= countMax || gathering.byteCount >= recordBytesMax;
}

/** The event a function is called with. */
export function eventOf(
  records: readonly SourceRecord[],
  more: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  return Buffer.from(JSON.stringify({ Records: records.map((record) => record.value), ...more }));
}

/** A batch hangs in the trace of its first record that has one; it counts as far along as the farthest. */
export function traceOf(records: readonly SourceRecord[]): TraceContext | undefined {
  let trace: TraceContext | undefined;
  let hops = 0;
  for (const record of records) {
    trace ??= record.trace;
    hops = Math.max(hops, record.trace?.hops ?? 0);
  }
  return trace && { ...trace, hops };
}
