import {
  InvalidParameterException,
  LimitExceededException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  SessionTimeoutException,
  TooManyTagsException,
  ValidationException,
} from "@aws-sdk/client-cloudwatch-logs";

/** The errors of CloudWatch Logs; classes are the SDK's, sentences the service's. */
export const invalidParameter = (message: string): Error =>
  new InvalidParameterException({ message, $metadata: {} });

export const notFound = (message: string): Error =>
  new ResourceNotFoundException({ message, $metadata: {} });

export const groupNotFound = (): Error => notFound("The specified log group does not exist.");
export const streamNotFound = (): Error => notFound("The specified log stream does not exist.");

export const alreadyExists = (message: string): Error =>
  new ResourceAlreadyExistsException({ message, $metadata: {} });

export const limitExceeded = (message: string): Error =>
  new LimitExceededException({ message, $metadata: {} });

export const tooManyTags = (message: string, resourceName: string): Error =>
  new TooManyTagsException({ message, resourceName, $metadata: {} });

export const validationException = (message: string): Error =>
  new ValidationException({ message, $metadata: {} });

export const sessionTimeout = (message: string): Error =>
  new SessionTimeoutException({ message, $metadata: {} });

/** A member that exists in the model and is not implemented: refused rather than ignored. */
export const unsupported = (member: string): Error =>
  invalidParameter(`The parameter ${member} is not supported by Skerry.`);
