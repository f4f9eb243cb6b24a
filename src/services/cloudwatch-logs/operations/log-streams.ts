import {
  CreateLogStream$,
  DeleteLogStream$,
  DescribeLogStreams$,
  type LogStream,
} from "@aws-sdk/client-cloudwatch-logs";
import type { Handler, OperationTable } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Logs, LogsDeps } from "../deps.ts";
import { alreadyExists, invalidParameter, validationException } from "../errors.ts";
import { uploadToken } from "../events.ts";
import {
  createStream,
  deleteStream,
  groupArn,
  groupNameOf,
  loadGroup,
  loadStream,
  placeOf,
} from "../groups.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import {
  keys,
  linkCodec,
  readRecord,
  streamCodec,
  type GroupRecord,
  type Place,
  type StreamRecord,
} from "../records.ts";

/** Log streams: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html and its neighbours. */
export function logStreamOperations(deps: LogsDeps): OperationTable<Logs> {
  return {
    CreateLogStream: [CreateLogStream$, create(deps)],
    DescribeLogStreams: [DescribeLogStreams$, describe(deps)],
    DeleteLogStream: [DeleteLogStream$, remove(deps)],
  };
}

function create({ store, clock, random }: LogsDeps): Handler<Logs, "CreateLogStream"> {
  return async (input, context) => {
    const place = placeOf(context);
    const createdAtMs = clock.nowMs();
    await store.write((tx) => {
      const group = loadGroup(tx, place, input.logGroupName);
      if (readRecord(tx, keys.stream(group.id, input.logStreamName), streamCodec)) {
        throw alreadyExists("The specified log stream already exists");
      }
      createStream(tx, group, { name: input.logStreamName, createdAtMs }, random);
    });
    return {};
  };
}

function describe({ store, flush }: LogsDeps): Handler<Logs, "DescribeLogStreams"> {
  return async (input, context) => {
    const place = placeOf(context);
    const { logStreamNamePrefix: prefix } = input;
    const isByTime = input.orderBy === "LastEventTime";
    if (isByTime && prefix !== undefined) {
      throw invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    const groupName = groupNameOf(place, input);
    await flush();
    const page = await store.read((reader) => {
      const group = loadGroup(reader, place, groupName);
      const range = isByTime ? keys.recents(group.id) : keys.streams(group.id);
      return pageOfRange(reader, range, {
        ...input,
        read: ({ value }) => {
          const stream = isByTime
            ? linked(reader, group, linkCodec.decode(value).name)
            : streamCodec.decode(value);
          if (!stream || (prefix !== undefined && !stream.name.startsWith(prefix))) {
            return undefined;
          }
          return shapeOf(place, group, stream);
        },
      });
    });
    return { logStreams: [...page.items], ...pageEnd(page) };
  };
}

function linked(reader: Reader, group: GroupRecord, name: string): StreamRecord | undefined {
  return readRecord(reader, keys.stream(group.id, name), streamCodec);
}

function shapeOf(place: Place, group: GroupRecord, stream: StreamRecord): LogStream {
  const { firstEventMs, lastEventMs, lastIngestedMs } = stream;
  return {
    logStreamName: stream.name,
    creationTime: stream.createdAtMs,
    ...(firstEventMs !== undefined && { firstEventTimestamp: firstEventMs }),
    ...(lastEventMs !== undefined && { lastEventTimestamp: lastEventMs }),
    ...(lastIngestedMs !== undefined && { lastIngestionTime: lastIngestedMs }),
    uploadSequenceToken: uploadToken(stream),
    arn: `${groupArn(place, group.name)}:log-stream:${stream.name}`,
    storedBytes: 0, // since June 2019 always zero, says the API reference
  };
}

function remove({ store, flush }: LogsDeps): Handler<Logs, "DeleteLogStream"> {
  return async (input, context) => {
    const place = placeOf(context);
    await flush(); // or lines from before would bring the stream back
    await store.write((tx) => {
      const group = loadGroup(tx, place, input.logGroupName);
      const stream = loadStream(tx, group, input.logStreamName);
      if (group.isDeletionProtected === true) {
        throw validationException(
          `Log stream ${stream.name} cannot be deleted because deletion protection is enabled.`,
        );
      }
      deleteStream(tx, group.id, stream);
    });
    return {};
  };
}
