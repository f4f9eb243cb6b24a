import { assert } from "#base/assert.ts";
import type { Operation, Service, ServiceDescription } from "#protocol/service/service.ts";
import { readBody, decodeUtf8 } from "./body.ts";
import { encodeEventStream, eventStreamMember } from "./event-stream.ts";
import {
  readHeaders,
  readLabels,
  readQuery,
  inputBindings,
  outputBindings,
} from "./http-bindings.ts";
import type { Bindings } from "./http-bindings.ts";
import { writeHeaders } from "./http-headers.ts";
import { bodyBytesMax } from "./limits.ts";
import { hostId } from "./host-id.ts";
import { limitStream } from "./limit-stream.ts";
import { checkRequired } from "./required.ts";
import { compileRoutes } from "./routes.ts";
import type { RouteTable } from "./routes.ts";
import { isOperationSchema, operationShape } from "./shapes.ts";
import type { Member, OperationShape, Shape } from "./shapes.ts";
import { fillTokens } from "./tokens.ts";
import { withTrailers } from "./trailers.ts";
import { toBytes } from "./body.ts";
import type { MatchableRequest, OperationMatch, WireProtocol, WireResponse } from "./wire.ts";

/** What restJson1 and restXml do not share: how a body is written. */
export interface RestFormat {
  readonly id: "restJson1" | "restXml";
  /** Of a structured body. */
  readonly contentType: string;
  readonly requestIdHeader: string;
  /** `members` are those the model puts into the body. */
  readMembers(members: readonly Member[], bytes: Uint8Array): Record<string, unknown>;
  readPayload(payload: Member, bytes: Uint8Array): unknown;
  writeMembers(output: Shape, members: readonly Member[], written: Written): Uint8Array;
  /** The only member as the root element. */
  writeUnwrapped?(members: readonly Member[], written: Written): Uint8Array;
  writePayload(payload: Member, value: unknown, description: ServiceDescription): Uint8Array;
  writeEvent(shape: Shape, value: unknown): Uint8Array;
  encodeError: WireProtocol["encodeError"];
}

interface Written {
  readonly value: object;
  readonly description: ServiceDescription;
}

const tables = new WeakMap<Service, RouteTable>();

export function rest(format: RestFormat): WireProtocol {
  return {
    id: format.id,
    match(request, service) {
      let table = tables.get(service);
      if (!table) {
        // What we have comes first: it wins where the model has two operations for one request.
        const ours = [...service.operations.values()].map(({ schema }) => schema);
        const others = Object.values(service.description.overlapping ?? {});
        const lacking = others
          .filter(isOperationSchema)
          .filter(([, , name]) => !service.operations.has(name));
        table = compileRoutes([...ours, ...lacking]);
        tables.set(service, table);
      }
      const found = table.match(request);
      if (!found) return undefined;
      const operation = service.operations.get(found.operationName);
      return { service, ...found, operation };
    },
    async decode(request, match) {
      const { operation, service } = match;
      assert(operation, "only a matched operation is decoded");
      const { input } = operationShape(operation.schema);
      const bindings = inputBindings(input);
      const value: Record<string, unknown> = {};
      readLabels(bindings, match.labels, value);
      readQuery(bindings, request.rawQuery, value);
      readHeaders(bindings, request.headers, value);
      await readContent({ request, match, bindings, format, operation }, value);
      fillTokens(input, value);
      checkRequired(input, value, service);
      return value;
    },
    encode: (output, operation, { requestId }) =>
      encodeOutput(output, operation, { format, requestId }),
    encodeError: (...all) => format.encodeError(...all),
  };
}

interface Reading {
  readonly request: MatchableRequest;
  readonly match: OperationMatch;
  readonly bindings: Bindings;
  readonly format: RestFormat;
  readonly operation: Operation;
}

