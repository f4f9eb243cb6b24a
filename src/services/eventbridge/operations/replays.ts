import {
  CancelReplay$,
  DescribeReplay$,
  ListReplays$,
  StartReplay$,
} from "@aws-sdk/client-eventbridge";
import type { Reader } from "#storage/storage.ts";
import { replayName } from "../archived.ts";
import type { EventBridgeDeps, EventBridgeHandler, EventBridgeRows } from "../deps.ts";
import { alreadyExists, illegalStatus, notFound, validationError } from "../errors.ts";
import { archiveArn, archiveNameOf, busArn, homeOf, replayArn } from "../names.ts";
import { page } from "../pages.ts";
import { archiveRecords, ranges, replayRecords, type Home, type ReplayRecord } from "../records.ts";

/** Replays: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html and its neighbours. */
export function replayOperations(deps: EventBridgeDeps): EventBridgeRows {
  return {
    StartReplay: [StartReplay$, startReplay(deps)],
    DescribeReplay: [DescribeReplay$, describeReplay(deps)],
    ListReplays: [ListReplays$, listReplays(deps)],
    CancelReplay: [CancelReplay$, cancelReplay(deps)],
  };
}

function startReplay({
  store,
  clock,
  dueTimes,
}: EventBridgeDeps): EventBridgeHandler<"StartReplay"> {
  return async (input, context) => {
    const home = homeOf(context);
    const { ReplayName, EventSourceArn, Destination, Description } = input;
    const [fromMs, toMs] = [input.EventStartTime.getTime(), input.EventEndTime.getTime()];
    if (fromMs >= toMs)
      throw validationError(
        "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
      );
    const archive = archiveNameOf(EventSourceArn);
    if (archive === undefined)
      throw validationError(
        "Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.",
      );
    const nowMs = clock.nowMs();
    await store.write((tx) => {
      const source = archiveRecords.read(tx, home, archive);
      if (!source)
        throw validationError(
          `Parameter EventSourceArn is not valid. Reason: Archive ${archive} does not exist.`,
        );
      if (Destination.Arn !== busArn({ ...home, bus: source.bus }))
        throw validationError(
          "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
        );
      if (replayRecords.read(tx, home, ReplayName))
        throw alreadyExists(`Replay ${ReplayName} already exists.`);
      replayRecords.save(tx, home, {
        name: ReplayName,
        archive,
        bus: source.bus,
        destinationArn: Destination.Arn,
        ruleArns: Destination.FilterArns ?? [],
        fromMs,
        toMs,
        state: "STARTING",
        startedMs: nowMs,
        ...(Description !== undefined && { description: Description }),
      });
      dueTimes.add(tx, { dueMs: nowMs, name: replayName(home, ReplayName) });
    });
    return {
      ReplayArn: replayArn(home, ReplayName),
      State: "STARTING",
      ReplayStartTime: new Date(nowMs),
    };
  };
}

function load(reader: Reader, home: Home, name: string): ReplayRecord {
  const found = replayRecords.read(reader, home, name);
  if (found) return found;
  throw notFound(`Replay ${name} does not exist.`);
}

function replayShape(home: Home, replay: ReplayRecord) {
  const { endedMs, lastReplayedMs } = replay;
  return {
    ReplayName: replay.name,
    EventSourceArn: archiveArn(home, replay.archive),
    State: replay.state,
    EventStartTime: new Date(replay.fromMs),
    EventEndTime: new Date(replay.toMs),
    ReplayStartTime: new Date(replay.startedMs),
    ...(endedMs !== undefined && { ReplayEndTime: new Date(endedMs) }),
    ...(lastReplayedMs !== undefined && { EventLastReplayedTime: new Date(lastReplayedMs) }),
  };
}

function describeReplay({ store }: EventBridgeDeps): EventBridgeHandler<"DescribeReplay"> {
  return async ({ ReplayName }, context) => {
    const home = homeOf(context);
    const replay = await store.read((reader) => load(reader, home, ReplayName));
    return {
      ...replayShape(home, replay),
      ReplayArn: replayArn(home, ReplayName),
      Destination: {
        Arn: replay.destinationArn,
        ...(replay.ruleArns.length > 0 && { FilterArns: [...replay.ruleArns] }),
      },
      ...(replay.description !== undefined && { Description: replay.description }),
    };
  };
}

function listReplays({ store }: EventBridgeDeps): EventBridgeHandler<"ListReplays"> {
  return async ({ NamePrefix = "", EventSourceArn, State, ...request }, context) => {
    const home = homeOf(context);
    return store.read((reader) => {
      const { items, ...rest } = page(reader, ranges.replays(home), {
        ...request,
        read: ({ value }) => {
          const shape = replayShape(home, replayRecords.decode(value));
          if (!shape.ReplayName.startsWith(NamePrefix)) return undefined;
          if (EventSourceArn !== undefined && shape.EventSourceArn !== EventSourceArn)
            return undefined;
          return State === undefined || State === shape.State ? shape : undefined;
        },
      });
      return { Replays: items, ...rest };
    });
  };
}

function cancelReplay({ store }: EventBridgeDeps): EventBridgeHandler<"CancelReplay"> {
  return async ({ ReplayName }, context) => {
    const home = homeOf(context);
    await store.write((tx) => {
      const replay = load(tx, home, ReplayName);
      if (replay.state !== "STARTING" && replay.state !== "RUNNING")
        throw illegalStatus(`Replay ${ReplayName} is not in a valid state for this operation.`);
      replayRecords.save(tx, home, { ...replay, state: "CANCELLING" });
    });
    return { ReplayArn: replayArn(home, ReplayName), State: "CANCELLING" };
  };
}
