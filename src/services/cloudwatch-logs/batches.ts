import { invalidParameter } from "./errors.ts";
import { eventBytes, type NewEvent } from "./events.ts";
import { batchBytesMax, batchSpanMsMax, eventAgeMsMax, eventAheadMsMax } from "./limits.ts";

/**
 * Which events of a PutLogEvents batch are kept, as a pure rule. Throws InvalidParameterException for
 * what fails the whole batch.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
export interface SortedBatch {
  readonly accepted: readonly NewEvent[];
  readonly rejected: {
    /** Index behind the last event that is older than the retention of the group. */
    readonly expiredLogEventEndIndex?: number;
    /** Index behind the last event that is older than 14 days. */
    readonly tooOldLogEventEndIndex?: number;
    /** Index of the first event more than two hours ahead. */
    readonly tooNewLogEventStartIndex?: number;
  };
}

export function sortBatch(
  events: readonly NewEvent[],
  time: { readonly nowMs: number; readonly expiredBeforeMs: number },
): SortedBatch {
  checkBytes(events);
  checkOrder(events);
  const oldestMs = time.nowMs - eventAgeMsMax;
  const newestMs = time.nowMs + eventAheadMsMax;
  const endOf = (limitMs: number): number =>
    events.findLastIndex((event) => event.timestampMs < limitMs) + 1;
  const tooOldEnd = endOf(oldestMs);
  const expiredEnd = endOf(time.expiredBeforeMs);
  const tooNewStart = events.findIndex((event) => event.timestampMs > newestMs);
  const accepted = events.slice(
    Math.max(tooOldEnd, expiredEnd),
    tooNewStart < 0 ? undefined : tooNewStart,
  );
  checkSpan(accepted);
  return {
    accepted,
    rejected: {
      ...(expiredEnd > 0 && { expiredLogEventEndIndex: expiredEnd }),
      ...(tooOldEnd > 0 && { tooOldLogEventEndIndex: tooOldEnd }),
      ...(tooNewStart >= 0 && { tooNewLogEventStartIndex: tooNewStart }),
    },
  };
}

function checkBytes(events: readonly NewEvent[]): void {
  let total = 0;
  for (const { message } of events) {
    const bytes = eventBytes(message);
    if (bytes > batchBytesMax) {
      throw invalidParameter(
        `Log event too large: ${bytes} bytes exceeds limit of ${batchBytesMax}`,
      );
    }
    total += bytes;
  }
  if (total > batchBytesMax) {
    throw invalidParameter(`Upload too large: ${total} bytes exceeds limit of ${batchBytesMax}`);
  }
}

function checkOrder(events: readonly NewEvent[]): void {
  let previousMs = 0;
  for (const { timestampMs } of events) {
    if (timestampMs < previousMs) {
      throw invalidParameter(
        "Log events in a single PutLogEvents request must be in chronological order.",
      );
    }
    previousMs = timestampMs;
  }
}

function checkSpan(accepted: readonly NewEvent[]): void {
  const firstMs = accepted[0]?.timestampMs ?? 0;
  const lastMs = accepted.at(-1)?.timestampMs ?? 0;
  if (lastMs - firstMs > batchSpanMsMax) {
    throw invalidParameter(
      "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    );
  }
}
