import {
  ConditionalCheckFailedException,
  DuplicateItemException,
  IdempotentParameterMismatchException,
  LimitExceededException,
  PolicyNotFoundException,
  ResourceInUseException,
  ResourceNotFoundException,
  TableNotFoundException,
  TransactionCanceledException,
  type CancellationReason,
} from "@aws-sdk/client-dynamodb";
import type { Item } from "./values/values.ts";

/** The errors of DynamoDB; classes are the SDK's, sentences the service's. `ValidationException` lives in `values`. */
export const conditionFailed = (item?: Item): Error =>
  new ConditionalCheckFailedException({
    message: "The conditional request failed",
    ...(item && { Item: item }),
    $metadata: {},
  });

/** What a PartiQL INSERT of an item that is there answers. */
export const duplicateItem = (): Error =>
  new DuplicateItemException({
    message: "Duplicate primary key exists in table",
    $metadata: {},
  });

export const resourceNotFound = (message = "Requested resource not found"): Error =>
  new ResourceNotFoundException({ message, $metadata: {} });

export const tableNotFound = (name: string): Error =>
  resourceNotFound(`Requested resource not found: Table: ${name} not found`);

/** The one operations on backups use. */
export const backedUpTableNotFound = (name: string): Error =>
  new TableNotFoundException({ message: `Table not found: ${name}`, $metadata: {} });

export const resourceInUse = (message: string): Error =>
  new ResourceInUseException({ message, $metadata: {} });

export const limitExceeded = (message: string): Error =>
  new LimitExceededException({ message, $metadata: {} });

export const policyNotFound = (message: string): Error =>
  new PolicyNotFoundException({ message, $metadata: {} });

export const tokenMismatch = (): Error => {
  const message = "The specified client token is already in use with different parameters";
  return new IdempotentParameterMismatchException({ message, Message: message, $metadata: {} });
};

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors */
export const transactionCanceled = (reasons: readonly CancellationReason[]): Error => {
  const codes = reasons.map(({ Code }) => Code).join(", ");
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new TransactionCanceledException({
    message,
    Message: message,
    CancellationReasons: [...reasons],
    $metadata: {},
  });
};
