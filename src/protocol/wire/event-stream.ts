import { crc32 } from "node:zlib";
import { assert } from "#base/assert.ts";
import { toWireError } from "./errors.ts";
import { eventFrameBytesMax } from "./limits.ts";
import { modelledValue } from "./modelled.ts";
import type { Member, Shape } from "./shapes.ts";
import { toBytes } from "./body.ts";

/** How the surrounding protocol writes the events' own members. */
export interface EventFormat {
  /** Of an event's body, e.g. `application/json`. */
  readonly contentType: string;
  writeValue(shape: Shape, value: unknown): Uint8Array;
  /** RPC protocols send the other output members as a first event; REST has headers for them. */
  readonly initialResponse: Uint8Array | undefined;
}

/** The output member that is a stream of events, if there is one. */
export function eventStreamMember(output: Shape): Member | undefined {
  return output.members.find(({ shape }) => shape.kind === "union" && shape.isStreaming);
}

/**
 * `application/vnd.amazon.eventstream` frames from an async iterable of union values. What the
 * iterable throws becomes the last frame: `exception` if the union models it, else `error`
 * (https://smithy.io/2.0/aws/amazon-eventstream.html). Returning early returns the source iterable.
 */
export async function* encodeEventStream(
  output: object,
  member: Member,
  format: EventFormat,
): AsyncGenerator<Uint8Array> {
  if (format.initialResponse) {
    yield encodeFrame(eventHeaders("initial-response", format.contentType), format.initialResponse);
  }
  const events = (output as Record<string, unknown>)[member.name]; // the member by its name
  if (events === undefined) return;
  assert(isAsyncIterable(events), "an event stream is an async iterable");
  try {
    for await (const event of events) yield encodeEvent(member.shape, event, format);
  } catch (error) {
    yield encodeException(member.shape, error, format);
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function encodeEvent(union: Shape, event: unknown, format: EventFormat): Uint8Array {
  assert(typeof event === "object" && event !== null, "an event is a union value");
  const chosen = union.members.find(
    ({ name }) => (event as Record<string, unknown>)[name] !== undefined,
  ); // members by name
  assert(chosen, "an event has one of the union's members");
  const value = (event as Record<string, unknown>)[chosen.name] as Record<string, unknown>; // a union of structures
  if (typeof chosen.shape.traits.error === "string") {
    return exceptionFrame(chosen, value, format);
  }
  const headers = eventHeaders(chosen.name, format.contentType);
  const payload = chosen.shape.members.find(({ traits }) => traits.eventPayload);
  for (const member of chosen.shape.members) {
    if (member.traits.eventHeader) addHeader(headers, member, value[member.name]);
  }
  if (!payload) return encodeFrame(headers, format.writeValue(chosen.shape, value));
  const body = value[payload.name];
  const [contentType, bytes] = payloadBody(payload, body, format);
  headers[":content-type"] = contentType;
  return encodeFrame(headers, bytes);
}

function payloadBody(
  member: Member,
  body: unknown,
  format: EventFormat,
): [contentType: string, bytes: Uint8Array] {
  const { kind } = member.shape;
  if (kind === "blob") return ["application/octet-stream", toBytes(body ?? new Uint8Array())];
  if (kind === "string") return ["text/plain", toBytes(body ?? "")];
  return [format.contentType, format.writeValue(member.shape, body ?? {})];
}

/** The generator's own error, thrown while the status line is long gone. */
function encodeException(union: Shape, error: unknown, format: EventFormat): Uint8Array {
  const wireError = toWireError(error);
  const chosen = union.members.find(({ shape }) => shape.name === wireError.name);
  if (chosen && wireError.modelled) return exceptionFrame(chosen, modelledValue(wireError), format);
  const headers = {
    ":message-type": "error",
    ":error-code": wireError.name,
    ":error-message": wireError.message,
  };
  return encodeFrame(headers, new Uint8Array());
}

function exceptionFrame(
  member: Member,
  value: Record<string, unknown>,
  format: EventFormat,
): Uint8Array {
  const headers = {
    ":message-type": "exception",
    ":exception-type": member.name,
    ":content-type": format.contentType,
  };
  return encodeFrame(headers, format.writeValue(member.shape, value));
}

type HeaderValue = string | number | bigint | boolean | Date | Uint8Array;

function eventHeaders(type: string, contentType: string): Record<string, HeaderValue> {
  return { ":message-type": "event", ":event-type": type, ":content-type": contentType };
}

function addHeader(headers: Record<string, HeaderValue>, member: Member, value: unknown): void {
  if (value === undefined || value === null) return;
  const { kind } = member.shape;
  assert(kind !== "list" && kind !== "map" && kind !== "structure", "an event header is a scalar");
  headers[member.name] = value as HeaderValue; // the scalar kinds' own types
}

/** Length, header length, their CRC, headers, body, CRC of it all; big-endian throughout. */
function encodeFrame(headers: Readonly<Record<string, HeaderValue>>, body: Uint8Array): Uint8Array {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => encodeHeader(name, value)),
  );
  const length = 12 + head.byteLength + body.byteLength + 4;
  assert(length <= eventFrameBytesMax, "an event fits in one frame");
  const frame = Buffer.allocUnsafe(length);
  frame.writeUInt32BE(length, 0);
  frame.writeUInt32BE(head.byteLength, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  frame.set(head, 12);
  frame.set(body, 12 + head.byteLength);
  frame.writeUInt32BE(crc32(frame.subarray(0, length - 4)), length - 4);
  return frame;
}

/** Name length and name, then a type byte and the value. */
function encodeHeader(name: string, value: HeaderValue): Buffer {
  const [type, bytes] = encodeHeaderValue(value);
  const label = Buffer.from(name, "utf8");
  return Buffer.concat([Buffer.from([label.byteLength]), label, Buffer.from([type]), bytes]);
}

function encodeHeaderValue(value: HeaderValue): [type: number, bytes: Buffer] {
  if (typeof value === "boolean") return [value ? 0 : 1, Buffer.alloc(0)];
  if (typeof value === "string") return [7, sized(Buffer.from(value, "utf8"))];
  if (value instanceof Uint8Array) return [6, sized(Buffer.from(value))];
  const bytes = Buffer.alloc(8);
  if (value instanceof Date) {
    bytes.writeBigInt64BE(BigInt(value.getTime()));
    return [8, bytes];
  }
  if (typeof value === "number" && Math.abs(value) < 2 ** 31) {
    bytes.writeInt32BE(Math.trunc(value));
    return [4, bytes.subarray(0, 4)];
  }
  bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)));
  return [5, bytes];
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}
