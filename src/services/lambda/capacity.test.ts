import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });
const CapacityProviderArn = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:here";
const capacity = (more: { readonly [name: string]: number } = {}) => ({
  LambdaManagedInstancesCapacityProviderConfig: { CapacityProviderArn, ...more },
});
const given = (more: Partial<CreateFunctionCommandInput> = {}): CreateFunctionCommandInput => ({
  FunctionName: "f",
  Runtime: "nodejs24.x",
  Handler: "index.handler",
  Role: role,
  Code: { ZipFile: zip },
  CapacityProviderConfig: capacity(),
  ...more,
});

test("the capacity of a function is echoed, changed by a new revision, and copied into versions", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const named = capacity({ PerExecutionEnvironmentMaxConcurrency: 10 });
  const created = await client.send(
    new CreateFunctionCommand(given({ CapacityProviderConfig: named })),
  );
  assert.deepEqual(created.CapacityProviderConfig, named);
  assert.equal(
    created.LoggingConfig?.LogFormat,
    "JSON",
    "lines that interleave carry their request id",
  );
  assert.equal(created.LoggingConfig?.ApplicationLogLevel, "INFO");
  const { Version } = await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  const changed = capacity({ PerExecutionEnvironmentMaxConcurrency: 3 });
  const updated = await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "f", CapacityProviderConfig: changed }),
  );
  assert.deepEqual(updated.CapacityProviderConfig, changed);
  assert.notEqual(updated.RevisionId, created.RevisionId);
  const kept = await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "f", Timeout: 9 }),
  );
  assert.deepEqual(kept.CapacityProviderConfig, changed);
  const found = await client.send(new GetFunctionCommand({ FunctionName: "f" }));
  assert.deepEqual(found.Configuration?.CapacityProviderConfig, changed);
  const published = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: "f", Qualifier: Version }),
  );
  assert.deepEqual(published.CapacityProviderConfig, named);
});

test("unless named, concurrency is the runtime's own per vCPU", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const cases = { a: [256, 64], b: [2_048, 64], c: [4_096, 128] } as const;
  for (const [FunctionName, [MemorySize, expected]] of Object.entries(cases)) {
    const made = await client.send(new CreateFunctionCommand(given({ FunctionName, MemorySize })));
    assert.deepEqual(
      made.CapacityProviderConfig,
      capacity({ PerExecutionEnvironmentMaxConcurrency: expected }),
    );
  }
});

test("what cannot be honoured is refused by name", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const cases: readonly (readonly [Partial<CreateFunctionCommandInput>, RegExp])[] = [
    [
      { CapacityProviderConfig: capacity({ ExecutionEnvironmentMemoryGiBPerVCpu: 4 }) },
      /ExecutionEnvironmentMemoryGiBPerVCpu is not supported/,
    ],
    [{ Runtime: "provided.al2023" }, /functions of provided\.al2023 run one invocation at a time/],
    [{ LoggingConfig: { LogFormat: "Text" } }, /LogFormat Text is not supported/],
    [
      { CapacityProviderConfig: capacity({ PerExecutionEnvironmentMaxConcurrency: 1_601 }) },
      /less than or equal to 1600/,
    ],
    [
      { CapacityProviderConfig: capacity({ PerExecutionEnvironmentMaxConcurrency: 0 }) },
      /greater than or equal to 1/,
    ],
  ];
  for (const [more, message] of cases)
    await assert.rejects(client.send(new CreateFunctionCommand(given(more))), message);
  await client.send(new CreateFunctionCommand(given()));
  await assert.rejects(
    client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: "f", Runtime: "provided.al2023" }),
    ),
    /CapacityProviderConfig is not supported by Skerry: functions of provided/,
  );
});
