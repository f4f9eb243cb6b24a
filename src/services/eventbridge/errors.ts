import {
  EventBridgeServiceException,
  IllegalStatusException,
  InvalidEventPatternException,
  LimitExceededException,
  ManagedRuleException,
  PolicyLengthExceededException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from "@aws-sdk/client-eventbridge";

/** The errors of EventBridge; classes are the SDK's, sentences the service's. */
const $metadata = {};

/** In no model, and what the service answers to most wrong input. */
export const validationError = (message: string): Error =>
  new EventBridgeServiceException({
    name: "ValidationException",
    $fault: "client",
    message,
    $metadata: { httpStatusCode: 400 },
  });

export const accessDenied = (message: string): Error =>
  new EventBridgeServiceException({
    name: "AccessDeniedException",
    $fault: "client",
    message,
    $metadata: { httpStatusCode: 400 },
  });

export const notFound = (message: string): Error =>
  new ResourceNotFoundException({ message, $metadata });

export const busNotFound = (name: string): Error => notFound(`Event bus ${name} does not exist.`);

export const ruleNotFound = (name: string, bus: string): Error =>
  notFound(`Rule ${name} does not exist on EventBus ${bus}.`);

export const alreadyExists = (message: string): Error =>
  new ResourceAlreadyExistsException({ message, $metadata });

export const invalidPattern = (message: string): Error =>
  new InvalidEventPatternException({ message, $metadata });

export const limitExceeded = (message: string): Error =>
  new LimitExceededException({ message, $metadata });

export const managedRule = (name: string): Error =>
  new ManagedRuleException({
    message: `Rule ${name} is managed by an AWS service and can only be modified if force is set.`,
    $metadata,
  });

export const policyTooLong = (): Error =>
  new PolicyLengthExceededException({ message: "The policy is too long.", $metadata });

export const illegalStatus = (message: string): Error =>
  new IllegalStatusException({ message, $metadata });
