import type { RequestContext } from "#base/context.ts";
import type { Operation, Service, WireProtocolId } from "#protocol/service/service.ts";

/** A request as it left the listener: nothing has been interpreted yet. */
export interface WireRequest {
  readonly method: string;
  /** As sent, still percent-encoded, without the query string. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly rawQuery: string;
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | Uint8Array;
}

/** What an operation needs to be recognised: a request whose small form body may have been read. */
export interface MatchableRequest extends WireRequest {
  /** The decoded form of an `application/x-www-form-urlencoded` POST. */
  readonly form: URLSearchParams | undefined;
}

/** Stateless; route tables are compiled once per service. */
export interface WireProtocol {
  readonly id: WireProtocolId;
  /** From method, path, query and headers only; undefined means "not mine". */
  match(request: MatchableRequest, service: Service): OperationMatch | undefined;
  /** Malformed input throws `SerializationError`; a missing required member `ValidationError`. */
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
}
