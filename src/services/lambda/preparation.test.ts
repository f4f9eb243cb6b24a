import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
  ListCodeSigningConfigsCommand,
  UpdateFunctionCodeCommand,
} from "@aws-sdk/client-lambda";
import { PlatformError } from "#base/errors.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import type { LambdaDeps } from "./dependencies.ts";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });
const input: CreateFunctionCommandInput = {
  FunctionName: "f",
  Runtime: "nodejs24.x",
  Handler: "index.handler",
  Role: role,
  Code: { ZipFile: zip },
  Publish: true,
};

/** The part of the packages module that preparation uses, as this test wants it to go. */
function packages(unpack: () => Promise<string>): Pick<LambdaDeps, "packages"> {
  return {
    packages: {
      validate: async () => ({ byteCount: 1, entryCount: 1 }),
      unpack,
      mergeLayers: async () => "",
    },
  };
}

function configuration(client: LambdaClient, qualifier?: string) {
  return client.send(
    new GetFunctionConfigurationCommand({ FunctionName: "f", Qualifier: qualifier }),
  );
}

test("a package that cannot be unpacked makes the function Failed, with the reason", async () => {
  const broken = async (): Promise<string> => {
    throw new PlatformError("blob.corrupt", "the package's bytes changed on disk");
  };
  await using server = await startLambdaServer(packages(broken));
  const client = server.client();
  await client.send(new CreateFunctionCommand(input));
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: "f" })), {
    name: "ResourceConflictException",
    message:
      "The operation cannot be performed at this time. The function is currently in the following state: Failed",
  });
  for (const qualifier of [undefined, "1"]) {
    const found = await configuration(client, qualifier);
    assert.equal(found.State, "Failed");
    assert.equal(found.StateReason, "the package's bytes changed on disk");
    assert.equal(found.StateReasonCode, "InvalidConfiguration");
  }
});

test("an update that fails leaves what was running, and can be repaired", async () => {
  let isBroken = false;
  const unpack = async (): Promise<string> => {
    if (isBroken) throw new PlatformError("package.invalid", "broken");
    return "";
  };
  await using server = await startLambdaServer(packages(unpack));
  const client = server.client();
  await client.send(new CreateFunctionCommand(input));
  await client.send(new InvokeCommand({ FunctionName: "f" }));
  const before = await configuration(client);
  isBroken = true;
  const other = await zipOf({ "index.mjs": "2" });
  await client.send(new UpdateFunctionCodeCommand({ FunctionName: "f", ZipFile: other }));
  await server.lambda.settled();
  const failed = await configuration(client);
  assert.equal(failed.State, "Active");
  assert.equal(failed.LastUpdateStatus, "Failed");
  assert.equal(failed.LastUpdateStatusReason, "broken");
  await client.send(new InvokeCommand({ FunctionName: "f" }));
  assert.equal(server.invocations.at(-1)?.target.revision.revisionId, before.RevisionId);
  isBroken = false;
  const repaired = await client.send(
    new UpdateFunctionCodeCommand({ FunctionName: "f", ZipFile: other }),
  );
  await server.lambda.settled();
  await client.send(new InvokeCommand({ FunctionName: "f" }));
  assert.equal(server.invocations.at(-1)?.target.revision.revisionId, repaired.RevisionId);
});

test("what a process leaves unprepared is continued by the next one", async () => {
  const store = createMemoryStore();
  const shared = { ...store, async [Symbol.asyncDispose]() {} };
  let interrupt = (): void => undefined;
  const never = new Promise<string>((_, reject) => {
    interrupt = () => reject(new PlatformError("storage.closed", "the process ends"));
  });
  // A process that dies writes no outcome: its registry is closed to it before the work ends.
  const dying = await startLambdaServer({ ...packages(() => never), store: shared });
  await dying.client().send(new CreateFunctionCommand(input));
  assert.equal((await configuration(dying.client())).State, "Pending");

  await using next = await startLambdaServer({ ...packages(async () => ""), store });
  await next.lambda.resume();
  await next.lambda.settled();
  const found = await configuration(next.client());
  assert.equal(found.State, "Active");
  assert.equal((await configuration(next.client(), "1")).State, "Active");
  interrupt();
  await dying[Symbol.asyncDispose]();
  assert.equal((await configuration(next.client())).State, "Active");
});

test("operations we lack name themselves", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const refused = (name: string) => ({
    name: "NotImplementedException",
    message: `Lambda ${name} is not implemented by this server`,
  });
  await assert.rejects(
    client.send(new ListCodeSigningConfigsCommand({})),
    refused("ListCodeSigningConfigs"),
  );
});
