import {
  DescribeStream$,
  GetRecords$,
  GetShardIterator$,
  ListStreams$,
} from "@aws-sdk/client-dynamodb-streams";
import { createConstraintCheck, type ConstraintTable } from "#protocol/constraints/constraints.ts";
import { defineService, type Service } from "#protocol/service/service.ts";
import { dynamodbWording } from "./constraints.ts";
import { describeStream } from "./operations/describe-stream.ts";
import { getRecords } from "./operations/get-records.ts";
import { getShardIterator } from "./operations/get-shard-iterator.ts";
import { listStreams } from "./operations/list-streams.ts";
import type { DynamoDbStreams, StreamsDeps } from "./streams/deps.ts";
import { recordsMax, shardsPageMax, streamsPageMax } from "./streams/limits.ts";

/** The table of DynamoDB Streams, which shares DynamoDB's folder because it shares its records. */
export function defineDynamodbStreams(deps: StreamsDeps): Service {
  const service = defineService<DynamoDbStreams>(
    {
      sdkId: "DynamoDB Streams",
      signingName: "dynamodb",
      endpointPrefix: "streams.dynamodb",
      protocols: ["awsJson1_0"],
      targetPrefix: "DynamoDBStreams_20120810",
      apiVersion: "2012-08-10",
      model: () => import("@aws-sdk/client-dynamodb-streams"),
    },
    {
      DescribeStream: [DescribeStream$, describeStream(deps)],
      GetRecords: [GetRecords$, getRecords(deps)],
      GetShardIterator: [GetShardIterator$, getShardIterator(deps)],
      ListStreams: [ListStreams$, listStreams(deps)],
    },
  );
  return createConstraintCheck(streamConstraints, dynamodbWording).guard(service);
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html (seen 2026-11) */
const streamConstraints: ConstraintTable = {
  everywhere: {},
  only: {
    DescribeStream: {
      StreamArn: { min: 37, max: 1_024 },
      Limit: { min: 1, max: shardsPageMax },
      ExclusiveStartShardId: { min: 28, max: 65 },
    },
    GetRecords: { ShardIterator: { min: 1, max: 2_048 }, Limit: { min: 1, max: recordsMax } },
    GetShardIterator: {
      StreamArn: { min: 37, max: 1_024 },
      ShardId: { min: 28, max: 65 },
      ShardIteratorType: {
        values: ["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"],
      },
      SequenceNumber: { min: 21, max: 40 },
    },
    ListStreams: {
      TableName: { min: 3, max: 255, pattern: "[a-zA-Z0-9_.-]+" },
      Limit: { min: 1, max: streamsPageMax },
      ExclusiveStartStreamArn: { min: 37, max: 1_024 },
    },
  },
};
