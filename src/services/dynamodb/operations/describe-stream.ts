import type { Shard as ShardView } from "@aws-sdk/client-dynamodb-streams";
import type { Handler } from "#protocol/service/service.ts";
import type { StreamHead } from "../stream-records.ts";
import { placeAsked, type DynamoDbStreams, type StreamsDeps } from "../streams/deps.ts";
import { streamNotFound } from "../streams/errors.ts";
import { shardsPageMax } from "../streams/limits.ts";
import { sequenceText, shardId } from "../streams/names.ts";
import { readStream } from "../streams/reading.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html */
export function describeStream({ store }: StreamsDeps): Handler<DynamoDbStreams, "DescribeStream"> {
  return async (input, context) => {
    const place = placeAsked(input.StreamArn, context);
    const state = await store.read((reader) => readStream(reader, place));
    if (!state) throw streamNotFound(input.StreamArn);
    const { stream, head } = state;
    const parent = input.ShardFilter?.ShardId;
    const wanted = shardViews(head).filter(
      ({ ShardId, ParentShardId }) =>
        (parent === undefined || ParentShardId === parent) &&
        (ShardId ?? "") > (input.ExclusiveStartShardId ?? ""),
    );
    const page = wanted.slice(0, input.Limit ?? shardsPageMax);
    const last = page.length < wanted.length ? page.at(-1)?.ShardId : undefined;
    const { hash, range } = stream.keySchema;
    return {
      StreamDescription: {
        StreamArn: input.StreamArn,
        StreamLabel: stream.label,
        StreamStatus: stream.disabledMs === undefined ? "ENABLED" : "DISABLED",
        StreamViewType: stream.viewType,
        CreationRequestDateTime: new Date(stream.createdMs),
        TableName: stream.tableName,
        KeySchema: [
          { AttributeName: hash, KeyType: "HASH" as const },
          ...(range === undefined ? [] : [{ AttributeName: range, KeyType: "RANGE" as const }]),
        ],
        Shards: page,
        ...(last !== undefined && { LastEvaluatedShardId: last }),
      },
    };
  };
}

/** Oldest first, which is the order of their ids. */
function shardViews({ shards }: StreamHead): readonly ShardView[] {
  return shards.map((shard, at) => {
    const parent = shards[at - 1];
    return {
      ShardId: shardId(shard),
      SequenceNumberRange: {
        StartingSequenceNumber: sequenceText(shard.first),
        ...(shard.last !== undefined && { EndingSequenceNumber: sequenceText(shard.last) }),
      },
      ...(parent && { ParentShardId: shardId(parent) }),
    };
  });
}
