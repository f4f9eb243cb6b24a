import type { Handler } from "#protocol/service/service.ts";
import { keyAfter } from "#storage/keys.ts";
import { streamCodec, streamKeys, type StreamDescription } from "../stream-records.ts";
import { placeAsked, type DynamoDbStreams, type StreamsDeps } from "../streams/deps.ts";
import { streamsPageMax } from "../streams/limits.ts";
import { streamArn } from "../streams/names.ts";

/** Also of streams that were disabled less than a day ago. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html */
export function listStreams({ store }: StreamsDeps): Handler<DynamoDbStreams, "ListStreams"> {
  return async (input, context) => {
    const { TableName, ExclusiveStartStreamArn: startArn, Limit = streamsPageMax } = input;
    const all = streamKeys.streams(context.principal.accountId, context.region);
    const place = startArn === undefined ? undefined : placeAsked(startArn, context);
    const start = place ? keyAfter(streamKeys.stream(place)) : all.start;
    const streams: StreamDescription[] = [];
    const isCut = await store.read((reader) => {
      for (const { value } of reader.list({ ...all, start })) {
        const stream = streamCodec.decode(value);
        if (TableName !== undefined && stream.tableName !== TableName) continue;
        if (streams.length === Limit) return true;
        streams.push(stream);
      }
      return false;
    });
    const last = isCut ? streams.at(-1) : undefined;
    return {
      Streams: streams.map((stream) => ({
        StreamArn: streamArn(stream),
        TableName: stream.tableName,
        StreamLabel: stream.label,
      })),
      ...(last && { LastEvaluatedStreamArn: streamArn(last) }),
    };
  };
}
