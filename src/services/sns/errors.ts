import {
  AuthorizationErrorException,
  BatchEntryIdsNotDistinctException,
  BatchRequestTooLongException,
  EmptyBatchRequestException,
  InvalidBatchEntryIdException,
  InvalidParameterException,
  InvalidParameterValueException,
  NotFoundException,
  ResourceNotFoundException,
  TagLimitExceededException,
  TooManyEntriesInBatchRequestException,
} from "@aws-sdk/client-sns";
import { batchEntriesMax, messageBytesMax } from "./limits.ts";

/** The errors of SNS; classes are the SDK's, sentences the service's. `reason` follows `Invalid parameter: `. */
export const invalidParameter = (reason: string): Error =>
  new InvalidParameterException({ message: `Invalid parameter: ${reason}`, $metadata: {} });

/** The value of a message attribute. */
export const invalidValue = (message: string): Error =>
  new InvalidParameterValueException({ message, $metadata: {} });

export const notFound = (message: string): Error =>
  new NotFoundException({ message, $metadata: {} });

export const topicNotFound = (): Error => notFound("Topic does not exist");
export const subscriptionNotFound = (): Error => notFound("Subscription does not exist");

export const resourceNotFound = (): Error =>
  new ResourceNotFoundException({ message: "Resource does not exist", $metadata: {} });

export const notAuthorized = (message: string): Error =>
  new AuthorizationErrorException({ message, $metadata: {} });

export const tooManyTags = (): Error =>
  new TagLimitExceededException({
    message: "Could not complete request: tag quota of per resource exceeded",
    $metadata: {},
  });

export const emptyBatch = (): Error =>
  new EmptyBatchRequestException({
    message: "The batch request doesn't contain any entries.",
    $metadata: {},
  });

export const tooManyEntries = (): Error =>
  new TooManyEntriesInBatchRequestException({
    message: `The batch request contains more entries than permissible (${batchEntriesMax}).`,
    $metadata: {},
  });

export const entryIdsNotDistinct = (): Error =>
  new BatchEntryIdsNotDistinctException({
    message: "Two or more batch entries in the request have the same Id.",
    $metadata: {},
  });

export const invalidEntryId = (): Error =>
  new InvalidBatchEntryIdException({
    message: "The Id of a batch entry in a batch request doesn't abide by the specification.",
    $metadata: {},
  });

export const batchTooLong = (): Error =>
  new BatchRequestTooLongException({
    message: `The length of all the batch messages put together is more than the limit (${messageBytesMax} bytes).`,
    $metadata: {},
  });
