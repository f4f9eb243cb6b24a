import type { Handler, OperationInput } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Shard } from "../stream-records.ts";
import { placeAsked, type DynamoDbStreams, type StreamsDeps } from "../streams/deps.ts";
import { shardNotFound, streamNotFound, streamValidation, trimmed } from "../streams/errors.ts";
import { writeIterator } from "../streams/iterators.ts";
import { sequenceOf } from "../streams/names.ts";
import {
  endOfShard,
  findShard,
  firstRetained,
  readStream,
  type StreamState,
} from "../streams/reading.ts";

type Input = OperationInput<DynamoDbStreams, "GetShardIterator">;

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html */
export function getShardIterator(deps: StreamsDeps): Handler<DynamoDbStreams, "GetShardIterator"> {
  return async (input, context) => {
    const place = placeAsked(input.StreamArn, context);
    const nowMs = deps.clock.nowMs();
    const position = await deps.store.read((reader) => {
      const state = readStream(reader, place);
      if (!state) throw streamNotFound(input.StreamArn);
      const shard = findShard(state.head, input.ShardId);
      if (!shard) throw shardNotFound(input.ShardId, input.StreamArn);
      return positionOf(reader, state, { input, shard, nowMs });
    });
    return { ShardIterator: writeIterator({ place, shardId: input.ShardId, position }, nowMs) };
  };
}

function positionOf(
  reader: Reader,
  state: StreamState,
  asked: { readonly input: Input; readonly shard: Shard; readonly nowMs: number },
): number {
  const { input, shard, nowMs } = asked;
  const oldest = firstRetained(reader, state, nowMs);
  const end = endOfShard(shard, state.head);
  const type = input.ShardIteratorType;
  const isBySequence = type === "AT_SEQUENCE_NUMBER" || type === "AFTER_SEQUENCE_NUMBER";
  if (!isBySequence) {
    if (input.SequenceNumber !== undefined) {
      throw streamValidation(`SequenceNumber must not be specified for ShardIteratorType ${type}`);
    }
    return type === "LATEST" ? end : Math.max(shard.first, oldest);
  }
  const sequence =
    input.SequenceNumber === undefined ? undefined : sequenceOf(input.SequenceNumber);
  if (
    sequence === undefined ||
    sequence < shard.first ||
    sequence >= Math.max(end, shard.first + 1)
  ) {
    throw streamValidation(
      `Invalid SequenceNumber: ${input.SequenceNumber ?? "null"} is not in shard ${input.ShardId}`,
    );
  }
  if (sequence < oldest) throw trimmed();
  return type === "AT_SEQUENCE_NUMBER" ? sequence : sequence + 1;
}
