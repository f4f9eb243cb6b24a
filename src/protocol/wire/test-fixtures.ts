import { existsSync, readdirSync, readFileSync } from "node:fs";
import { TypeRegistry } from "@smithy/core/schema";
import type { StaticOperationSchema } from "@smithy/types";
import { defineService } from "#protocol/service/service.ts";
import type { Operation, Service, WireProtocolId } from "#protocol/service/service.ts";

/**
 * botocore's protocol cases (input and output), which carry their models in botocore's own form. This
 * turns those models into the tuples of the SDK. For tests only.
 */
const folder = new URL("../../../../shared/fixtures/aws-protocols/", import.meta.url);

export const fixturesAbsent = existsSync(folder)
  ? false
  : "the protocol cases (../shared/fixtures/aws-protocols) are not on this machine";

interface ShapeRef {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string;
  readonly flattened?: boolean;
  readonly hostLabel?: boolean;
  readonly idempotencyToken?: boolean;
  readonly jsonvalue?: boolean;
  readonly timestampFormat?: string;
  readonly xmlAttribute?: boolean;
  readonly xmlNamespace?: string | { readonly uri: string; readonly prefix?: string };
}

interface BotocoreShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, ShapeRef>>;
  readonly member?: ShapeRef;
  readonly key?: ShapeRef;
  readonly value?: ShapeRef;
  readonly required?: readonly string[];
  readonly payload?: string;
  readonly flattened?: boolean;
  readonly union?: boolean;
  readonly document?: boolean;
  readonly streaming?: boolean;
  readonly exception?: boolean;
  readonly fault?: boolean;
  readonly error?: { readonly code?: string; readonly httpStatusCode?: number };
  readonly locationName?: string;
  readonly timestampFormat?: string;
  readonly xmlNamespace?: ShapeRef["xmlNamespace"];
}

interface Suite {
  readonly description: string;
  readonly clientEndpoint?: string;
  readonly metadata: {
    readonly protocol: string;
    readonly apiVersion: string;
    readonly targetPrefix?: string;
    readonly jsonVersion?: string;
    readonly awsQueryCompatible?: object;
  };
  readonly shapes: Readonly<Record<string, BotocoreShape>>;
  readonly cases: readonly Case[];
}

