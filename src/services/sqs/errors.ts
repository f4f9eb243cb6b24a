import {
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  EmptyBatchRequest,
  InvalidAttributeName,
  InvalidAttributeValue,
  InvalidBatchEntryId,
  InvalidMessageContents,
  MessageNotInflight,
  OverLimit,
  PurgeQueueInProgress,
  QueueDeletedRecently,
  QueueDoesNotExist,
  QueueNameExists,
  ReceiptHandleIsInvalid,
  ResourceNotFoundException,
  SQSServiceException,
  TooManyEntriesInBatchRequest,
} from "@aws-sdk/client-sqs";
import { batchEntriesMax } from "./limits.ts";

/**
 * The errors of SQS; classes are the SDK's, sentences the service's. Three codes are in no model and
 * answered all the same (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html).
 */
function unmodelled(name: string, message: string, status = 400): Error {
  const $metadata = { httpStatusCode: status };
  return new SQSServiceException({ name, $fault: "client", message, $metadata });
}

export const invalidParameter = (message: string): Error =>
  unmodelled("InvalidParameterValue", message);

/** `Value 50 for parameter WaitTimeSeconds is invalid. Reason: …` */
export const invalidValue = (value: string | number, parameter: string, reason: string): Error =>
  invalidParameter(`Value ${value} for parameter ${parameter} is invalid. Reason: ${reason}`);

export const missingParameter = (parameter: string): Error =>
  unmodelled("MissingParameter", `The request must contain the parameter ${parameter}.`);

export const accessDenied = (message: string): Error => unmodelled("AccessDenied", message, 403);

export const queueDoesNotExist = (): Error =>
  new QueueDoesNotExist({ message: "The specified queue does not exist.", $metadata: {} });

export const queueNameExists = (attribute: string): Error =>
  new QueueNameExists({
    message: `A queue already exists with the same name and a different value for attribute ${attribute}`,
    $metadata: {},
  });

export const queueDeletedRecently = (): Error =>
  new QueueDeletedRecently({
    message:
      "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    $metadata: {},
  });

export const purgeInProgress = (name: string): Error =>
  new PurgeQueueInProgress({
    message: `Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`,
    $metadata: {},
  });

export const invalidAttributeName = (message: string): Error =>
  new InvalidAttributeName({ message, $metadata: {} });

export const unknownAttribute = (name: string): Error =>
  invalidAttributeName(`Unknown Attribute ${name}.`);

/** `reason`, when there is one, is a sentence of its own. */
export const invalidAttributeValue = (name: string, reason?: string): Error =>
  new InvalidAttributeValue({
    message: `Invalid value for the parameter ${name}.${reason === undefined ? "" : ` Reason: ${reason}`}`,
    $metadata: {},
  });

export const invalidContents = (): Error =>
  new InvalidMessageContents({
    message:
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    $metadata: {},
  });

export const receiptHandleIsInvalid = (handle: string): Error =>
  new ReceiptHandleIsInvalid({
    message: `The input receipt handle "${handle}" is not a valid receipt handle.`,
    $metadata: {},
  });

export const messageNotInflight = (): Error =>
  new MessageNotInflight({ message: "The message referred to isn't in flight.", $metadata: {} });

export const overLimit = (message: string): Error => new OverLimit({ message, $metadata: {} });

export const resourceNotFound = (message: string): Error =>
  new ResourceNotFoundException({ message, $metadata: {} });

export const emptyBatch = (operationName: string): Error =>
  new EmptyBatchRequest({
    message: `There should be at least one ${operationName}RequestEntry in the request.`,
    $metadata: {},
  });

export const tooManyEntries = (count: number): Error =>
  new TooManyEntriesInBatchRequest({
    message: `Maximum number of entries per request are ${batchEntriesMax}. You have sent ${count}.`,
    $metadata: {},
  });

export const entryIdsNotDistinct = (id: string): Error =>
  new BatchEntryIdsNotDistinct({ message: `Id ${id} repeated.`, $metadata: {} });

export const invalidEntryId = (): Error =>
  new InvalidBatchEntryId({
    message:
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    $metadata: {},
  });

export const batchTooLong = (byteCount: number, byteCountMax: number): Error =>
  new BatchRequestTooLong({
    message: `Batch requests cannot be longer than ${byteCountMax} bytes. You have sent ${byteCount} bytes.`,
    $metadata: {},
  });
