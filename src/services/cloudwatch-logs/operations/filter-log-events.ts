import type { FilteredLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import type { Handler, OperationInput } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { invalidParameter } from "../errors.ts";
import { eventBytes, eventId, expiredBeforeMs } from "../events.ts";
import { compileFilterPattern, type FilterPattern } from "../filter-pattern/filter-pattern.ts";
import { groupNameOf, loadGroup, loadStream, placeOf } from "../groups.ts";
import { pageBytesMax, pageEventsMax, scanChunkEvents, scannedEventsMax } from "../limits.ts";
import { mergeStreams, type MergePosition, type StreamEvent } from "../merge.ts";
import { invalidToken } from "../pages.ts";
import { keys, streamCodec, type GroupRecord, type Place, type StreamRecord } from "../records.ts";

/**
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 * Looks at a bounded number of events per call: a page may be empty and still have a next token, as
 * the reference allows.
 */
export function filterLogEvents(deps: LogsDeps): Handler<Logs, "FilterLogEvents"> {
  return async (input, context) => {
    const place = placeOf(context);
    const groupName = groupNameOf(place, input);
    const isMatch = patternOf(input.filterPattern);
    if (input.logStreamNames !== undefined && input.logStreamNamePrefix !== undefined) {
      throw invalidParameter(
        "LogStreamNames and LogStreamNamePrefix cannot be specified at the same time.",
      );
    }
    await deps.flush();
    const scan: Scan = {
      place,
      groupName,
      input,
      isMatch,
      found: [],
      foundBytes: 0,
      scannedCount: 0,
      after: input.nextToken === undefined ? undefined : readToken(input.nextToken),
    };
    while ((await scanChunk(deps, scan)) === "more") context.signal.throwIfAborted();
    return {
      events: scan.found,
      searchedLogStreams: [],
      ...(scan.isCut === true && scan.after && { nextToken: writeToken(scan.after) }),
    };
  };
}

/** Throws InvalidParameterException. */
export function patternOf(text: string | undefined): FilterPattern {
  const pattern = compileFilterPattern(text ?? "");
  if (pattern) return pattern;
  throw invalidParameter("Invalid filter pattern");
}

/** One call's progress; the only mutable thing in it. */
interface Scan {
  readonly place: Place;
  readonly groupName: string;
  readonly input: OperationInput<Logs, "FilterLogEvents">;
  readonly isMatch: FilterPattern;
  readonly found: FilteredLogEvent[];
  foundBytes: number;
  scannedCount: number;
  /** The last event looked at. */
  after: MergePosition | undefined;
  /** There may be more events behind `after`. */
  isCut?: boolean;
}

/** Looks at some events in one snapshot. */
async function scanChunk(deps: LogsDeps, scan: Scan): Promise<"more" | "done"> {
  return deps.store.read((reader) => {
    const group = loadGroup(reader, scan.place, scan.groupName);
    const fromMs = Math.max(
      scan.input.startTime ?? 0,
      expiredBeforeMs(group, deps.expiryClock.nowMs()),
    );
    const toMs = endMs(scan.input.endTime);
    const streams = streamsOf(reader, group, scan.input);
    const window = { fromMs, toMs, after: scan.after };
    let chunkCount = 0;
    for (const event of mergeStreams(reader, streams, window)) {
      if (isFull(scan, event)) {
        scan.isCut = true;
        return "done";
      }
      if (chunkCount === scanChunkEvents) return "more";
      chunkCount++;
      take(scan, event);
    }
    return "done";
  });
}

/** Inclusive here, unlike in GetLogEvents: only events later than the end are left out. */
function endMs(endTime: number | undefined): number {
  return endTime === undefined ? Number.MAX_SAFE_INTEGER : endTime + 1;
}

function isFull(scan: Scan, next: StreamEvent): boolean {
  if (scan.scannedCount >= scannedEventsMax) return true;
  if (scan.found.length >= (scan.input.limit ?? pageEventsMax)) return true;
  return scan.found.length > 0 && scan.foundBytes + eventBytes(next.message) > pageBytesMax;
}

function take(scan: Scan, event: StreamEvent): void {
  const { ms, sequence, stream, message } = event;
  scan.scannedCount++;
  scan.after = { ms, sequence, streamName: stream.name };
  if (!scan.isMatch(message)) return;
  scan.foundBytes += eventBytes(message);
  scan.found.push({
    logStreamName: stream.name,
    timestamp: ms,
    message,
    ingestionTime: event.ingestedAtMs,
    eventId: eventId(stream.id, event),
  });
}

function streamsOf(
  reader: Reader,
  group: GroupRecord,
  input: OperationInput<Logs, "FilterLogEvents">,
): readonly StreamRecord[] {
  const { logStreamNames: names, logStreamNamePrefix: prefix } = input;
  if (names) return [...new Set(names)].map((name) => loadStream(reader, group, name));
  const streams: StreamRecord[] = [];
  for (const { value } of reader.list(keys.streams(group.id))) {
    const stream = streamCodec.decode(value);
    if (prefix === undefined || stream.name.startsWith(prefix)) streams.push(stream);
  }
  return streams;
}

function writeToken({ ms, sequence, streamName }: MergePosition): string {
  return Buffer.from(JSON.stringify([ms, sequence, streamName])).toString("base64url");
}

function readToken(text: string): MergePosition {
  const parts = parse(text);
  const [ms, sequence, streamName] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (!isCount(ms) || !isCount(sequence) || typeof streamName !== "string") throw invalidToken();
  return { ms, sequence, streamName };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
