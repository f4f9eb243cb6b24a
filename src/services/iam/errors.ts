import {
  DeleteConflictException,
  EntityAlreadyExistsException,
  IAMServiceException,
  InvalidInputException,
  LimitExceededException,
  MalformedPolicyDocumentException,
  NoSuchEntityException,
  UnmodifiableEntityException,
} from "@aws-sdk/client-iam";

/** The errors of IAM with what each operation has to say; codes are the SDK's. */
export const noSuchEntity = (message: string): Error =>
  new NoSuchEntityException({ message, $metadata: {} });

export const alreadyExists = (message: string): Error =>
  new EntityAlreadyExistsException({ message, $metadata: {} });

export const deleteConflict = (message: string): Error =>
  new DeleteConflictException({ message, $metadata: {} });

export const limitExceeded = (message: string): Error =>
  new LimitExceededException({ message, $metadata: {} });

export const malformedPolicy = (message: string): Error =>
  new MalformedPolicyDocumentException({ message, $metadata: {} });

export const invalidInput = (message: string): Error =>
  new InvalidInputException({ message, $metadata: {} });

export const unmodifiable = (message: string): Error =>
  new UnmodifiableEntityException({ message, $metadata: {} });

/** Not in the model, yet what the real service answers: `ValidationError`, status 400. */
export const validationError = (message: string): Error =>
  new IAMServiceException({
    name: "ValidationError",
    $fault: "client",
    message,
    $metadata: {},
  });
