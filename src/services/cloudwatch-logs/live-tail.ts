import type {
  LiveTailSessionLogEvent,
  StartLiveTailResponseStream,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Reader } from "#storage/storage.ts";
import type { LogsDeps } from "./deps.ts";
import { sessionTimeout } from "./errors.ts";
import type { FilterPattern } from "./filter-pattern/filter-pattern.ts";
import { findGroup, groupArn } from "./groups.ts";
import {
  tailScanEventsMax,
  tailSessionMsMax,
  tailStreamsMax,
  tailUpdateEventsMax,
  tailUpdateMs,
} from "./limits.ts";
import { readEvents } from "./read-events.ts";
import {
  endOfTime,
  keys,
  linkCodec,
  readRecord,
  streamCodec,
  type Place,
  type StreamRecord,
} from "./records.ts";

/** What a Live Tail session shows. */
export interface TailRequest {
  readonly place: Place;
  readonly groupNames: readonly string[];
  readonly isWanted: (streamName: string) => boolean;
  readonly isMatch: FilterPattern;
  /** The first event of the stream, as the caller is told what it gets. */
  readonly start: NonNullable<StartLiveTailResponseStream["sessionStart"]>;
}

/**
 * A session: its start, then once a second what was stored since, also when that is nothing. Works
 * on what is in the store, so it sees what other processes write. Ends when `signal` aborts or the
 * consumer stops, and with SessionTimeoutException after three hours.
 */
export async function* tailSession(
  deps: LogsDeps,
  request: TailRequest,
  signal: AbortSignal,
): AsyncGenerator<StartLiveTailResponseStream> {
  const startedMs = deps.clock.nowMs();
  const endMs = deps.clock.monotonicMs() + tailSessionMsMax;
  const seen = new Map<string, number>();
  await deps.flush();
  await deps.store.read((reader) => collect(reader, request, { seen, startedMs: Infinity }));
  yield { sessionStart: request.start };
  for (;;) {
    if (!(await pause(deps, signal))) return;
    if (deps.clock.monotonicMs() >= endMs) {
      throw sessionTimeout("The Live Tail session has been open for three hours.");
    }
    await deps.flush();
    const found = await deps.store.read((reader) => collect(reader, request, { seen, startedMs }));
    const sessionResults = sample(found);
    const sampled = sessionResults.length < found.length;
    yield { sessionUpdate: { sessionMetadata: { sampled }, sessionResults } };
  }
}

/**
 * False when the caller has gone. The deadline of the request was for its beginning: a session lives
 * on after it, and then ends when nobody reads it any more.
 */
async function pause(deps: LogsDeps, signal: AbortSignal): Promise<boolean> {
  const isDeadline = (): boolean =>
    signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  if (signal.aborted && isDeadline()) {
    await deps.clock.sleep(tailUpdateMs, new AbortController().signal);
    return true;
  }
  try {
    await deps.clock.sleep(tailUpdateMs, signal);
    return true;
  } catch {
    return isDeadline();
  }
}

interface Progress {
  /** Stream id to the sequence number its next event will have. Bounded by the streams looked at. */
  readonly seen: Map<string, number>;
  /** Of streams met for the first time, only what was stored since the session began. */
  readonly startedMs: number;
}

function collect(
  reader: Reader,
  request: TailRequest,
  progress: Progress,
): readonly LiveTailSessionLogEvent[] {
  const found: LiveTailSessionLogEvent[] = [];
  for (const groupName of request.groupNames) {
    const group = findGroup(reader, request.place, groupName);
    if (!group) continue;
    const newestFirst = { reverse: true, limit: tailStreamsMax };
    for (const { value } of reader.list(keys.recents(group.id), newestFirst)) {
      const { name } = linkCodec.decode(value);
      const stream = readRecord(reader, keys.stream(group.id, name), streamCodec);
      if (!stream || !request.isWanted(name)) continue;
      for (const event of newEvents(reader, stream, progress)) {
        if (!request.isMatch(event.message ?? "")) continue;
        found.push({ ...event, logGroupIdentifier: groupArn(request.place, groupName) });
      }
    }
  }
  return found.toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
}

/** Reads back from the end of the stream, where new events nearly always are. */
function newEvents(
  reader: Reader,
  stream: StreamRecord,
  { seen, startedMs }: Progress,
): readonly LiveTailSessionLogEvent[] {
  const known = seen.get(stream.id);
  seen.set(stream.id, stream.nextSequence);
  const from = known ?? 0;
  let missing = stream.nextSequence - from;
  if (missing === 0 || (known === undefined && (stream.lastIngestedMs ?? 0) < startedMs)) return [];
  const events: LiveTailSessionLogEvent[] = [];
  let looks = 0;
  const everything = { from: { ms: 0, sequence: 0 }, to: endOfTime };
  for (const event of readEvents(reader, stream, { ...everything, reverse: true })) {
    if (looks++ === tailScanEventsMax) break;
    if (event.sequence < from) continue;
    if (known !== undefined || event.ingestedAtMs >= startedMs) {
      events.push({
        logStreamName: stream.name,
        message: event.message,
        timestamp: event.ms,
        ingestionTime: event.ingestedAtMs,
      });
    }
    if (--missing === 0) break;
  }
  return events.toReversed();
}

/** Evenly spread, so that a burst does not hide what follows it. */
function sample(found: readonly LiveTailSessionLogEvent[]): LiveTailSessionLogEvent[] {
  if (found.length <= tailUpdateEventsMax) return [...found];
  const step = found.length / tailUpdateEventsMax;
  return found.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}
