import type { Handler } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import { sortBatch } from "../batches.ts";
import { columnsOf, textOf, toChunks, type Chunk } from "../chunks.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import {
  addUsage,
  appendChunks,
  storedBytesOf,
  expiredBeforeMs,
  uploadToken,
  type NewEvent,
} from "../events.ts";
import { loadGroup, loadStream, placeOf } from "../groups.ts";
import { packed } from "../packing.ts";

/**
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 * The chunks are made before the transaction, which may run several times; what the retention of the
 * group leaves of the batch is decided in it.
 */
export function putLogEvents({ store, clock }: LogsDeps): Handler<Logs, "PutLogEvents"> {
  return async (input, context) => {
    const place = placeOf(context);
    const nowMs = clock.nowMs();
    const events = input.logEvents.map(({ timestamp = 0, message = "" }) => ({
      timestampMs: timestamp,
      message,
    }));
    const look = (reader: Reader) => {
      const group = loadGroup(reader, place, input.logGroupName);
      const stream = loadStream(reader, group, input.logStreamName);
      const batch = sortBatch(events, { nowMs, expiredBeforeMs: expiredBeforeMs(group, nowMs) });
      return { group, stream, ...batch };
    };
    const expected = await store.read(look);
    const prepared = await packed(chunksOf(expected.accepted, nowMs));
    const { stream, rejected } = await store.write((tx) => {
      const now = look(tx);
      // Fewer or more when the retention has changed in between: then it is simply not packed.
      const isAsExpected = now.accepted.length === expected.accepted.length;
      const chunks = isAsExpected ? prepared : chunksOf(now.accepted, nowMs);
      if (chunks.length > 0) addUsage(tx, now.group.id, storedBytesOf(chunks));
      return { stream: appendChunks(tx, now, chunks, nowMs), rejected: now.rejected };
    });
    return {
      nextSequenceToken: uploadToken(stream),
      ...(Object.keys(rejected).length > 0 && { rejectedLogEventsInfo: rejected }),
      // Entities are not kept; the events are, which is also what AWS does with an entity it refuses.
      ...(input.entity && {
        rejectedEntityInfo: { errorType: "UnsupportedLogGroupType" as const },
      }),
    };
  };
}

function chunksOf(events: readonly NewEvent[], nowMs: number): Chunk[] {
  const times = events.map(({ timestampMs }) => timestampMs);
  const messages = events.map(({ message }) => message);
  return toChunks(columnsOf({ timesMs: times, ...textOf(messages) }, nowMs));
}
