import {
  ConditionalCheckFailedException,
  DuplicateItemException,
  type CancellationReason,
} from "@aws-sdk/client-dynamodb";

/** Of an item that is not why. */
export const noReason: CancellationReason = { Code: "None" };

/**
 * Why one item cancels a transaction; what is not about the item is thrown again.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
 */
export function reasonOf(error: unknown): CancellationReason {
  if (error instanceof ConditionalCheckFailedException) {
    const { message, Item } = error;
    return { Code: "ConditionalCheckFailed", Message: message, ...(Item && { Item }) };
  }
  if (error instanceof DuplicateItemException) {
    return { Code: "DuplicateItem", Message: error.message };
  }
  if (error instanceof Error && error.name === "ValidationException") {
    return { Code: "ValidationError", Message: error.message };
  }
  throw error;
}
