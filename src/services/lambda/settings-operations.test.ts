import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetAccountSettingsCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionEventInvokeConfigCommand,
  GetFunctionRecursionConfigCommand,
  GetRuntimeManagementConfigCommand,
  type LambdaClient,
  ListFunctionEventInvokeConfigsCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand,
  PutRuntimeManagementConfigCommand,
  UpdateFunctionEventInvokeConfigCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

async function create(client: LambdaClient, name = "f"): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
      Publish: true,
    }),
  );
}

test("asynchronous settings: Put replaces, Update keeps, the data plane sees them", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const place = { accountId: "000000000000", region: "us-east-1" };
  const settings = async (qualifier?: string) => {
    const target = await server.registry.resolve({ ...place, name: "f", qualifier }, place);
    assert.ok(target);
    return server.lambda.asyncSettings.find(target);
  };
  const defaults = { maxRetryAttempts: 2, maxAgeMs: 21_600_000 };
  assert.partialDeepStrictEqual(await settings(), defaults);
  const queue = "arn:aws:sqs:us-east-1:000000000000:q";
  const put = await client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: "f",
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: queue } },
    }),
  );
  assert.equal(put.FunctionArn, `${arn}:$LATEST`);
  assert.ok(put.LastModified instanceof Date);
  assert.deepEqual(put.DestinationConfig, { OnSuccess: {}, OnFailure: { Destination: queue } });
  assert.deepEqual(await settings(), {
    maxRetryAttempts: 0,
    maxAgeMs: 21_600_000,
    onSuccessArn: undefined,
    onFailureArn: queue,
  });
  assert.partialDeepStrictEqual(await settings("1"), defaults);
  await client.send(
    new UpdateFunctionEventInvokeConfigCommand({ FunctionName: "f", MaximumEventAgeInSeconds: 60 }),
  );
  assert.deepEqual(await settings("$LATEST"), {
    maxRetryAttempts: 0,
    maxAgeMs: 60_000,
    onSuccessArn: undefined,
    onFailureArn: queue,
  });
  await client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: "f",
      Qualifier: "1",
      MaximumRetryAttempts: 1,
    }),
  );
  const { FunctionEventInvokeConfigs: listed } = await client.send(
    new ListFunctionEventInvokeConfigsCommand({ FunctionName: "f" }),
  );
  assert.deepEqual(
    listed?.map((each) => each.FunctionArn),
    [`${arn}:$LATEST`, `${arn}:1`],
  );
  await client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName: "f" }));
  assert.partialDeepStrictEqual(await settings(), defaults);
  await assert.rejects(
    client.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: "f" })),
    {
      name: "ResourceNotFoundException",
      message: `The function ${arn}:$LATEST doesn't have an EventInvokeConfig`,
    },
  );
});

test("asynchronous settings that make no sense are refused", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const put = (destination?: string) =>
    client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: "f",
        ...(destination && { DestinationConfig: { OnSuccess: { Destination: destination } } }),
      }),
    );
  await assert.rejects(put(), {
    message: "You must specify at least one of error handling or destination setting.",
  });
  await assert.rejects(put(arn), {
    message: "You can't specify the function as a destination for itself.",
  });
  await assert.rejects(put("arn:aws:s3:::bucket"), { message: /failed invocations only/ });
  await assert.rejects(put("arn:aws:ec2:us-east-1:000000000000:instance/i"), {
    name: "InvalidParameterValueException",
  });
  await assert.rejects(
    client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: "f",
        Qualifier: "none",
        MaximumRetryAttempts: 1,
      }),
    ),
    { message: "The function doesn't exist." },
  );
});

test("100 concurrent invocations of the account stay unreserved", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  await create(client, "g");
  const put = (name: string, count: number) =>
    client.send(
      new PutFunctionConcurrencyCommand({
        FunctionName: name,
        ReservedConcurrentExecutions: count,
      }),
    );
  const refused = {
    name: "InvalidParameterValueException",
    message:
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
  };
  await assert.rejects(put("f", 901), refused);
  assert.equal((await put("f", 900)).ReservedConcurrentExecutions, 900);
  assert.equal((await put("f", 900)).ReservedConcurrentExecutions, 900); // its own share does not count twice
  await assert.rejects(put("g", 1), refused);
  assert.equal((await put("f", 0)).ReservedConcurrentExecutions, 0);
  const found = await client.send(new GetFunctionConcurrencyCommand({ FunctionName: "f" }));
  assert.equal(found.ReservedConcurrentExecutions, 0);
  const whole = await client.send(new GetFunctionCommand({ FunctionName: "f" }));
  assert.equal(whole.Concurrency?.ReservedConcurrentExecutions, 0);
  await assert.rejects(put("f:1", 1), {
    message: /^This operation is permitted on Lambda functions only\./,
  });
  await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: "f" }));
  const unset = await client.send(new GetFunctionConcurrencyCommand({ FunctionName: "f" }));
  assert.equal(unset.ReservedConcurrentExecutions, undefined);
});

test("account settings count what is deployed", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  await client.send(
    new PutFunctionConcurrencyCommand({ FunctionName: "f", ReservedConcurrentExecutions: 50 }),
  );
  const settings = await client.send(new GetAccountSettingsCommand({}));
  assert.deepEqual(settings.AccountLimit, {
    TotalCodeSize: 80_530_636_800,
    CodeSizeUnzipped: 262_144_000,
    CodeSizeZipped: 52_428_800,
    ConcurrentExecutions: 1_000,
    UnreservedConcurrentExecutions: 950,
  });
  assert.deepEqual(settings.AccountUsage, { TotalCodeSize: 2 * zip.byteLength, FunctionCount: 1 });
});

test("runtime management, recursion and code signing answer what tools ask after a deployment", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const target = { FunctionName: "f" };
  const fresh = await client.send(new GetRuntimeManagementConfigCommand(target));
  assert.equal(fresh.UpdateRuntimeOn, "Auto");
  assert.equal(fresh.FunctionArn, `${arn}:$LATEST`);
  await client.send(
    new PutRuntimeManagementConfigCommand({ ...target, UpdateRuntimeOn: "FunctionUpdate" }),
  );
  const changed = await client.send(new GetRuntimeManagementConfigCommand(target));
  assert.equal(changed.UpdateRuntimeOn, "FunctionUpdate");
  await assert.rejects(
    client.send(
      new PutRuntimeManagementConfigCommand({
        ...target,
        UpdateRuntimeOn: "Manual",
        RuntimeVersionArn: `arn:aws:lambda:us-east-1::runtime:${"0".repeat(64)}`,
      }),
    ),
    { message: /is not hosted/ },
  );
  const { Configuration: found } = await client.send(new GetFunctionCommand(target));
  await client.send(
    new PutRuntimeManagementConfigCommand({
      ...target,
      UpdateRuntimeOn: "Manual",
      RuntimeVersionArn: found?.RuntimeVersionConfig?.RuntimeVersionArn,
    }),
  );
  const recursion = await client.send(new GetFunctionRecursionConfigCommand(target));
  assert.equal(recursion.RecursiveLoop, "Terminate");
  await client.send(new PutFunctionRecursionConfigCommand({ ...target, RecursiveLoop: "Allow" }));
  const allowed = await client.send(new GetFunctionRecursionConfigCommand(target));
  assert.equal(allowed.RecursiveLoop, "Allow");
  const signing = await client.send(new GetFunctionCodeSigningConfigCommand(target));
  assert.equal(signing.$metadata.httpStatusCode, 200);
  await assert.rejects(
    client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName: "none" })),
    { name: "ResourceNotFoundException" },
  );
});
