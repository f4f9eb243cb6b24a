import {
  ConflictException,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  ValidationException,
} from "@aws-sdk/client-scheduler";

/** The errors of Scheduler; classes are the SDK's, sentences the service's. */
const $metadata = {};

export const validationError = (Message: string): Error =>
  new ValidationException({ Message, message: Message, $metadata });

export const notFound = (Message: string): Error =>
  new ResourceNotFoundException({ Message, message: Message, $metadata });

export const conflict = (Message: string): Error =>
  new ConflictException({ Message, message: Message, $metadata });

export const quotaExceeded = (Message: string): Error =>
  new ServiceQuotaExceededException({ Message, message: Message, $metadata });
