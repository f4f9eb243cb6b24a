import type { Service } from "#protocol/service/service.ts";
import { exceptionShape } from "./shapes.ts";
import type { WireError } from "./wire.ts";

/**
 * Services that moved from Query to JSON or CBOR (SQS, CloudWatch) still tell the old error code:
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
 */
export function queryErrorHeader(error: WireError, service: Service): Record<string, string> {
  if (!service.description.isQueryCompatible) return {};
  const sender = error.fault === "client" ? "Sender" : "Receiver";
  return { "x-amzn-query-error": `${queryErrorCode(error)};${sender}` };
}

/** The `awsQueryError` trait's code, else the shape's name. */
export function queryErrorCode(error: WireError): string {
  const shape = error.modelled && exceptionShape(error.modelled);
  return shape?.traits.awsQueryError?.[0] ?? error.name;
}
