import type { ServiceDescription } from "#protocol/service/service.ts";
import { decodeUtf8, encodeUtf8 } from "./body.ts";
import { SerializationError } from "./errors.ts";
import { hostId } from "./host-id.ts";
import { outputBindings } from "./http-bindings.ts";
import { writeHeaders } from "./http-headers.ts";
import { isMessage, modelledMembers, modelledValue } from "./modelled.ts";
import { rest } from "./rest.ts";
import { exceptionShape } from "./shapes.ts";
import type { Member, Traits } from "./shapes.ts";
import type { WireError, WireProtocol } from "./wire.ts";
import { parseXml } from "./xml-parse.ts";
import { readXmlMembers, readXmlValue } from "./xml-read.ts";
import {
  escapeText,
  writeXmlMembers,
  xmlAttributes,
  xmlElement,
  xmlText,
  xmlnsAttribute,
} from "./xml-write.ts";

const contentType = "application/xml";
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html */
export const restXml: WireProtocol = rest({
  id: "restXml",
  contentType,
  requestIdHeader: "x-amz-request-id",
  readMembers(members, bytes) {
    return bytes.byteLength === 0 ? {} : readXmlMembers(members, parseXml(decodeUtf8(bytes)));
  },
  readPayload: (payload, bytes) => readXmlValue(payload.shape, parseXml(decodeUtf8(bytes))),
  writeMembers(output, members, { value, description }) {
    return document(output.traits.xmlName ?? output.name, {
      traits: output.traits,
      members,
      value,
      description,
    });
  },
  writeUnwrapped(members, { value, description }) {
    const { xmlNamespace } = description;
    const [member] = members;
    const text = member && (value as Record<string, unknown>)[member.name]; // the member by its name
    const shared = xmlNamespace === undefined ? "" : xmlnsAttribute({ xmlNamespace });
    const name = member?.name ?? "";
    const content = typeof text === "string" ? text : "";
    return encodeUtf8(declaration + xmlElement(name, escapeText(content), shared));
  },
  writePayload(payload, value, description) {
    if (typeof value !== "object" || value === null) throw new SerializationError("no structure");
    return document(payload.traits.xmlName ?? payload.shape.name, {
      traits: payload.traits,
      members: payload.shape.members,
      value,
      description,
    });
  },
  writeEvent(shape, value) {
    const content = writeXmlMembers(shape.members, value ?? {});
    return encodeUtf8(xmlElement(shape.name, content));
  },
  encodeError(error, _operation, service, { requestId }) {
    const shape = error.modelled && exceptionShape(error.modelled);
    const bindings = shape && outputBindings(shape);
    const body = declaration + errorXml(error, service.description, requestId);
    return {
      status: error.status,
      headers: {
        ...(bindings && writeHeaders(bindings, modelledValue(error))),
        "content-type": contentType,
        "x-amz-request-id": requestId,
        ...(service.description.signingName === "s3" && { "x-amz-id-2": hostId(requestId) }),
        ...error.headers,
      },
      body: encodeUtf8(body),
    };
  },
});

interface Content {
  readonly traits: Traits;
  readonly members: readonly Member[];
  readonly value: object;
  readonly description: ServiceDescription;
}

function document(name: string, { traits, members, value, description }: Content): Uint8Array {
  const own = xmlnsAttribute(traits);
  const { xmlNamespace } = description;
  const shared = xmlNamespace === undefined ? "" : xmlnsAttribute({ xmlNamespace });
  const attributes = (own || shared) + xmlAttributes(members, value);
  return encodeUtf8(declaration + xmlElement(name, writeXmlMembers(members, value), attributes));
}

/** S3 alone writes `<Error>` bare (its `noErrorWrapping`), and has its own names for the common errors. */
function errorXml(error: WireError, description: ServiceDescription, requestId: string): string {
  const isBare = description.signingName === "s3";
  const codes = isBare ? (error.place ? s3PlaceCodes[error.place] : s3Codes) : restXmlCodes;
  const code = (error.modelled ? undefined : codes[error.name]) ?? error.name;
  const members = modelledMembers(error).filter(({ name }) => !isMessage(name));
  const inHeaders = new Set(
    members.filter(({ traits }) => traits.httpHeader !== undefined).map(({ name }) => name),
  );
  const fields =
    xmlText("Code", code) +
    xmlText("Message", error.message) +
    writeXmlMembers(
      members.filter(({ name }) => !inHeaders.has(name)),
      modelledValue(error),
    );
  const id = xmlText("RequestId", requestId);
  if (isBare) {
    const own = Object.entries(error.fields ?? {}).map(([name, text]) => xmlText(name, text));
    const host = xmlText("HostId", hostId(requestId));
    return xmlElement("Error", fields + own.join("") + id + host);
  }
  const type = xmlText("Type", error.fault === "client" ? "Sender" : "Receiver");
  return xmlElement("ErrorResponse", xmlElement("Error", type + fields) + id);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (seen 2026-11). */
const s3Codes: Readonly<Record<string, string>> = {
  InternalFailure: "InternalError",
  RequestEntityTooLargeException: "EntityTooLarge",
  SerializationException: "MalformedXML",
  ServiceUnavailableException: "ServiceUnavailable",
  ValidationException: "InvalidRequest",
};

const s3PlaceCodes: Readonly<
  Record<"path" | "query" | "header", Readonly<Record<string, string>>>
> = {
  path: { SerializationException: "InvalidURI" },
  query: { SerializationException: "InvalidArgument" },
  header: { SerializationException: "InvalidArgument" },
};

const restXmlCodes: Readonly<Record<string, string>> = {
  SerializationException: "MalformedInput",
  ServiceUnavailableException: "ServiceUnavailable",
  ValidationException: "InvalidInput",
};
