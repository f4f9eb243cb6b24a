import { outputBindings } from "./http-bindings.ts";
import { writeHeaders } from "./http-headers.ts";
import {
  jsonMembers,
  readJsonMembers,
  readJsonValue,
  writeJsonMembers,
  writeJsonValue,
} from "./json.ts";
import { errorMembers, modelledValue } from "./modelled.ts";
import { rest } from "./rest.ts";
import { exceptionShape } from "./shapes.ts";
import type { WireProtocol } from "./wire.ts";

const contentType = "application/json";
const requestIdHeader = "x-amzn-requestid";

/** https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html */
export const restJson: WireProtocol = rest({
  id: "restJson1",
  contentType,
  requestIdHeader,
  readMembers: (members, bytes) => readJsonMembers(members, bytes, "restJson"),
  readPayload: (payload, bytes) => readJsonValue(payload.shape, bytes, "restJson"),
  writeMembers: (_output, members, { value }) => writeJsonMembers(members, value, "restJson"),
  writePayload: (payload, value) => writeJsonValue(payload.shape, value, "restJson"),
  writeEvent: (shape, value) => writeJsonValue(shape, value, "restJson"),
  encodeError(error, _operation, _service, { requestId }) {
    const shape = error.modelled && exceptionShape(error.modelled);
    const bindings = shape && outputBindings(shape);
    const inHeaders = new Set(bindings?.headers.map(([member]) => member));
    const body = errorMembers(error, (members, value) =>
      jsonMembers(
        members.filter((member) => !inHeaders.has(member)),
        value,
        "restJson",
      ),
    );
    return {
      status: error.status,
      headers: {
        ...(bindings && writeHeaders(bindings, modelledValue(error))),
        "content-type": contentType,
        [requestIdHeader]: requestId,
        "x-amzn-errortype": error.name,
      },
      body: Buffer.from(JSON.stringify(body)),
    };
  },
});
