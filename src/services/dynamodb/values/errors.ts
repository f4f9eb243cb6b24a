import { DynamoDBServiceException } from "@aws-sdk/client-dynamodb";

/**
 * `ValidationException`, which the model does not list although nearly every operation answers with it.
 * The sentence is the service's. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
export function validation(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: "ValidationException",
    message,
    $fault: "client",
    $metadata: {},
  });
}

/** What is wrong with the value of a parameter, after the words the service begins such sentences with. */
export function invalidParameters(sentence: string): DynamoDBServiceException {
  return validation(`One or more parameter values were invalid: ${sentence}`);
}
