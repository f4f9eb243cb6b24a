import { assert } from "#base/assert.ts";
import { encodeUtf8 } from "./body.ts";
import { isMessage, modelledMembers, modelledValue } from "./modelled.ts";
import { queryErrorCode } from "./query-compatible.ts";
import { queryTree, readQueryMembers } from "./query-read.ts";
import { checkRequired } from "./required.ts";
import { exceptionShape, operationShape } from "./shapes.ts";
import { fillTokens } from "./tokens.ts";
import type { MatchableRequest, WireError, WireProtocol } from "./wire.ts";
import {
  writeXmlMembers,
  xmlAttributes,
  xmlElement,
  xmlText,
  xmlnsAttribute,
} from "./xml-write.ts";

const contentType = "text/xml";

/**
 * A form in, XML out: `Action` and `Version` say what is wanted
 * (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html).
 */
export const awsQuery: WireProtocol = {
  id: "awsQuery",
  match(request, service) {
    const parameters = parametersOf(request);
    const operationName = parameters.get("Action");
    if (!operationName) return undefined;
    const version = parameters.get("Version") ?? service.description.apiVersion;
    const isOurs = version === service.description.apiVersion;
    const operation = isOurs ? service.operations.get(operationName) : undefined;
    return { service, operationName, operation, labels: {} };
  },
  async decode(request, { operation, service }) {
    assert(operation, "only a matched operation is decoded");
    const { input } = operationShape(operation.schema);
    const value = readQueryMembers(input.members, queryTree(parametersOf(request)));
    const { queryPathMember } = service.description;
    if (queryPathMember !== undefined && request.path !== "/")
      value[queryPathMember] ??= request.path;
    fillTokens(input, value);
    checkRequired(input, value, service);
    return value;
  },
  encode(value, operation, { requestId }) {
    const { output } = operationShape(operation.schema);
    const { name, description } = operation;
    const attributes = xmlAttributes(output.members, value);
    const result =
      output.kind === "unit"
        ? ""
        : xmlElement(`${name}Result`, writeXmlMembers(output.members, value), attributes);
    const metadata = xmlElement("ResponseMetadata", xmlText("RequestId", requestId));
    const xml = xmlElement(
      `${name}Response`,
      result + metadata,
      namespace(description.xmlNamespace),
    );
    return { status: 200, headers: headers(requestId), body: encodeUtf8(xml) };
  },
  encodeError(error, _operation, service, { requestId }) {
    const members = modelledMembers(error).filter(({ name }) => !isMessage(name));
    const fields =
      xmlText("Type", error.fault === "client" ? "Sender" : "Receiver") +
      xmlText("Code", codeOf(error)) +
      xmlText("Message", error.message) +
      writeXmlMembers(members, modelledValue(error));
    const xml = xmlElement(
      "ErrorResponse",
      xmlElement("Error", fields) + xmlText("RequestId", requestId),
      namespace(service.description.xmlNamespace),
    );
    return { status: statusOf(error), headers: headers(requestId), body: encodeUtf8(xml) };
  },
};

/** A POST may still carry its action in the path's query; the two are one list then. */
function parametersOf({ form, rawQuery }: MatchableRequest): URLSearchParams {
  if (form?.has("Action")) return form;
  return new URLSearchParams([...new URLSearchParams(rawQuery), ...(form ?? [])]);
}

function headers(requestId: string): Record<string, string> {
  return { "content-type": contentType, "x-amzn-requestid": requestId };
}

function namespace(xmlNamespace: string | undefined): string {
  return xmlNamespace === undefined ? "" : xmlnsAttribute({ xmlNamespace });
}

/**
 * Query's names for what every service may answer
 * (https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html); `MalformedInput` is the
 * deserialiser's (https://github.com/rusoto/rusoto/issues/586, seen 2026-11).
 */
const queryCodes: Readonly<Record<string, string>> = {
  RequestEntityTooLargeException: "RequestEntityTooLarge",
  SerializationException: "MalformedInput",
  ServiceUnavailableException: "ServiceUnavailable",
  ValidationException: "ValidationError",
};

function codeOf(error: WireError): string {
  return error.modelled ? queryErrorCode(error) : (queryCodes[error.name] ?? error.name);
}

function statusOf(error: WireError): number {
  const shape = error.modelled && exceptionShape(error.modelled);
  return shape?.traits.awsQueryError?.[1] ?? error.status;
}
