import {
  DynamoDBStreamsServiceException,
  ExpiredIteratorException,
  ResourceNotFoundException,
  TrimmedDataAccessException,
} from "@aws-sdk/client-dynamodb-streams";

/** The errors of DynamoDB Streams; classes are the SDK's. */

export const streamNotFound = (arn: string): Error =>
  new ResourceNotFoundException({
    message: `Requested resource not found: Stream: ${arn} not found`,
    $metadata: {},
  });

export const shardNotFound = (shardId: string, arn: string): Error =>
  new ResourceNotFoundException({
    message: `Requested resource not found: Shard: ${shardId} in Stream: ${arn} not found`,
    $metadata: {},
  });

export const trimmed = (): Error =>
  new TrimmedDataAccessException({
    message: "The operation attempted to read past the oldest stream record in a shard.",
    $metadata: {},
  });

export const expired = (): Error =>
  new ExpiredIteratorException({
    message:
      "The shard iterator has expired and can no longer be used to retrieve stream records. A shard iterator expires 15 minutes after it is retrieved using the GetShardIterator action.",
    $metadata: {},
  });

/** Not in the model, as with the tables' API. */
export const streamValidation = (message: string): Error =>
  new DynamoDBStreamsServiceException({
    name: "ValidationException",
    message,
    $fault: "client",
    $metadata: {},
  });
