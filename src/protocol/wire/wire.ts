import { unreachable } from "#base/assert.ts";
import type { RequestContext } from "#base/context.ts";
import type { Operation, Service, WireProtocolId } from "#protocol/service/service.ts";
import { awsJson } from "./aws-json.ts";
import {
  RequestTooLargeError,
  SerializationError,
  toWireError,
  ValidationError,
} from "./errors.ts";
import { toMatchable } from "./form.ts";
import { explainMiss } from "./miss.ts";
import { HeldBody, isWholeBody, type WholeBody } from "./body.ts";
import { awsQuery } from "./aws-query.ts";
import { restJson } from "./rest-json.ts";
import { restXml } from "./rest-xml.ts";
import { rpcV2Cbor } from "./rpc-v2-cbor.ts";
import { trailingMembers } from "./trailers.ts";

export type { WholeBody };
export {
  HeldBody,
  isWholeBody,
  explainMiss,
  RequestTooLargeError,
  SerializationError,
  toMatchable,
  toWireError,
  trailingMembers,
  ValidationError,
};

/** A request as it left the listener: nothing has been interpreted yet. */
export interface WireRequest {
  readonly method: string;
  /** As sent, still percent-encoded, without the query string. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly rawQuery: string;
  /** Lower-case names; repeated headers joined with ",", as the canonical form of signatures wants. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Headers behind the body, lower-case names; complete once the body has been read to its end. */
  readonly trailers?: () => Readonly<Record<string, string>>;
  /** To be told when the body is read piece by piece and not kept. */
  readonly arriving?: { passOn(): void };
}

export interface WireResponse {
  readonly status: number;
  /** Lower-case names. No `content-length`: the listener knows the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | Uint8Array;
}

/** What an operation needs to be recognised: a request whose small form body may have been read. */
export interface MatchableRequest extends WireRequest {
  /** The decoded form of an `application/x-www-form-urlencoded` POST. */
  readonly form: URLSearchParams | undefined;
  /** Why such a body is no form: too large, too many parameters, not UTF-8. */
  readonly formError?: RequestTooLargeError | SerializationError;
}

/** Stateless; route tables are compiled once per service. */
export interface WireProtocol {
  readonly id: WireProtocolId;
  /** From method, path, query and headers only; undefined means "not mine". Never throws. */
  match(request: MatchableRequest, service: Service): OperationMatch | undefined;
  /**
   * The match must carry an operation. Malformed input throws `SerializationError`, a missing
   * required member `ValidationError`, an oversized body `RequestTooLargeError`; nothing else. A
   * streaming blob is handed on unread: its iterable is the request's body.
   */
  decode(request: MatchableRequest, match: OperationMatch): Promise<object>;
  encode(output: object, operation: Operation, context: RequestContext): WireResponse;
  encodeError(
    error: WireError,
    operation: Operation | undefined,
    service: Service,
    context: Pick<RequestContext, "requestId">,
  ): WireResponse;
}

export interface OperationMatch {
  readonly service: Service;
  /** The name as the client sent it, known or not. */
  readonly operationName: string;
  /** Undefined when the service's table has no such row. */
  readonly operation: Operation | undefined;
  /** Path labels, still percent-encoded. */
  readonly labels: Readonly<Record<string, string>>;
}

/** An error ready to be written: modelled exceptions and the protocol's own both become this. */
export interface WireError {
  /** Shape name, e.g. `ResourceNotFoundException`. */
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly fault: "client" | "server";
  /** The modelled exception itself, whose further members are serialised by its schema. */
  readonly modelled: object | undefined;
  /** Further fields of an error that the model does not describe (S3's). */
  readonly fields?: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where input that could not be read was found. */
  readonly place?: "path" | "query" | "header";
}

export const wireProtocols: ReadonlyMap<WireProtocolId, WireProtocol> = new Map(
  [awsJson("1.0"), awsJson("1.1"), restJson, restXml, awsQuery, rpcV2Cbor].map((protocol) => [
    protocol.id,
    protocol,
  ]),
);

/**
 * The protocol a request speaks among those its service offers, so that even the answer to nonsense
 * is in the caller's language. Falls back to the service's first.
 */
export function chooseProtocol(request: WireRequest, service: Service): WireProtocol {
  const { protocols } = service.description;
  const spoken = protocols.find((id) => speaks(id, request)) ?? protocols[0];
  const protocol = spoken && wireProtocols.get(spoken);
  if (!protocol) throw new TypeError(`${service.description.sdkId} names no wire protocol`);
  return protocol;
}

/** By the marks every SDK leaves; a REST request leaves none. */
function speaks(id: WireProtocolId, { method, headers, rawQuery }: WireRequest): boolean {
  const contentType = headers["content-type"] ?? "";
  const isRpc = headers["x-amz-target"] !== undefined;
  switch (id) {
    case "rpcV2Cbor":
      return headers["smithy-protocol"] === "rpc-v2-cbor";
    case "awsJson1_0":
      return isRpc && !contentType.includes("json-1.1");
    case "awsJson1_1":
      return isRpc && !contentType.includes("json-1.0");
    case "awsQuery":
      return method === "POST"
        ? contentType.startsWith("application/x-www-form-urlencoded")
        : /(^|&)Action=/.test(rawQuery);
    case "restJson1":
    case "restXml":
      return headers["smithy-protocol"] === undefined && !isRpc;
  }
  return unreachable(id);
}
