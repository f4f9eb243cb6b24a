import type {
  BlobPayloadInputTypes,
  StaticOperationSchema,
  StreamingBlobPayloadInputTypes,
  StreamingBlobPayloadOutputTypes,
} from "@smithy/types";
import { assert } from "#base/assert.ts";
import type { RequestContext } from "#base/context.ts";

/**
 * A service is a table of operations. All types come from the SDK package; none are written by us.
 * This is the one file whose types are allowed to be clever, because everything else becomes simple
 * through it.
 */
type Command<Sdk, Op extends string> = `${Op}Command` extends keyof Sdk
  ? Sdk[`${Op}Command`]
  : never;
/** From the instance: a command whose members are all optional has a constructor of two forms. */
type CommandInput<C> = C extends new (...a: never[]) => { readonly input: infer I } ? I : never;
type CommandOutput<C> = C extends new (...a: never[]) => {
  resolveMiddleware(...a: never[]): (...a: never[]) => Promise<{ output: infer O }>;
}
  ? O
  : never;
type Bytes<V> = Uint8Array | Extract<V, undefined>;
type ByteStream<V> = AsyncIterable<Uint8Array> | Extract<V, undefined>;
/** What is at hand whole is written whole, in one piece with its head. */
type BytesOrStream<V> = Uint8Array | ByteStream<V>;
type FromWire<V> = [BlobPayloadInputTypes] extends [V]
  ? Bytes<V>
  : [StreamingBlobPayloadInputTypes] extends [V]
    ? ByteStream<V>
    : V;
/** An empty structure takes anything, a symbol too; a stream does not. */
type ToWire<V> = [StreamingBlobPayloadOutputTypes] extends [V]
  ? [symbol] extends [V]
    ? V
    : BytesOrStream<V>
  : [Extract<V, Uint8Array>] extends [never]
    ? V
    : Bytes<V>;

type OperationName<Sdk> = {
  [K in keyof Sdk]: K extends `${infer Op}Command` ? Op : never;
}[keyof Sdk];

/** Required members lose `undefined`; blobs are bytes; streaming blobs are byte iterables. */
type ServerInput<T> = {
  [K in keyof T]: {} extends Pick<T, K> ? FromWire<T[K]> : Exclude<FromWire<T[K]>, undefined>;
};
type ServerOutput<T> = { [K in keyof T as K extends "$metadata" ? never : K]: ToWire<T[K]> };

export type OperationInput<Sdk, Op extends string> = ServerInput<CommandInput<Command<Sdk, Op>>>;
export type OperationOutput<Sdk, Op extends string> = ServerOutput<CommandOutput<Command<Sdk, Op>>>;
export type Handler<Sdk, Op extends string> = (
  input: OperationInput<Sdk, Op>,
  context: RequestContext,
) => Promise<OperationOutput<Sdk, Op>>;
export type OperationTable<Sdk> = {
  readonly [Op in OperationName<Sdk>]?: readonly [
    schema: StaticOperationSchema,
    handler: Handler<Sdk, Op>,
    options?: OperationOptions,
  ];
};

/** What an operation may ask of the protocol beyond its schema. */
interface OperationOptions {
  /** Largest request body, also of a streaming one; without it a buffered body ends at 16 MiB, a stream nowhere. */
  readonly bodyBytesMax?: number;
  /** Of a blob or text payload, where the service says more than the model: Lambda's Invoke answers `application/json`. */
  readonly payloadContentType?: string;
  /** Where the answer's status depends on what is answered: 206 for a part of an object. */
  readonly statusOf?: (output: object) => number;
  /** The only member of the answer is its root element (S3's `s3UnwrappedXmlOutput` trait). */
  readonly isUnwrapped?: true;
}

export type WireProtocolId =
  | "awsJson1_0"
  | "awsJson1_1"
  | "restJson1"
  | "restXml"
  | "awsQuery"
  | "rpcV2Cbor";

export interface ServiceDescription {
  /** As in the SDK: `Lambda`, `CloudWatch Logs`. */
  readonly sdkId: string;
  /** Name in the credential scope: `lambda`, `logs`, `iam`, `sts`. */
  readonly signingName: string;
  /** Host label: `lambda.us-east-1.amazonaws.com`. Often equal to the signing name. */
  readonly endpointPrefix: string;
  /** The first is the one errors use when nothing about a request says otherwise. */
  readonly protocols: readonly WireProtocolId[];
  /** `X-Amz-Target` prefix of the JSON protocols, e.g. `Logs_20140328`. */
  readonly targetPrefix?: string;
  /** `Version` of the Query protocol, e.g. `2010-05-08`. */
  readonly apiVersion: string;
  /** XML namespace of Query and restXml answers. */
  readonly xmlNamespace?: string;
  /** Every operation name of the model, so that the unimplemented are told from the unknown. */
  readonly operationNames?: readonly string[];
  /**
   * The whole SDK module, `() => import("@aws-sdk/client-lambda")`: loaded only after a request that no
   * row matched, to tell what the model knows and we lack from what nobody knows.
   */
  readonly model?: () => Promise<object>;
  /**
   * The service's own error for absent required members; without it, `ValidationException`. Without a
   * message, the sentence of the services' common framework.
   */
  readonly missingMembers?: (paths: readonly string[]) => {
    readonly code: string;
    readonly message?: string;
  };
  /**
   * Answers of the JSON protocols carry the CRC-32 of their body, which clients check (DynamoDB:
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html).
   */
  readonly sendsCrc32?: boolean;
  /** Moved from Query to another protocol and still sends `x-amzn-query-error` (SQS). */
  readonly isQueryCompatible?: boolean;
  /**
   * Query: the member that a request's path stands for where the form has none. SQS: `QueueUrl`, see
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
   */
  readonly queryPathMember?: string;
  /**
   * The SDK module, where what we lack would look like something we have: S3 tells many operations apart
   * by a name in the query alone.
   */
  readonly overlapping?: object;
}

export interface Service {
  readonly description: ServiceDescription;
  readonly operations: ReadonlyMap<string, Operation>;
}

export interface Operation extends OperationOptions {
  readonly name: string;
  /** Of the service it belongs to. */
  readonly description: ServiceDescription;
  readonly schema: StaticOperationSchema;
  handle(input: object, context: RequestContext): Promise<object>;
}

/** Asserts that every schema's own name equals its key. */
export function defineService<Sdk>(
  description: ServiceDescription,
  table: OperationTable<Sdk>,
): Service {
  const operations = new Map<string, Operation>();
  const rows = Object.entries(table) as [
    string,
    [StaticOperationSchema, Operation["handle"], OperationOptions?],
  ][]; // values are the table's rows; Object.entries forgets that
  for (const [name, [schema, handle, options]] of rows) {
    assert(schema[2] === name, `the schema of ${name} names the same operation, not ${schema[2]}`);
    operations.set(name, { ...options, name, description, schema, handle });
  }
  return { description, operations };
}
