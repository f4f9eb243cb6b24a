import assert from "node:assert/strict";
import { test } from "node:test";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as s3 from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { defineService } from "#protocol/service/service.ts";
import type { Service, WireProtocolId } from "#protocol/service/service.ts";
import { encodeCbor } from "./cbor-encode.ts";
import { readCborMembers, writeCborMembers } from "./cbor-values.ts";
import { readJsonMembers, writeJsonMembers } from "./json.ts";
import { isOperationSchema, operationShape } from "./shapes.ts";
import type { Member, Shape } from "./shapes.ts";
import {
  RequestTooLargeError,
  SerializationError,
  toMatchable,
  ValidationError,
  wireProtocols,
} from "./wire.ts";
import type { WireRequest } from "./wire.ts";
import { parseXml } from "./xml-parse.ts";
import { readXmlMembers } from "./xml-read.ts";
import { writeXmlMembers, xmlAttributes, xmlElement } from "./xml-write.ts";

/** fast-check prints the seed and the smallest counterexample when a property fails. */
const runs = { numRuns: 400 };

/** A whole SDK module as a service: every operation there is, none with a real handler. */
function serviceOf(sdk: object, protocol: WireProtocolId): Service {
  const schemas = Object.values(sdk).filter(isOperationSchema);
  const handler = async (): Promise<object> => ({});
  return defineService<Record<string, never>>(
    {
      sdkId: "Test",
      signingName: "test",
      endpointPrefix: "test",
      protocols: [protocol],
      targetPrefix: "T",
      apiVersion: "1",
    },
    Object.fromEntries(schemas.map((schema) => [schema[2], [schema, handler]])),
  );
}

const services: readonly (readonly [WireProtocolId, Service])[] = [
  ["restJson1", serviceOf(lambda, "restJson1")],
  ["restXml", serviceOf(s3, "restXml")],
  ["awsJson1_1", serviceOf(logs, "awsJson1_1")],
  ["awsJson1_0", serviceOf(dynamodb, "awsJson1_0")],
  ["awsQuery", serviceOf(iam, "awsQuery")],
  ["rpcV2Cbor", serviceOf(logs, "rpcV2Cbor")],
];

const nastyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "member",
    "entry",
    "1",
    "",
    "NaN",
    "-1e999",
  ),
);

/** Names of members make it past the first level often enough to be interesting. */
const memberNames = fc.constantFrom(
  ...new Set(
    services.flatMap(([, { operations }]) =>
      [...operations.values()].flatMap(({ schema }) =>
        operationShape(schema).input.members.flatMap(({ name, traits }) => [
          name,
          traits.httpQuery ?? name,
          traits.httpHeader ?? name,
        ]),
      ),
    ),
  ),
);
const key = fc.oneof(memberNames, nastyText);

const json: fc.Arbitrary<unknown> = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.boolean(), fc.double(), fc.maxSafeInteger(), nastyText, fc.constant(null)),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 5 }),
  ),
})).tree;

const xml: fc.Arbitrary<string> = fc.letrec<{ element: string }>((tie) => ({
  element: fc
    .tuple(
      fc.oneof(memberNames, fc.constantFrom("a", "s:b", "?x", "!--", "![CDATA[", "!DOCTYPE")),
      fc.oneof(
        { depthSize: "small" },
        nastyText,
        fc.array(tie("element"), { maxLength: 3 }).map((children) => children.join("")),
      ),
    )
    .map(([name, content]) => `<${name}>${content}</${name}>`),
})).element;

const form = fc
  .array(fc.tuple(fc.array(key, { minLength: 1, maxLength: 6 }), nastyText), { maxLength: 8 })
  .map((pairs) =>
    new URLSearchParams(
      pairs.map(([names, value]) => [names.join("."), value.toWellFormed()]),
    ).toString(),
  );

const body: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  json.map((value) => Buffer.from(JSON.stringify(value) ?? "")),
  xml.map((text) => Buffer.from(text)),
  form.map((text) => Buffer.from(text)),
  json.map((value) => encodeCbor(value)),
);

test("no decoder throws anything but its typed errors, and no prototype changes", async () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  for (const [id, service] of services) {
    const protocol = wireProtocols.get(id);
    assert(protocol);
    const operations = [...service.operations.values()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...operations),
        body,
        fc.record({
          query: form,
          headers: fc.dictionary(
            key.map((name) => name.toLowerCase()),
            nastyText,
          ),
          label: nastyText,
        }),
        async (operation, bytes, { query, headers, label }) => {
          async function* stream(): AsyncGenerator<Uint8Array> {
            yield bytes;
          }
          const sent: WireRequest = {
            method: "POST",
            path: `/service/T/operation/${operation.name}`,
            rawQuery: query,
            headers: {
              ...headers,
              "x-amz-target": `T.${operation.name}`,
              "smithy-protocol": "rpc-v2-cbor",
            },
            body: stream(),
          };
          const labels = Object.fromEntries(
            operationShape(operation.schema).input.members.map(({ name }) => [name, label]),
          );
          const found = protocol.match({ ...sent, form: undefined }, service);
          const match = {
            ...(found ?? { service, operationName: operation.name }),
            operation,
            labels,
          };
          const text = Buffer.from(bytes).toString("latin1");
          const request =
            id === "awsQuery"
              ? { ...sent, form: new URLSearchParams(text) }
              : await toMatchable(sent);
          try {
            await protocol.decode(request, match);
          } catch (error) {
            assert(
              error instanceof SerializationError ||
                error instanceof ValidationError ||
                error instanceof RequestTooLargeError,
              `${id} ${operation.name} threw ${String(error)}`,
            );
          }
        },
      ),
      runs,
    );
  }
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});

