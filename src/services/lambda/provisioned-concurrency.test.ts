import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAccountSettingsCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  ListProvisionedConcurrencyConfigsCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

/** A function with so many published versions, which differ in their description. */
async function create(client: LambdaClient, versions: number): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "f",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
    }),
  );
  for (let n = 1; n <= versions; n++) {
    const Description = `state ${n}`;
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: "f", Description }));
    await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  }
}
const put = (client: LambdaClient, Qualifier: string, count: number) =>
  client.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName: "f",
      Qualifier,
      ProvisionedConcurrentExecutions: count,
    }),
  );
const get = (client: LambdaClient, Qualifier: string) =>
  client.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName: "f", Qualifier }));
const remove = (client: LambdaClient, Qualifier: string) =>
  client.send(new DeleteProvisionedConcurrencyConfigCommand({ FunctionName: "f", Qualifier }));
const alias = (client: LambdaClient, Name: string, FunctionVersion: string) =>
  client.send(new CreateAliasCommand({ FunctionName: "f", Name, FunctionVersion }));
const move = (client: LambdaClient, Name: string, FunctionVersion: string, weight?: number) =>
  client.send(
    new UpdateAliasCommand({
      FunctionName: "f",
      Name,
      FunctionVersion,
      RoutingConfig: { AdditionalVersionWeights: weight === undefined ? {} : { 1: weight } },
    }),
  );

test("a configuration is in progress, then ready, and says what of it is free", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, 1);
  const answer = await put(client, "1", 3);
  assert.equal(answer.$metadata.httpStatusCode, 202);
  const { $metadata: _, LastModified, ...state } = answer;
  assert.deepEqual(state, {
    RequestedProvisionedConcurrentExecutions: 3,
    AllocatedProvisionedConcurrentExecutions: 0,
    Status: "IN_PROGRESS",
  });
  assert.match(LastModified ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
  assert.equal(server.provisioned.get("1"), 3);
  server.allocated = () => ({ allocated: 2, available: 1, failure: undefined });
  const partly = await get(client, "1");
  assert.equal(partly.Status, "IN_PROGRESS");
  assert.equal(partly.AllocatedProvisionedConcurrentExecutions, 2);
  assert.equal(partly.AvailableProvisionedConcurrentExecutions, 1);
  server.allocated = () => ({ allocated: 3, available: 3, failure: undefined });
  assert.equal((await get(client, "1")).Status, "READY");
  const failure = { by: "init", text: "Runtime.ExitError" } as const;
  server.allocated = () => ({ allocated: 0, available: 0, failure });
  const failed = await get(client, "1");
  assert.equal(failed.Status, "FAILED");
  assert.equal(failed.StatusReason, "FUNCTION_ERROR_INIT_FAILURE");
  assert.equal((await remove(client, "1")).$metadata.httpStatusCode, 204);
  assert.equal(server.provisioned.size, 0);
});

test("only what was published can have one, and one version only one", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, 2);
  await alias(client, "live", "1");
  await alias(client, "twin", "1");
  await alias(client, "head", "$LATEST");
  const invalid = (message: string) => ({ name: "InvalidParameterValueException", message });
  const unpublished =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
  await assert.rejects(put(client, "$LATEST", 1), invalid(unpublished));
  await assert.rejects(put(client, "head", 1), invalid(unpublished));
  const notQualified = "The function resource provided must be an alias or a published version.";
  await assert.rejects(get(client, "$LATEST"), invalid(notQualified));
  await assert.rejects(remove(client, "$LATEST"), invalid(notQualified));
  await assert.rejects(put(client, "9", 1), {
    name: "ResourceNotFoundException",
    message: `Function not found: ${arn}:9`,
  });
  await assert.rejects(put(client, "none", 1), {
    name: "ResourceNotFoundException",
    message: `Cannot find alias arn: ${arn}:none`,
  });
  const none = { name: "ProvisionedConcurrencyConfigNotFoundException" };
  await assert.rejects(get(client, "1"), {
    ...none,
    message: "No Provisioned Concurrency Config found for this function",
  });
  await assert.rejects(remove(client, "1"), none);
  await assert.rejects(put(client, "1", 0), { name: "ValidationException" });
  const twice = {
    name: "ResourceConflictException",
    message:
      "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
  };
  await put(client, "1", 1);
  await assert.rejects(put(client, "live", 1), twice);
  await remove(client, "1");
  await put(client, "live", 1);
  await assert.rejects(put(client, "twin", 1), twice);
  await assert.rejects(put(client, "1", 1), {
    name: "ResourceConflictException",
    message: "Version is pointed by a Provisioned Concurrency alias",
  });
  await put(client, "2", 1);
  await assert.rejects(move(client, "live", "2"), twice);
  await assert.rejects(move(client, "live", "$LATEST"), invalid(unpublished));
});

