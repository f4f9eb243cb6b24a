import type { Handler } from "#protocol/service/service.ts";
import { placeAsked, type DynamoDbStreams, type StreamsDeps } from "../streams/deps.ts";
import { shardNotFound, streamNotFound, trimmed } from "../streams/errors.ts";
import { readIterator, writeIterator } from "../streams/iterators.ts";
import { recordBytesMax, recordsMax } from "../streams/limits.ts";
import { streamArn } from "../streams/names.ts";
import {
  endOfShard,
  findShard,
  firstRetained,
  readRecords,
  readStream,
} from "../streams/reading.ts";
import { recordOf } from "../streams/record-views.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html */
export function getRecords(deps: StreamsDeps): Handler<DynamoDbStreams, "GetRecords"> {
  return async (input, context) => {
    const nowMs = deps.clock.nowMs();
    const iterator = readIterator(input.ShardIterator, nowMs);
    const arn = streamArn(iterator.place);
    const place = placeAsked(arn, context);
    return deps.store.read((reader) => {
      const state = readStream(reader, place);
      if (!state) throw streamNotFound(arn);
      const shard = findShard(state.head, iterator.shardId);
      if (!shard) throw shardNotFound(iterator.shardId, arn);
      const end = endOfShard(shard, state.head);
      const { position } = iterator;
      if (position < end && position < firstRetained(reader, state, nowMs)) throw trimmed();
      const limits = { limit: input.Limit ?? recordsMax, bytesMax: recordBytesMax };
      const page = readRecords(reader, state, { ...limits, shard, position });
      const isOver = shard.last !== undefined && page.next >= end;
      return {
        Records: page.records.map((record) => recordOf(state.stream, record)),
        ...(!isOver && {
          NextShardIterator: writeIterator({ ...iterator, position: page.next }, nowMs),
        }),
      };
    });
  };
}