test("a route is found or not for any path, never an exception", () => {
  const table = services.filter(([id]) => id.startsWith("rest"));
  const segment = fc.oneof(
    nastyText,
    fc.constantFrom("2015-03-31", "functions", "%", "%zz", "..", "b"),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...table),
      fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "__proto__"),
      fc.array(segment, { maxLength: 6 }),
      fc.record({ query: form }),
      ([id, service], method, segments, { query }) => {
        async function* empty(): AsyncGenerator<Uint8Array> {}
        const path = `/${segments.join("/")}`;
        const request = {
          method,
          path,
          rawQuery: query,
          headers: {},
          body: empty(),
          form: undefined,
        };
        wireProtocols.get(id)?.match(request, service);
      },
    ),
    runs,
  );
});

/** Any value the shape allows; depth is bounded because shapes may contain themselves. */
function valueOf(shape: Shape, depth: number, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.oneof(fc.maxSafeInteger(), fc.double());
    case "bigInteger":
      return fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    case "blob":
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    case "timestamp":
      return fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));
    case "list":
      return shape.element && depth > 0
        ? fc.array(valueOf(shape.element.shape, depth - 1, text), { maxLength: 3 })
        : fc.constant([]);
    case "map":
      return shape.element && depth > 0
        ? fc.dictionary(text, valueOf(shape.element.shape, depth - 1, text), {
            maxKeys: 3,
            noNullPrototype: true,
          })
        : fc.constant({});
    case "structure":
    case "union":
      return structureOf(shape.members, depth, text);
    case "string":
    case "document":
    case "bigDecimal":
    case "unit":
      return text;
  }
  return fc.constant(undefined);
}

function structureOf(
  members: readonly Member[],
  depth: number,
  text: fc.Arbitrary<string>,
): fc.Arbitrary<object> {
  const usable = depth > 0 ? members.slice(0, 12).filter(({ shape }) => !shape.isStreaming) : [];
  return fc.record(
    Object.fromEntries(usable.map(({ name, shape }) => [name, valueOf(shape, depth - 1, text)])),
    { requiredKeys: [], noNullPrototype: true },
  );
}

/** Outputs, and one that contains itself. */
const outputs = [
  lambda.GetFunction$,
  lambda.ListEventSourceMappings$,
  dynamodb.GetItem$,
  dynamodb.DescribeTable$,
  iam.GetRole$,
  s3.GetBucketLifecycleConfiguration$,
  logs.FilterLogEvents$,
].map((schema) => operationShape(schema).output);

const wellFormed = fc.string({ unit: "grapheme", maxLength: 10 });

test("what is written as JSON or CBOR is read back the same", () => {
  for (const output of outputs) {
    fc.assert(
      fc.property(structureOf(output.members, 6, wellFormed), (value) => {
        const viaJson = readJsonMembers(
          output.members,
          writeJsonMembers(output.members, value, "awsJson"),
          "awsJson",
        );
        assert.deepEqual(normal(viaJson), normal(value));
        const viaCbor = readCborMembers(output.members, writeCborMembers(output.members, value));
        assert.deepEqual(normal(viaCbor), normal(value));
      }),
      { numRuns: 60 },
    );
  }
});

test("what is written as XML is read back the same", () => {
  // What XML 1.0 has no way to say is replaced when written, so it is not among the texts here.
  const sayable = wellFormed.map((text) =>
    text.replaceAll(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, ""),
  );
  for (const output of outputs) {
    fc.assert(
      fc.property(structureOf(output.members, 6, sayable), (value) => {
        const content = writeXmlMembers(output.members, value);
        const text = xmlElement("Root", content, xmlAttributes(output.members, value));
        const read = readXmlMembers(output.members, parseXml(text));
        assert.deepEqual(normal(read, true), normal(value, true));
      }),
      { numRuns: 60 },
    );
  }
});

/** Bytes as text and negative zero as zero; for XML, where an empty collection may be no element at all, without those. */
function normal(value: unknown, dropsEmpty = false): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Date || typeof value !== "object" || value === null)
    return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map((item) => normal(item, dropsEmpty));
  const entries = Object.entries(value).flatMap(([name, item]): [string, unknown][] => {
    const isEmpty = dropsEmpty && Array.isArray(item) && item.length === 0;
    return isEmpty ? [] : [[name, normal(item, dropsEmpty)]];
  });
  return new Map(entries);
}