async function readContent(reading: Reading, value: Record<string, unknown>): Promise<void> {
  const { request, bindings, format, operation } = reading;
  const { payload, body } = bindings;
  if (payload?.shape.kind === "blob" && payload.shape.isStreaming) {
    const { bodyBytesMax } = operation;
    request.arriving?.passOn();
    const body =
      bodyBytesMax === undefined
        ? request.body
        : limitStream(request.body, bodyBytesMax, operation.name);
    const { trailers } = request;
    value[payload.name] = trailers
      ? withTrailers(body, () => readTrailers(bindings, trailers()))
      : body;
    return;
  }
  if (!payload && body.length === 0) return;
  const bytes = await readBody(
    request.body,
    operation.bodyBytesMax ?? bodyBytesMax,
    operation.name,
  );
  if (!payload) {
    Object.assign(value, format.readMembers(body, bytes));
    return;
  }
  if (bytes.byteLength === 0) return;
  const content = readPayload(payload, bytes, format);
  if (content !== undefined) value[payload.name] = content;
}

function readTrailers(
  bindings: Bindings,
  sent: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  readHeaders(bindings, sent, value);
  return value;
}

function readPayload(payload: Member, bytes: Uint8Array, format: RestFormat): unknown {
  const { kind } = payload.shape;
  if (kind === "blob") return bytes;
  return kind === "string" ? decodeUtf8(bytes) : format.readPayload(payload, bytes);
}

interface Writing {
  readonly format: RestFormat;
  readonly requestId: string;
}

function encodeOutput(value: object, operation: Operation, writing: Writing): WireResponse {
  const shape = operationShape(operation.schema);
  const bindings = outputBindings(shape.output);
  const headers = writeHeaders(bindings, value);
  headers[writing.format.requestIdHeader] = writing.requestId;
  if (operation.description.signingName === "s3") headers["x-amz-id-2"] = hostId(writing.requestId);
  const code = bindings.responseCode && memberValue(value, bindings.responseCode);
  const modelled = operation.statusOf?.(value) ?? shape.traits.http?.[2] ?? 200;
  const status = typeof code === "number" ? code : modelled;
  if (status === 204) return { status, headers, body: new Uint8Array() };
  const [contentType, body] = encodeContent(value, {
    shape,
    bindings,
    operation,
    format: writing.format,
  });
  const isStream = contentType === "application/vnd.amazon.eventstream";
  if (contentType !== undefined && (isStream || headers["content-type"] === undefined)) {
    headers["content-type"] = contentType;
  }
  return { status, headers, body };
}

interface Content {
  readonly shape: OperationShape;
  readonly bindings: Bindings;
  readonly operation: Operation;
  readonly format: RestFormat;
}

function encodeContent(
  value: object,
  { shape, bindings, operation, format }: Content,
): [contentType: string | undefined, body: WireResponse["body"]] {
  const { payload, body } = bindings;
  const events = eventStreamMember(shape.output);
  if (events) {
    const contentType = format.contentType;
    const frames = encodeEventStream(value, events, {
      contentType,
      writeValue: (shape, value) => format.writeEvent(shape, value),
      initialResponse: undefined,
    });
    return ["application/vnd.amazon.eventstream", frames];
  }
  if (!payload) {
    const isEmpty = body.length === 0 && (format.id === "restXml" || shape.output.kind === "unit");
    if (isEmpty) return [undefined, new Uint8Array()];
    const { description, isUnwrapped } = operation;
    if (isUnwrapped && format.writeUnwrapped)
      return [format.contentType, format.writeUnwrapped(body, { value, description })];
    return [format.contentType, format.writeMembers(shape.output, body, { value, description })];
  }
  const content = memberValue(value, payload);
  if (content === undefined || content === null) return [undefined, new Uint8Array()];
  const payloadContentType = operation.payloadContentType ?? payload.traits.mediaType;
  if (payload.shape.kind === "blob") {
    const contentType = payloadContentType ?? "application/octet-stream";
    return [contentType, isStream(content) ? content : toBytes(content)];
  }
  if (payload.shape.kind === "string") {
    return [payloadContentType ?? "text/plain", toBytes(content)];
  }
  return [format.contentType, format.writePayload(payload, content, operation.description)];
}

function isStream(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function memberValue(value: object, member: Member): unknown {
  return (value as Record<string, unknown>)[member.name]; // the member by its name
}