test("it takes from the function's reservation, or from what the account has left", async () => {
  await using server = await startLambdaServer({ accountConcurrency: 300 });
  const client = server.client();
  await create(client, 2);
  const reserve = (ReservedConcurrentExecutions: number) =>
    client.send(
      new PutFunctionConcurrencyCommand({ FunctionName: "f", ReservedConcurrentExecutions }),
    );
  const unreserved = async () =>
    (await client.send(new GetAccountSettingsCommand({}))).AccountLimit
      ?.UnreservedConcurrentExecutions;
  await assert.rejects(
    put(client, "1", 301),
    /greater than account's unreserved concurrency \[300\]/,
  );
  await assert.rejects(put(client, "1", 201), /below its minimum value of \[100\]/);
  await put(client, "1", 120);
  assert.equal(await unreserved(), 180);
  await put(client, "1", 150);
  assert.equal(await unreserved(), 150, "the same configuration is not counted twice");
  await assert.rejects(
    reserve(149),
    /not be lower than function's total provisioned concurrency \[150\]/,
  );
  await reserve(160);
  assert.equal(await unreserved(), 140);
  await assert.rejects(
    put(client, "2", 11),
    /should not be greater than the reservedConcurrentExecution for function/,
  );
  await put(client, "2", 10);
});

test("an alias takes its environments along, shares them by weight, and loses them with itself", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, 3);
  await alias(client, "live", "1");
  await put(client, "live", 10);
  assert.deepEqual([...server.provisioned], [["1", 10]]);
  await move(client, "live", "2");
  assert.deepEqual(Object.fromEntries(server.provisioned), { 2: 10 });
  await move(client, "live", "2", 0.3);
  assert.deepEqual(Object.fromEntries(server.provisioned), { 1: 3, 2: 7 });
  await put(client, "3", 4);
  server.allocated = (version) => {
    const allocated = version === "1" ? 3 : 7;
    return { allocated, available: allocated, failure: undefined };
  };
  const { ProvisionedConcurrencyConfigs: all = [] } = await client.send(
    new ListProvisionedConcurrencyConfigsCommand({ FunctionName: "f" }),
  );
  assert.deepEqual(
    all.map((one) => [one.FunctionArn, one.RequestedProvisionedConcurrentExecutions, one.Status]),
    [
      [`${arn}:3`, 4, "READY"],
      [`${arn}:live`, 10, "READY"],
    ],
  );
  const first = await client.send(
    new ListProvisionedConcurrencyConfigsCommand({ FunctionName: "f", MaxItems: 1 }),
  );
  const second = await client.send(
    new ListProvisionedConcurrencyConfigsCommand({ FunctionName: "f", Marker: first.NextMarker }),
  );
  assert.equal(second.ProvisionedConcurrencyConfigs?.[0]?.FunctionArn, `${arn}:live`);
  await client.send(new DeleteAliasCommand({ FunctionName: "f", Name: "live" }));
  assert.deepEqual(Object.fromEntries(server.provisioned), { 3: 4 });
  await client.send(new DeleteFunctionCommand({ FunctionName: "f", Qualifier: "3" }));
  assert.equal(server.provisioned.size, 0);
  await put(client, "1", 2);
  await client.send(new DeleteFunctionCommand({ FunctionName: "f" }));
  assert.equal(server.provisioned.size, 0);
});

test("what was configured is allocated again by the next process", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, 1);
  await put(client, "1", 2);
  await using next = await startLambdaServer({ store: server.store });
  assert.equal(next.provisioned.size, 0);
  await next.lambda.resume();
  assert.deepEqual([...next.provisioned], [["1", 2]]);
});
