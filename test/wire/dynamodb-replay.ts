import assert from "node:assert/strict";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";

type Item = Record<string, AttributeValue>;

/** A table as its stream tells it, from the first record on and through any number of servers. */
export interface Replay {
  readonly items: Map<string, Item>;
  /** Sequence number of the last record that was read. */
  last: string | undefined;
}

export function createReplay(): Replay {
  return { items: new Map(), last: undefined };
}

/**
 * Reads on to the end of the stream. Every record must begin where the one before it ended: its old image is the item
 * as it was told last.
 */
export async function readOn(
  streams: DynamoDBStreamsClient,
  replay: Replay,
  TableName: string,
): Promise<void> {
  const { Streams } = await streams.send(new ListStreamsCommand({ TableName }));
  const StreamArn = Streams?.[0]?.StreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  const start =
    replay.last === undefined
      ? { ShardIteratorType: "TRIM_HORIZON" as const }
      : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER" as const, SequenceNumber: replay.last };
  let { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ...start }),
  );
  for (;;) {
    const page = await streams.send(new GetRecordsCommand({ ShardIterator }));
    if (!page.Records?.length) return;
    for (const { dynamodb: change } of page.Records) {
      const id = change?.Keys?.["id"]?.S ?? "";
      assert.deepEqual(change?.OldImage, replay.items.get(id), `${id} goes on as it was`);
      if (change?.NewImage) replay.items.set(id, change.NewImage);
      else replay.items.delete(id);
      assert.ok((change?.SequenceNumber ?? "") > (replay.last ?? ""), "records are in order");
      replay.last = change?.SequenceNumber;
    }
    ShardIterator = page.NextShardIterator;
  }
}
