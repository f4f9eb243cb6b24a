import type { Handler } from "#protocol/service/service.ts";
import { sortBatch } from "../batches.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { appendEvents, expiredBeforeMs, uploadToken } from "../events.ts";
import { loadGroup, loadStream, placeOf } from "../groups.ts";

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
export function putLogEvents({ store, clock }: LogsDeps): Handler<Logs, "PutLogEvents"> {
  return async (input, context) => {
    const place = placeOf(context);
    const nowMs = clock.nowMs();
    const events = input.logEvents.map(({ timestamp = 0, message = "" }) => ({
      timestampMs: timestamp,
      message,
    }));
    const { stream, rejected } = await store.write((tx) => {
      const group = loadGroup(tx, place, input.logGroupName);
      const stream = loadStream(tx, group, input.logStreamName);
      const batch = sortBatch(events, { nowMs, expiredBeforeMs: expiredBeforeMs(group, nowMs) });
      return {
        stream: appendEvents(tx, { group, stream }, batch.accepted, nowMs),
        rejected: batch.rejected,
      };
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