interface Case {
  readonly id: string;
  readonly given: {
    readonly name: string;
    readonly http: {
      readonly method: string;
      readonly requestUri: string;
      readonly responseCode?: number;
    };
    readonly input?: ShapeRef;
    readonly output?: ShapeRef;
    readonly errors?: readonly { readonly shape: string }[];
    readonly endpoint?: { readonly hostPrefix?: string };
  };
  readonly params?: Readonly<Record<string, unknown>>;
  readonly serialized?: {
    readonly method: string;
    readonly uri: string;
    readonly host?: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: Readonly<Record<string, unknown>>;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly response?: { readonly status_code: number; readonly body?: string };
}

export interface LoadedCase {
  readonly suite: Suite;
  readonly test: Case;
  readonly file: string;
  readonly protocol: WireProtocolId;
  readonly service: Service;
  readonly operation: Operation;
  /** The class of the case's modelled error, if it has one. */
  readonly errorClass: (new (members: object) => Error) | undefined;
  readonly namespace: string;
}

const protocols: Readonly<Record<string, (suite: Suite) => WireProtocolId>> = {
  json: ({ metadata }) => (metadata.jsonVersion === "1.0" ? "awsJson1_0" : "awsJson1_1"),
  query: () => "awsQuery",
  "rest-json": () => "restJson1",
  "rest-xml": () => "restXml",
  "smithy-rpc-v2-cbor": () => "rpcV2Cbor",
};

/** Every case of our protocols; EC2's dialect of Query is not one of them. */
export function loadCases(direction: "input" | "output"): LoadedCase[] {
  const cases: LoadedCase[] = [];
  for (const file of readdirSync(new URL(direction, folder)).toSorted()) {
    const text = readFileSync(new URL(`${direction}/${file}`, folder), "utf8");
    const suites = JSON.parse(text) as Suite[]; // botocore's own format, described above
    for (const [index, suite] of suites.entries()) {
      const protocol = protocols[suite.metadata.protocol]?.(suite);
      if (!protocol) continue;
      for (const [caseIndex, test] of suite.cases.entries()) {
        const namespace = `test.${direction}.${file}.${index}.${caseIndex}`;
        cases.push({
          suite,
          test,
          file,
          protocol,
          namespace,
          ...define({ suite, test, protocol, namespace }),
        });
      }
    }
  }
  return cases;
}

type Undefined = Pick<LoadedCase, "suite" | "test" | "protocol" | "namespace">;

function define(given: Undefined): Pick<LoadedCase, "service" | "operation" | "errorClass"> {
  const { suite, test, protocol, namespace } = given;
  const { name, http, input, output, endpoint } = test.given;
  const converter = createConverter(given);
  const isRest = protocol.startsWith("rest");
  const schema = [
    9,
    namespace,
    name,
    {
      ...(isRest && { http: [http.method, http.requestUri, http.responseCode ?? 200] }),
      ...(endpoint?.hostPrefix && { endpoint: [endpoint.hostPrefix] }),
    },
    input ? reference(converter, input) : "unit",
    output ? reference(converter, output) : "unit",
  ] as unknown as StaticOperationSchema; // built as the SDK's generator builds it
  const handler = async (): Promise<object> => ({});
  const table = { [name]: [schema, handler] };
  const service = defineService<Record<string, never>>(
    {
      sdkId: "Test",
      signingName: "test",
      endpointPrefix: "test",
      protocols: [protocol],
      apiVersion: suite.metadata.apiVersion,
      ...(suite.metadata.targetPrefix !== undefined && {
        targetPrefix: suite.metadata.targetPrefix,
      }),
      ...(suite.metadata.awsQueryCompatible && { isQueryCompatible: true }),
    },
    table,
  );
  const operation = service.operations.get(name);
  if (!operation) throw new TypeError(`no operation ${name}`);
  const [error] = test.given.errors ?? [];
  return { service, operation, errorClass: error && createErrorClass(converter, error.shape) };
}

interface Converter {
  readonly shapes: Suite["shapes"];
  readonly namespace: string;
  readonly isXml: boolean;
  readonly known: Map<string, unknown>;
}

const scalars: Readonly<Record<string, number>> = {
  blob: 21,
  boolean: 2,
  byte: 1,
  character: 0,
  double: 1,
  float: 1,
  integer: 1,
  long: 1,
  short: 1,
  string: 0,
};

const timestampKinds: Readonly<Record<string, number>> = {
  iso8601: 5,
  rfc822: 6,
  unixTimestamp: 7,
};

function createConverter({ suite, protocol, namespace }: Undefined): Converter {
  const isXml = protocol === "restXml" || protocol === "awsQuery";
  return { shapes: suite.shapes, namespace, isXml, known: new Map() };
}

function shapeNamed(converter: Converter, name: string): unknown {
  const { shapes, known } = converter;
  const found = shapes[name];
  if (!found) throw new TypeError(`no shape ${name}`);
  if (!known.has(name)) known.set(name, convert(converter, name, found));
  return known.get(name);
}

function reference(converter: Converter, ref: ShapeRef): unknown {
  const target = converter.shapes[ref.shape];
  const format = ref.timestampFormat ?? target?.timestampFormat;
  if (target?.type === "timestamp") return format ? (timestampKinds[format] ?? 4) : 4;
  return () => shapeNamed(converter, ref.shape);
}

function convert(converter: Converter, name: string, shape: BotocoreShape): unknown {
  const { namespace, isXml } = converter;
  const { type, member, key, value } = shape;
  const own = {
    ...(isXml && shape.locationName && { xmlName: shape.locationName }),
    ...namespaceTrait(shape.xmlNamespace),
  };
  const part = (ref: ShapeRef): unknown => [reference(converter, ref), traitsOf(converter, ref)];
  if (type === "structure") {
    return shape.document ? 15 : structure(converter, name, { shape, own });
  }
  if (type === "list" && member) return [1, namespace, name, own, part(member)];
  if (type === "map" && key && value) return [2, namespace, name, own, part(key), part(value)];
  if (type === "blob" && shape.streaming) return 42;
  const scalar = scalars[type];
  if (scalar === undefined) throw new TypeError(`unknown type ${type}`);
  return scalar;
}

function structure(
  converter: Converter,
  name: string,
  { shape, own }: { readonly shape: BotocoreShape; readonly own: object },
): unknown {
  const { members = {}, required = [], payload, union, exception } = shape;
  const sorted = Object.entries(members).toSorted(
    ([a], [b]) => Number(required.includes(b)) - Number(required.includes(a)),
  );
  return [
    exception ? -3 : union ? 4 : 3,
    converter.namespace,
    name,
    exception ? { ...own, ...errorTraits(shape) } : own,
    sorted.map(([memberName]) => memberName),
    sorted.map(([memberName, ref]) => [
      reference(converter, ref),
      { ...traitsOf(converter, ref), ...(memberName === payload && { httpPayload: 1 }) },
    ]),
    required.length,
  ];
}

function errorTraits({ error, fault }: BotocoreShape): object {
  return {
    error: fault ? "server" : "client",
    ...(error?.httpStatusCode && { httpError: error.httpStatusCode }),
    ...(error?.code && { awsQueryError: [error.code, error.httpStatusCode] }),
  };
}

function traitsOf({ shapes, isXml }: Converter, ref: ShapeRef): object {
  const target = shapes[ref.shape];
  const { location, locationName } = ref;
  const isFlat = ref.flattened ?? target?.flattened ?? false;
  // Where the list itself is flat, botocore names the items on it, Smithy on the member that holds it.
  const itemName = target?.flattened ? target.member?.locationName : undefined;
  const bodyName = location === undefined ? (itemName ?? locationName) : undefined;
  return {
    ...(location === "uri" && { httpLabel: 1 }),
    ...(location === "header" && { httpHeader: locationName }),
    ...(location === "headers" && { httpPrefixHeaders: locationName ?? "" }),
    ...(location === "statusCode" && { httpResponseCode: 1 }),
    ...(location === "querystring" &&
      (target?.type === "map" ? { httpQueryParams: 1 } : { httpQuery: locationName })),
    ...(bodyName !== undefined && { [isXml ? "xmlName" : "jsonName"]: bodyName }),
    ...(isFlat && { xmlFlattened: 1 }),
    ...(ref.xmlAttribute && { xmlAttribute: 1 }),
    ...(ref.hostLabel && { hostLabel: 1 }),
    ...(ref.idempotencyToken && { idempotencyToken: 1 }),
    ...(ref.jsonvalue && { mediaType: "application/json" }),
    ...namespaceTrait(ref.xmlNamespace),
  };
}

/** Registers the exception as the SDK's packages register theirs. */
function createErrorClass(converter: Converter, name: string): new (members: object) => Error {
  const schema = shapeNamed(converter, name) as [number, string, string, { error: string }]; // an exception's tuple
  class Modelled extends Error {
    static readonly shapeId = `${converter.namespace}#${name}`;
    readonly $fault = schema[3].error;
    override readonly name = name;
    constructor(members: object) {
      super();
      Object.assign(this, members);
    }
  }
  TypeRegistry.for(converter.namespace).registerError(schema as never, Modelled); // its parameter is a full error schema, which this is
  return Modelled;
}

function namespaceTrait(xmlNamespace: ShapeRef["xmlNamespace"]): object {
  if (xmlNamespace === undefined) return {};
  if (typeof xmlNamespace === "string") return { xmlNamespace: [xmlNamespace] };
  const { uri, prefix } = xmlNamespace;
  return { xmlNamespace: prefix === undefined ? [uri] : [uri, prefix] };
}
