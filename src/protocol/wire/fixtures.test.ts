import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, isDeepStrictEqual, types } from "node:util";
import { operationShape, exceptionShape } from "./shapes.ts";
import type { Shape } from "./shapes.ts";
import { sdkDecode } from "./test-decode.ts";
import { fixturesAbsent, loadCases } from "./test-fixtures.ts";
import type { LoadedCase } from "./test-fixtures.ts";
import { collect, testContext } from "./test-server.ts";
import { toMatchable, toWireError, wireProtocols } from "./wire.ts";
import type { WireProtocol } from "./wire.ts";

/**
 * Cases that do not pass, each with its reason. The tests fail if a listed case passes or an unlisted
 * one does not.
 */
const noBody = "the case states the headers of a compressed request, not its body";
const allInMap =
  "a server puts every parameter into the map, the client's input had only the others";
const notSent = "an empty list or map leaves no trace on the wire";
const token = "the client made up the token; the parameters do not have it";
const empty = "an absent payload is sent as an empty structure and read as one";

const inputDiffers: Readonly<Record<string, string>> = {
  "awsJson1_0 SDKAppliedContentEncoding_awsJson1_0": noBody,
  "awsJson1_0 SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0": noBody,
  "awsJson1_1 SDKAppliedContentEncoding_awsJson1_1": noBody,
  "awsJson1_1 SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1": noBody,
  "awsQuery SDKAppliedContentEncoding_awsQuery": noBody,
  "awsQuery SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery": noBody,
  "awsQuery QueryProtocolIdempotencyTokenAutoFill": token,
  "awsQuery QueryEmptyQueryMaps": notSent,
  "restJson1 RestJsonHostWithPath": "a base path belongs to the client's endpoint; ours has none",
  "restJson1 RestJsonHttpPrefixHeadersAreNotPresent": notSent,
  "restJson1 RestJsonOmitsEmptyListQueryValues": notSent,
  "restJson1 SDKAppliedContentEncoding_restJson1": noBody,
  "restJson1 SDKAppendedGzipAfterProvidedEncoding_restJson1": noBody,
  "restJson1 RestJsonQueryIdempotencyTokenAutoFill": token,
  "restJson1 RestJsonQueryParamsStringListMap": allInMap,
  "restJson1 RestJsonQueryPrecedence": allInMap,
  "restJson1 RestJsonHttpWithEmptyStructurePayload": empty,
  "restJson1 RestJsonHttpWithHeadersButNoPayload": empty,
  "restXml AllQueryStringTypes": allInMap,
  "restXml RestXmlQueryStringEscaping": allInMap,
  "restXml RestXmlSupportsNaNFloatQueryValues": allInMap,
  "restXml RestXmlSupportsInfinityFloatQueryValues": allInMap,
  "restXml RestXmlSupportsNegativeInfinityFloatQueryValues": allInMap,
  "restXml RestXmlZeroAndFalseQueryValues": allInMap,
  "restXml HttpPrefixHeadersAreNotPresent": notSent,
  "restXml SDKAppliedContentEncoding_restXml": noBody,
  "restXml SDKAppendedGzipAfterProvidedEncoding_restXml": noBody,
  "restXml QueryIdempotencyTokenAutoFill": token,
  "restXml RestXmlQueryParamsStringListMap": allInMap,
  "restXml RestXmlQueryPrecedence": allInMap,
};
const outputDiffers: Readonly<Record<string, string>> = {
  "restJson1 HttpPrefixHeadersResponse":
    "the empty prefix makes the client read content type and request id as members too",
};

test(
  "requests of botocore's cases are read back as their parameters",
  { skip: fixturesAbsent },
  async (t) => {
    await runAll(loadCases("input"), {
      differs: inputDiffers,
      run: checkInput,
      report: (text) => t.diagnostic(text),
    });
  },
);

test(
  "values of botocore's cases are written so that the SDK reads them back",
  { skip: fixturesAbsent },
  async (t) => {
    await runAll(loadCases("output"), {
      differs: outputDiffers,
      run: checkOutput,
      report: (text) => t.diagnostic(text),
    });
  },
);

interface Plan {
  readonly differs: Readonly<Record<string, string>>;
  run(loaded: LoadedCase): Promise<void>;
  report(text: string): void;
}

