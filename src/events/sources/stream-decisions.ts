import type { SourceRecord, SourceShard } from "../events.ts";
import type { ItemFailures } from "./item-failures.ts";
import type { CallResult, StreamSettings } from "./sources.ts";

/** Consecutive records of a shard that are to be worked on together, and how often that has failed. */
export interface Work {
  readonly records: readonly SourceRecord[];
  /** Times the function has failed with them. */
  readonly failures: number;
  /** Times they could not reach the function since it was last tried. */
  readonly setbacks: number;
  /** What the function last said. */
  readonly last?: CallResult;
}

/** Records that are given up, and why; for the on-failure destination. */
export interface Discarded {
  readonly records: readonly SourceRecord[];
  readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  readonly failures: number;
  readonly last: CallResult | undefined;
}

export interface Decision {
  /** In order; the first is worked on next. */
  readonly next: readonly Work[];
  readonly discarded?: Discarded;
  /** A pause comes before the next try. */
  readonly pauses: boolean;
}

export const firstWork = (records: readonly SourceRecord[]): Work => ({
  records,
  failures: 0,
  setbacks: 0,
});

/** Takes out what has become too old to be tried. */
export function dropOld(
  work: Work,
  settings: StreamSettings,
  nowMs: number,
): { readonly work: Work; readonly discarded?: Discarded } {
  const isOld = (record: SourceRecord): boolean => nowMs - record.sentMs > settings.ageMaxMs;
  const old = work.records.filter(isOld);
  if (old.length === 0) return { work };
  return {
    work: { ...work, records: work.records.filter((record) => !isOld(record)) },
    discarded: {
      records: old,
      condition: "RecordAgeExceeded",
      failures: work.failures,
      last: work.last,
    },
  };
}

/**
 * What follows from one call. Reported failures are a checkpoint: the lowest one and all behind it are
 * tried again. A failed batch is split where the mapping says so, which is not counted, or tried again
 * until its retries are used up; what has not reached the function is tried again without being counted
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
 */
export function decideWork(
  work: Work,
  answer: { readonly result: CallResult; readonly failed: ItemFailures },
  settings: Pick<StreamSettings, "bisects" | "retriesMax">,
): Decision {
  const { result, failed } = answer;
  const { records } = work;
  if (result.kind === "throttled" || result.kind === "trouble")
    return { next: [{ ...work, setbacks: work.setbacks + 1, last: result }], pauses: true };
  if (failed.kind === "none") return { next: [], pauses: false };
  const firstFailed =
    failed.kind === "some" ? records.findIndex((record) => failed.ids.has(record.id)) : 0;
  const left = { ...work, records: records.slice(firstFailed), setbacks: 0, last: result };
  if (settings.bisects && firstFailed === 0 && records.length > 1) {
    const middle = Math.ceil(records.length / 2);
    const halves = [records.slice(0, middle), records.slice(middle)];
    return { next: halves.map((half) => ({ ...left, records: half })), pauses: true };
  }
  const failures = work.failures + 1;
  if (failures <= settings.retriesMax) return { next: [{ ...left, failures }], pauses: true };
  const discarded = {
    records: left.records,
    condition: "RetryAttemptsExhausted",
    failures,
    last: result,
  } as const;
  return { next: [], discarded, pauses: false };
}

/** Lanes for records with the same key each, in the order they came. */
export function splitByKey(
  records: readonly SourceRecord[],
  laneCount: number,
): readonly (readonly SourceRecord[])[] {
  if (laneCount === 1) return records.length === 0 ? [] : [records];
  const lanes: SourceRecord[][] = Array.from({ length: laneCount }, () => []);
  for (const record of records) lanes[hashOf(record.group ?? record.id) % laneCount]?.push(record);
  return lanes.filter((lane) => lane.length > 0);
}

/** FNV-1a over UTF-16 code units: only has to spread keys over a few lanes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** Shards that may be read now: their parents have been read to the end, or are no longer kept. */
export function readableShards(
  shards: readonly SourceShard[],
  isDone: (shardId: string) => boolean,
): readonly SourceShard[] {
  const known = new Set(shards.map((shard) => shard.id));
  return shards.filter(
    ({ id, parentId }) =>
      !isDone(id) && (parentId === undefined || !known.has(parentId) || isDone(parentId)),
  );
}
