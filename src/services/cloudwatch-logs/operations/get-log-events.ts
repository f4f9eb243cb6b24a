import type { OutputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import type { Handler } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { eventBytes, expiredBeforeMs } from "../events.ts";
import { groupNameOf, loadGroup, loadStream, placeOf } from "../groups.ts";
import { pageBytesMax, pageEventsMax } from "../limits.ts";
import { invalidToken } from "../pages.ts";
import { readEvents } from "../read-events.ts";
import { endOfTime, type EventPosition, type StoredEvent, type StreamRecord } from "../records.ts";

/**
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
 * A token names a boundary between two events. `f/…` reads on from it, `b/…` reads what lies before
 * it; at either end of the stream the token that was passed comes back.
 */
export function getLogEvents({
  store,
  expiryClock,
  flush,
}: LogsDeps): Handler<Logs, "GetLogEvents"> {
  return async (input, context) => {
    const place = placeOf(context);
    const groupName = groupNameOf(place, input);
    const token = input.nextToken === undefined ? undefined : readToken(input.nextToken);
    await flush();
    const page = await store.read((reader) => {
      const group = loadGroup(reader, place, groupName);
      const stream = loadStream(reader, group, input.logStreamName);
      const startMs = Math.max(input.startTime ?? 0, expiredBeforeMs(group, expiryClock.nowMs()));
      return readPage(reader, {
        stream,
        from: { ms: startMs, sequence: 0 },
        to: input.endTime === undefined ? endOfTime : { ms: input.endTime, sequence: 0 },
        token,
        isForward: token ? token.isForward : input.startFromHead === true,
        limit: input.limit ?? pageEventsMax,
      });
    });
    return {
      events: page.events.map(shapeOf),
      nextForwardToken: writeToken("f", page.end),
      nextBackwardToken: writeToken("b", page.start),
    };
  };
}

interface Token {
  readonly isForward: boolean;
  readonly at: EventPosition;
}

interface PageQuery {
  readonly stream: StreamRecord;
  readonly from: EventPosition;
  readonly to: EventPosition;
  readonly token: Token | undefined;
  readonly isForward: boolean;
  readonly limit: number;
}

function readPage(
  reader: Reader,
  query: PageQuery,
): {
  readonly events: readonly StoredEvent[];
  readonly start: EventPosition;
  readonly end: EventPosition;
} {
  const { token, isForward } = query;
  const from = token && isForward ? later(query.from, token.at) : query.from;
  const to = token && !isForward ? earlier(query.to, token.at) : query.to;
  const events: StoredEvent[] = [];
  let bytes = 0;
  for (const event of readEvents(reader, query.stream, { from, to, reverse: !isForward })) {
    bytes += eventBytes(event.message);
    if (bytes > pageBytesMax && events.length > 0) break;
    events.push(event);
    if (events.length === query.limit) break;
  }
  if (!isForward) events.reverse();
  const [first] = events;
  const last = events.at(-1);
  const here = token?.at ?? query.from;
  return {
    events,
    start: first ?? here,
    end: last ? { ms: last.ms, sequence: last.sequence + 1 } : here,
  };
}

function compare(a: EventPosition, b: EventPosition): number {
  return a.ms - b.ms || a.sequence - b.sequence;
}

function later(a: EventPosition, b: EventPosition): EventPosition {
  return compare(a, b) > 0 ? a : b;
}

function earlier(a: EventPosition, b: EventPosition): EventPosition {
  return compare(a, b) < 0 ? a : b;
}

/** 56 digits between the slashes, as in the real tokens. */
function writeToken(direction: "f" | "b", { ms, sequence }: EventPosition): string {
  const digits = String(ms).padStart(16, "0") + String(sequence).padStart(40, "0");
  return `${direction}/${digits}/s`;
}

function readToken(text: string): Token {
  const found = /^([fb])\/(\d{16})(\d{40})\/s$/.exec(text);
  const ms = Number(found?.[2]);
  const sequence = Number(found?.[3]);
  if (!found || !Number.isSafeInteger(ms) || !Number.isSafeInteger(sequence)) throw invalidToken();
  return { isForward: found[1] === "f", at: { ms, sequence } };
}

function shapeOf(event: StoredEvent): OutputLogEvent {
  return { timestamp: event.ms, message: event.message, ingestionTime: event.ingestedAtMs };
}
