import { uuid } from "#base/ids.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { invalidParameter, limitExceeded } from "../errors.ts";
import { groupArn, loadGroup, nameOfIdentifier, placeOf } from "../groups.ts";
import { tailSessionsMax } from "../limits.ts";
import { tailSession } from "../live-tail.ts";
import { patternOf } from "./filter-log-events.ts";

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html */
export function startLiveTail(deps: LogsDeps): Handler<Logs, "StartLiveTail"> {
  const openCounts = new Map<string, number>();

  async function* counted<T>(accountId: string, session: AsyncIterable<T>): AsyncGenerator<T> {
    openCounts.set(accountId, (openCounts.get(accountId) ?? 0) + 1);
    try {
      yield* session;
    } finally {
      const left = (openCounts.get(accountId) ?? 1) - 1;
      if (left > 0) openCounts.set(accountId, left);
      else openCounts.delete(accountId);
    }
  }

  return async (input, context) => {
    const place = placeOf(context);
    const { logStreamNames: names, logStreamNamePrefixes: prefixes } = input;
    const groupNames = input.logGroupIdentifiers.map((one) => nameOfIdentifier(place, one));
    if (names && prefixes) {
      throw invalidParameter(
        "LogStreamNames and LogStreamNamePrefixes cannot be specified at the same time.",
      );
    }
    if ((names ?? prefixes) && groupNames.length > 1) {
      throw invalidParameter(
        "Log streams can be specified only together with exactly one log group.",
      );
    }
    const isMatch = patternOf(input.logEventFilterPattern);
    if ((openCounts.get(place.accountId) ?? 0) >= tailSessionsMax) {
      throw limitExceeded(`You have reached the limit of ${tailSessionsMax} Live Tail sessions.`);
    }
    await deps.store.read((reader) => {
      for (const name of groupNames) loadGroup(reader, place, name);
    });
    const isWanted = (streamName: string): boolean => {
      if (names) return names.includes(streamName);
      return !prefixes || prefixes.some((prefix) => streamName.startsWith(prefix));
    };
    const start = {
      requestId: context.requestId,
      sessionId: uuid(deps.random),
      logGroupIdentifiers: groupNames.map((name) => groupArn(place, name)),
      logStreamNames: names ?? [],
      logStreamNamePrefixes: prefixes ?? [],
      logEventFilterPattern: input.logEventFilterPattern ?? "",
    };
    const request = { place, groupNames, isWanted, isMatch, start };
    const session = tailSession(deps, request, context.signal);
    return { responseStream: counted(place.accountId, session) };
  };
}
