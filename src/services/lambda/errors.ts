import {
  InvalidParameterValueException,
  PreconditionFailedException,
  ProvisionedConcurrencyConfigNotFoundException,
  ResourceConflictException,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { AuthenticationError } from "#protocol/auth/auth.ts";

/** Modelled errors as the service words them; `Type` is `User` on every client fault. */

export function notFound(message: string): ResourceNotFoundException {
  return new ResourceNotFoundException({ message, Message: message, Type: "User", $metadata: {} });
}

export function functionNotFound(arn: string): ResourceNotFoundException {
  return notFound(`Function not found: ${arn}`);
}

/** What most lookups of something that hangs on a function or layer answer. */
export function nothingThere(): ResourceNotFoundException {
  return notFound("The resource you requested does not exist.");
}

export function conflict(message: string): ResourceConflictException {
  return new ResourceConflictException({ message, Type: "User", $metadata: {} });
}

export function invalid(message: string): InvalidParameterValueException {
  return new InvalidParameterValueException({ message, Type: "User", $metadata: {} });
}

export function noProvisionedConfig(): ProvisionedConcurrencyConfigNotFoundException {
  const message = "No Provisioned Concurrency Config found for this function";
  return new ProvisionedConcurrencyConfigNotFoundException({
    message,
    Type: "User",
    $metadata: {},
  });
}

/** A member Skerry understands but cannot honour; never accepted in silence. */
export function unsupported(member: string, why: string): InvalidParameterValueException {
  return invalid(`${member} is not supported by Skerry: ${why}`);
}

/** `kind` is what the caller should read to get the newest id. */
export function staleRevision(
  kind: "GetFunction/GetAlias" | "GetLayerPolicy" | "GetPolicy",
): PreconditionFailedException {
  const message =
    "The Revision Id provided does not match the latest Revision Id. " +
    `Call the ${kind} API to retrieve the latest Revision Id`;
  return new PreconditionFailedException({ message, Type: "User", $metadata: {} });
}

/** Another account's resource: the words of the service when no resource-based policy allows it. */
export function accessDenied(principalArn: string, action: string, arn: string): Error {
  return new AuthenticationError(
    "AccessDeniedException",
    `User: ${principalArn} is not authorized to perform: ${action} on resource: ${arn} ` +
      `because no resource-based policy allows the ${action} action`,
  );
}

/** Not in the model of the operation, but what the service's front answers (413). */
export function tooLarge(message: string): Error {
  return new AuthenticationError("RequestEntityTooLargeException", message, 413);
}
