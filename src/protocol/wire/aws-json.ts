import { crc32 } from "node:zlib";
import type { Operation, ServiceDescription } from "#protocol/service/service.ts";
import { assert } from "#base/assert.ts";
import { readBody } from "./body.ts";
import { fillTokens } from "./tokens.ts";
import { encodeEventStream, eventStreamMember } from "./event-stream.ts";
import { jsonMembers, readJsonMembers, writeJsonMembers, writeJsonValue } from "./json.ts";
import { bodyBytesMax } from "./limits.ts";
import { errorMembers } from "./modelled.ts";
import { queryErrorHeader } from "./query-compatible.ts";
import { checkRequired } from "./required.ts";
import { operationShape } from "./shapes.ts";
import type { WireProtocol, WireResponse } from "./wire.ts";

/**
 * awsJson1_0 and awsJson1_1: every operation is a POST to `/` named by `X-Amz-Target`
 * (https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).
 */
export function awsJson(version: "1.0" | "1.1"): WireProtocol {
  const contentType = `application/x-amz-json-${version}`;
  return {
    id: version === "1.0" ? "awsJson1_0" : "awsJson1_1",
    match({ headers }, service) {
      const target = headers["x-amz-target"];
      if (target === undefined) return undefined;
      const dot = target.lastIndexOf(".");
      const { targetPrefix } = service.description;
      if (targetPrefix !== undefined && target.slice(0, dot) !== targetPrefix) return undefined;
      const operationName = target.slice(dot + 1);
      const operation = service.operations.get(operationName);
      return { service, operationName, operation, labels: {} };
    },
    async decode(request, { operation, operationName, service }) {
      assert(operation, "only a matched operation is decoded");
      const bytesMax = operation.bodyBytesMax ?? bodyBytesMax;
      const bytes = await readBody(request.body, bytesMax, operationName);
      const { input } = operationShape(operation.schema);
      const value = readJsonMembers(input.members, bytes, "awsJson");
      fillTokens(input, value);
      checkRequired(input, value, service);
      return value;
    },
    encode(output, operation, { requestId }) {
      const headers = { "content-type": contentType, "x-amzn-requestid": requestId };
      return withChecksum(encodeOutput(output, operation, headers), operation.description);
    },
    encodeError(error, operation, service, { requestId }) {
      const members = errorMembers(error, (shapes, value) => jsonMembers(shapes, value, "awsJson"));
      const type =
        error.modelled && version === "1.0" ? qualified(error.name, operation) : error.name;
      const response = {
        status: error.status,
        headers: {
          "content-type": contentType,
          "x-amzn-requestid": requestId,
          ...queryErrorHeader(error, service),
        },
        body: Buffer.from(JSON.stringify({ __type: type, ...members })),
      };
      return withChecksum(response, service.description);
    },
  };
}

function withChecksum(response: WireResponse, { sendsCrc32 }: ServiceDescription): WireResponse {
  if (!sendsCrc32 || !(response.body instanceof Uint8Array)) return response;
  const headers = { ...response.headers, "x-amz-crc32": String(crc32(response.body)) };
  return { ...response, headers };
}

/** 1.0 names the whole shape id, 1.1 its last part; clients must take either. */
function qualified(name: string, operation: Operation | undefined): string {
  return operation ? `${operationShape(operation.schema).namespace}#${name}` : name;
}

function encodeOutput(
  value: object,
  operation: Operation,
  headers: Record<string, string>,
): WireResponse {
  const { output } = operationShape(operation.schema);
  const events = eventStreamMember(output);
  if (events) {
    const body = encodeEventStream(value, events, {
      contentType: headers["content-type"] ?? "",
      writeValue: (shape, item) => writeJsonValue(shape, item, "awsJson"),
      initialResponse: writeJsonMembers(
        output.members.filter((member) => member !== events),
        value,
        "awsJson",
      ),
    });
    return {
      status: 200,
      headers: { ...headers, "content-type": "application/vnd.amazon.eventstream" },
      body,
    };
  }
  const body =
    output.kind === "unit" ? Buffer.alloc(0) : writeJsonMembers(output.members, value, "awsJson");
  return { status: 200, headers, body };
}
