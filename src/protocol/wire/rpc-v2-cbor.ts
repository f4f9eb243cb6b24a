import { assert } from "#base/assert.ts";
import { readBody } from "./body.ts";
import {
  readCborMembers,
  writeCborMembers,
  writeCborTree,
  writeCborValue,
  cborMembers,
} from "./cbor-values.ts";
import { encodeEventStream, eventStreamMember } from "./event-stream.ts";
import { bodyBytesMax } from "./limits.ts";
import { errorMembers } from "./modelled.ts";
import { queryErrorHeader } from "./query-compatible.ts";
import { checkRequired } from "./required.ts";
import { operationShape } from "./shapes.ts";
import { fillTokens } from "./tokens.ts";
import type { WireProtocol } from "./wire.ts";

const contentType = "application/cbor";
const protocolHeader = { "smithy-protocol": "rpc-v2-cbor" };

/** https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html */
export const rpcV2Cbor: WireProtocol = {
  id: "rpcV2Cbor",
  match({ headers, path }, service) {
    if (headers["smithy-protocol"] !== "rpc-v2-cbor") return undefined;
    const found = /\/service\/[^/]+\/operation\/([^/]+)$/.exec(path);
    const operationName = found?.[1];
    if (operationName === undefined) return undefined;
    const operation = service.operations.get(operationName);
    return { service, operationName, operation, labels: {} };
  },
  async decode(request, { operation, operationName, service }) {
    assert(operation, "only a matched operation is decoded");
    const bytesMax = operation.bodyBytesMax ?? bodyBytesMax;
    const bytes = await readBody(request.body, bytesMax, operationName);
    const { input } = operationShape(operation.schema);
    const value = readCborMembers(input.members, bytes);
    fillTokens(input, value);
    checkRequired(input, value, service);
    return value;
  },
  encode(value, operation, { requestId }) {
    const { output } = operationShape(operation.schema);
    const headers = { ...protocolHeader, "x-amzn-requestid": requestId };
    const events = eventStreamMember(output);
    if (events) {
      const others = output.members.filter((member) => member !== events);
      const body = encodeEventStream(value, events, {
        contentType,
        writeValue: writeCborValue,
        initialResponse: writeCborMembers(others, value),
      });
      return {
        status: 200,
        headers: { ...headers, "content-type": "application/vnd.amazon.eventstream" },
        body,
      };
    }
    if (output.kind === "unit") return { status: 200, headers, body: new Uint8Array() };
    return {
      status: 200,
      headers: { ...headers, "content-type": contentType },
      body: writeCborMembers(output.members, value),
    };
  },
  encodeError(error, operation, service, { requestId }) {
    const namespace = operation && operationShape(operation.schema).namespace;
    const type = error.modelled && namespace ? `${namespace}#${error.name}` : error.name;
    return {
      status: error.status,
      headers: {
        ...protocolHeader,
        "content-type": contentType,
        "x-amzn-requestid": requestId,
        ...queryErrorHeader(error, service),
      },
      body: writeCborTree({ __type: type, ...errorMembers(error, cborMembers) }),
    };
  },
};