async function runAll(cases: readonly LoadedCase[], plan: Plan): Promise<void> {
  const counts = new Map<string, { passed: number; differ: number }>();
  const wrong: string[] = [];
  for (const loaded of cases) {
    const count = counts.get(loaded.file) ?? { passed: 0, differ: 0 };
    counts.set(loaded.file, count);
    const key = `${loaded.protocol} ${loaded.test.id}`;
    const listed = plan.differs[key] !== undefined;
    try {
      await plan.run(loaded);
      count.passed++;
      if (listed) wrong.push(`${key}: passes, but is listed`);
    } catch (error) {
      count.differ++;
      if (!listed) wrong.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const [file, { passed, differ }] of counts) {
    plan.report(`${file}: ${passed} pass, ${differ} differ for a reason`);
  }
  assert.deepEqual(wrong, []);
}

async function checkInput(loaded: LoadedCase): Promise<void> {
  const { suite, test: given, service } = loaded;
  const protocol = protocolOf(loaded);
  const { serialized, params = {} } = given;
  assert(serialized);
  const [path = "/", rawQuery = ""] = serialized.uri.split("?");
  const headers = Object.fromEntries(
    Object.entries(serialized.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  headers.host ??= serialized.host ?? new URL(suite.clientEndpoint ?? "https://test.example").host;
  if (loaded.protocol === "awsQuery")
    headers["content-type"] ??= "application/x-www-form-urlencoded";
  if (loaded.protocol.startsWith("awsJson")) {
    headers["x-amz-target"] ??= `${suite.metadata.targetPrefix}.${given.given.name}`;
  }
  const encoding = loaded.protocol === "rpcV2Cbor" ? "base64" : "utf8";
  const bytes = Buffer.from(serialized.body ?? "", encoding);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const sent = { method: serialized.method, path, rawQuery, headers, body: body() };
  const request = await toMatchable(sent);
  const match = protocol.match(request, service);
  assert(match?.operation === loaded.operation, "the operation is not recognised");
  const decoded = await protocol.decode(request, match);
  const { input } = operationShape(loaded.operation.schema);
  assertSame(await plain(input, decoded), await plain(input, native(input, params)));
}

async function checkOutput(loaded: LoadedCase): Promise<void> {
  const { test: given, operation, service } = loaded;
  const protocol = protocolOf(loaded);
  const { output } = operationShape(operation.schema);
  if (!loaded.errorClass || given.error === undefined) {
    const value = native(output, given.result ?? {}) as object; // a structure
    const response = protocol.encode(value, operation, testContext());
    if (given.response) assert.equal(response.status, given.response.status_code);
    const decoded = await sdkDecode(loaded, { ...response, body: await collect(response.body) });
    assertSame(await plain(output, decoded), await plain(output, value));
    return;
  }
  const probe = new loaded.errorClass({});
  const shape = exceptionShape(probe);
  assert(shape);
  const members = native(shape, given.error) as object; // a structure
  const message = given.errorMessage ?? "";
  const thrown = Object.assign(new loaded.errorClass(members), { message });
  const error = toWireError(thrown);
  const response = protocol.encodeError(error, operation, service, testContext());
  const body = await collect(response.body);
  await assert.rejects(sdkDecode(loaded, { ...response, body }), (decoded: unknown) => {
    assert(decoded instanceof Error);
    assert.equal(decoded.constructor, loaded.errorClass);
    assert.equal(decoded.message, message === "" ? decoded.message : message);
    for (const [name, value] of Object.entries(members)) {
      if (name.toLowerCase() !== "message") {
        assertSame((decoded as unknown as Record<string, unknown>)[name], value);
      }
    }
    return true;
  });
}

/** One line each, because a run may have many to tell. */
function assertSame(actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const options = { breakLength: Number.POSITIVE_INFINITY, depth: 9 };
  throw new Error(`${inspect(actual, options)} is not ${inspect(expected, options)}`);
}

function protocolOf(loaded: LoadedCase): WireProtocol {
  const protocol = wireProtocols.get(loaded.protocol);
  assert(protocol);
  return protocol;
}

/** The case's JSON as the values our side works with. */
function native(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (shape.element && Array.isArray(value)) {
    const { element } = shape;
    return value.map((item) => native(element.shape, item));
  }
  if (typeof value === "object" && shape.element) {
    const { element } = shape;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, native(element.shape, item)]),
    );
  }
  if (shape.kind === "structure" || shape.kind === "union") {
    const source = value as Record<string, unknown>; // a structure's JSON
    const result: Record<string, unknown> = {};
    for (const member of shape.members) {
      if (!Object.hasOwn(source, member.name)) continue;
      const item = source[member.name];
      const isJsonText = member.traits.mediaType === "application/json" && typeof item !== "string";
      result[member.name] = isJsonText ? JSON.stringify(item) : native(member.shape, item);
    }
    return result;
  }
  if (shape.kind === "timestamp") return new Date(Number(value) * 1000);
  if (shape.kind === "blob") return Buffer.from(value as string); /* a blob is text in the cases */
  if (shape.kind === "number") return Number(value);
  return value;
}

/** For comparison: bytes as text, streams read, dates as text, what is not there left out. */
async function plain(shape: Shape, value: unknown): Promise<unknown> {
  if (value === null || value === undefined) return undefined;
  if (shape.kind === "unit") return {};
  if (shape.kind === "blob") return `bytes ${await textOf(value)}`;
  if (value instanceof Date) return value.toISOString();
  if (shape.kind === "list" && Array.isArray(value) && shape.element) {
    const items: unknown[] = [];
    for (const item of value) items.push(await plain(shape.element.shape, item));
    return items;
  }
  const isStructure = shape.kind === "structure" || shape.kind === "union";
  if (shape.kind === "map" || isStructure) {
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      // maps and structures are objects
      const child = shape.element?.shape ?? shape.members.find(({ name }) => name === key)?.shape;
      const read = child && (await plain(child, item));
      if (read !== undefined) result[key] = read;
    }
    return result;
  }
  // The SDK may wrap JSON text in an object of its own.
  if (shape.kind === "string" && types.isStringObject(value)) return value.valueOf();
  return value;
}

async function textOf(value: unknown): Promise<string> {
  return (await collect(value as Uint8Array | AsyncIterable<Uint8Array>)).toString("utf8"); // a blob of either kind
}
