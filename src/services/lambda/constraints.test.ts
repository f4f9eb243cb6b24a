import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as Sdk from "@aws-sdk/client-lambda";
import { unreachable } from "#base/assert.ts";
import { type Constraint, constraints } from "./constraints.ts";
import { role, startLambdaServer } from "./testing/server.ts";

const server = await startLambdaServer();
const client = server.client();
after(() => server[Symbol.asyncDispose]());

/** A value for every required member of every operation; members an operation lacks are not sent. */
const valid: Readonly<Record<string, unknown>> = {
  FunctionName: "f",
  Name: "alias",
  FunctionVersion: "1",
  LayerName: "layer",
  VersionNumber: 1,
  StatementId: "statement",
  Action: "lambda:InvokeFunction",
  Principal: "*",
  Resource: "arn:aws:lambda:us-east-1:000000000000:function:f",
  UUID: "00000000-0000-4000-8000-000000000000",
  Tags: { name: "value" },
  TagKeys: ["name"],
  Arn: "arn:aws:lambda:us-east-1:000000000000:layer:layer:1",
  AuthType: "NONE",
  RecursiveLoop: "Allow",
  UpdateRuntimeOn: "Auto",
  ReservedConcurrentExecutions: 1,
  Role: role,
  Handler: "index.handler",
  Code: { ZipFile: Buffer.from("zip") },
  Content: { ZipFile: Buffer.from("zip") },
  InvokeArgs: Buffer.from("{}"),
  CapacityProviderConfig: {
    LambdaManagedInstancesCapacityProviderConfig: {
      CapacityProviderArn: "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c",
    },
  },
};

const validByOperation: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ListFunctions: { FunctionVersion: "ALL" },
  AddLayerVersionPermission: { Action: "lambda:GetLayerVersion" },
  PutProvisionedConcurrencyConfig: { Qualifier: "1", ProvisionedConcurrentExecutions: 1 },
  GetProvisionedConcurrencyConfig: { Qualifier: "1" },
  DeleteProvisionedConcurrencyConfig: { Qualifier: "1" },
};

/** In the path: an empty one never leaves the client, or means another operation. */
const labels = new Set(["FunctionName", "Name", "LayerName", "StatementId", "Resource"]);

for (const [operation, members] of Object.entries(constraints)) {
  for (const [path, rule] of Object.entries(members)) {
    test(`${operation} refuses ${path} beyond its constraint`, async () => {
      const breaches = breachesOf(rule).filter((value) => value !== "" || !labels.has(path));
      assert.ok(breaches.length > 0);
      for (const value of breaches) {
        const base = { ...valid, ...validByOperation[operation] };
        const error = await failureOf(operation, withMember(base, path, value));
        assert.equal(error.name, "ValidationException", `${operation} ${path} ${String(value)}`);
        assert.equal(error.$metadata.httpStatusCode, 400);
        assert.match(error.message, /^1 validation error detected: Value/);
        const place = path.split(".").map((name) => name[0]?.toLowerCase() + name.slice(1));
        assert.ok(
          error.message.includes(` at '${place.join(".")}' failed to satisfy constraint: `),
        );
      }
    });
  }
}

test("the message of a number names the value, the member and the bound", async () => {
  const low = await failureOf("CreateFunction", { ...valid, MemorySize: 127 });
  assert.equal(
    low.message,
    "1 validation error detected: Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
  );
  const both = await failureOf("CreateFunction", { ...valid, MemorySize: 127, Timeout: 901 });
  assert.match(both.message, /^2 validation errors detected: .*; Value /);
});

test("an element's message lists everything it must satisfy", async () => {
  const error = await failureOf("CreateFunction", { ...valid, Architectures: ["mips"] });
  assert.equal(
    error.message,
    "1 validation error detected: Value '[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
  );
});

test("the value of a sensitive member is not repeated", async () => {
  const error = await failureOf("CreateFunction", {
    ...valid,
    Environment: { Variables: { "1bad": "secret" } },
  });
  assert.doesNotMatch(error.message, /secret|1bad/);
});

/** Values that break the rule, each in one way. */
function breachesOf(rule: Constraint): unknown[] {
  const { kind, min, max, values, pattern, items, names } = rule;
  switch (kind) {
    case "number":
      return [...(min === undefined ? [] : [min - 1]), ...(max === undefined ? [] : [max + 1])];
    case "text":
      return [
        ...(values ? ["nonsense"] : []),
        ...(max === undefined ? [] : ["x".repeat(max + 1)]),
        ...(min !== undefined && min > 0 ? [""] : []),
        ...(pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test("no way!")
          ? ["no way!"]
          : []),
      ];
    case "list":
      return [
        ...(max === undefined ? [] : [Array.from({ length: max + 1 }, () => sampleOf(rule))]),
        ...(min !== undefined && min > 0 ? [[]] : []),
        ...(items ? breachesOf(items).map((breach) => [breach]) : []),
      ];
    case "map":
      return [
        ...(names
          ? breachesOf(names).map((breach) => ({ [String(breach)]: items ? 0.5 : "x" }))
          : []),
        ...(items ? breachesOf(items).map((breach) => ({ "1": breach })) : []),
      ];
    default:
      return unreachable(kind);
  }
}

function sampleOf({ max, items }: Constraint): unknown {
  if (max === 1 && !items) return { Arn: "arn", LocalMountPath: "/mnt/x" }; // the one list of structures
  return items?.values?.[0] ?? "sample";
}

function withMember(base: object, path: string, value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = path.split(".");
  const inner = (base as Record<string, unknown>)[first]; // any object may be read by name
  const next =
    rest.length === 0 ? value : withMember(Object(inner) as object, rest.join("."), value);
  return { ...base, [first]: next };
}

async function failureOf(
  operation: string,
  input: Record<string, unknown>,
): Promise<Sdk.LambdaServiceException> {
  const commands = Sdk as unknown as Record<string, new (input: object) => Sdk.GetFunctionCommand>; // one command class stands for all
  const Command = commands[`${operation}Command`];
  assert.ok(Command);
  try {
    await client.send(new Command(input));
  } catch (error) {
    if (error instanceof Sdk.LambdaServiceException) return error;
    throw error;
  }
  throw new Error(`${operation} accepted ${JSON.stringify(input)}`);
}
