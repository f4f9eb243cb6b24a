/**
 * What one request may cost before anybody has looked at it. AWS publishes most of these per service;
 * a service that allows more (or less) for an operation says so in its table (`bodyBytesMax`).
 */

/** Largest buffered request body unless the operation says otherwise. */
export const bodyBytesMax = 16 * 1024 * 1024;

/**
 * Largest AWS Query form. The largest legitimate one is a 1 MiB message, three bytes per byte when
 * percent-encoded (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
 */
export const formBytesMax = 4 * 1024 * 1024;

/**
 * Deepest nesting of JSON, XML, CBOR and Query input. DynamoDB, the deepest of the public APIs, allows 32
 * levels of attribute values (two JSON levels each):
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const depthMax = 100;

/** Parameters of one Query request; bounds the work of a form made of ampersands. */
export const formParametersMax = 20_000;

/** One frame of an event stream, payload included, must stay below 16 MiB; larger payloads are split by the service. */
export const eventFrameBytesMax = 16 * 1024 * 1024;
