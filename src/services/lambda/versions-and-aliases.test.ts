import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
  ListAliasesCommand,
  ListFunctionsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

async function create(client: LambdaClient, publish = false): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "f",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
      Publish: publish,
    }),
  );
}

async function configure(client: LambdaClient, description: string): Promise<void> {
  await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "f", Description: description }),
  );
}

test("publishing the same state twice gives the same version", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const publish = (description?: string) =>
    client.send(new PublishVersionCommand({ FunctionName: "f", Description: description }));
  const first = await publish("one");
  assert.equal(first.$metadata.httpStatusCode, 201);
  assert.equal(first.Version, "1");
  assert.equal(first.FunctionArn, `${arn}:1`);
  assert.equal(first.Description, "one");
  assert.equal((await publish()).Version, "1");
  await configure(client, "changed");
  const second = await publish();
  assert.equal(second.Version, "2");
  assert.equal(second.Description, "changed");
  const old = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: "f", Qualifier: "1" }),
  );
  assert.equal(old.Description, "one");
  assert.equal(old.Version, "1");
});

test("publishing checks the code's hash and the revision id", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const current = await client.send(new GetFunctionConfigurationCommand({ FunctionName: "f" }));
  await assert.rejects(
    client.send(new PublishVersionCommand({ FunctionName: "f", CodeSha256: "other" })),
    {
      name: "InvalidParameterValueException",
      message: `CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (${current.CodeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
    },
  );
  await assert.rejects(
    client.send(new PublishVersionCommand({ FunctionName: "f", RevisionId: "other" })),
    { name: "PreconditionFailedException" },
  );
  const version = await client.send(
    new PublishVersionCommand({
      FunctionName: "f",
      CodeSha256: current.CodeSha256,
      RevisionId: current.RevisionId,
    }),
  );
  assert.equal(version.Version, "1");
});

test("create and update can publish at once; the version becomes Active with the function", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  const next = await zipOf({ "index.mjs": "export const handler = async () => 2;" });
  const updated = await client.send(
    new UpdateFunctionCodeCommand({ FunctionName: "f", ZipFile: next, Publish: true }),
  );
  assert.equal(updated.Version, "2");
  await client.send(new InvokeCommand({ FunctionName: "f", Qualifier: "1" }));
  const { Versions: versions } = await client.send(
    new ListVersionsByFunctionCommand({ FunctionName: "f" }),
  );
  assert.deepEqual(
    versions?.map((each) => [each.Version, each.FunctionArn]),
    [
      ["$LATEST", `${arn}:$LATEST`],
      ["1", `${arn}:1`],
      ["2", `${arn}:2`],
    ],
  );
  assert.notEqual(versions?.[1]?.CodeSha256, versions?.[2]?.CodeSha256);
  await configure(client, "waits until the update is done");
  const version = await client.send(
    new GetFunctionConfigurationCommand({ FunctionName: "f", Qualifier: "2" }),
  );
  assert.equal(version.State, "Active");
});

test("version numbers are not used again, not even after the function was deleted", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  await client.send(new DeleteFunctionCommand({ FunctionName: "f" }));
  await create(client);
  const version = await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  assert.equal(version.Version, "2");
});

test("versions come in pages that begin with $LATEST", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  for (const text of ["a", "b", "c"]) {
    await configure(client, text);
    await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  }
  for (const size of [1, 2, 3]) {
    const found: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await client.send(
        new ListVersionsByFunctionCommand({ FunctionName: "f", MaxItems: size, Marker: marker }),
      );
      assert.ok((page.Versions?.length ?? 0) <= size);
      found.push(...(page.Versions ?? []).map((each) => each.Version));
      marker = page.NextMarker;
    } while (marker !== undefined);
    assert.deepEqual(found, ["$LATEST", "1", "2", "3", "4"]);
  }
});

test("a listing of all versions of all functions comes in pages of any size", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  await configure(client, "second");
  await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "f-2",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
    }),
  );
  for (const size of [1, 2, 3, 4]) {
    const found: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await client.send(
        new ListFunctionsCommand({ FunctionVersion: "ALL", MaxItems: size, Marker: marker }),
      );
      assert.ok((page.Functions?.length ?? 0) <= size);
      found.push(...(page.Functions ?? []).map((each) => each.FunctionArn?.slice(arn.length - 1)));
      marker = page.NextMarker;
    } while (marker !== undefined);
    assert.deepEqual(found, ["f:$LATEST", "f:1", "f:2", "f-2:$LATEST"]);
  }
});

test("what changes $LATEST takes no other qualifier", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  const update = (name: string) =>
    client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Timeout: 5 }));
  await assert.rejects(update("f:1"), {
    name: "InvalidParameterValueException",
    message: /^This operation is permitted on Lambda functions only\./,
  });
  assert.equal((await update("f:$LATEST")).Timeout, 5);
});

test("an alias is created, read, changed, listed and deleted", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  const created = await client.send(
    new CreateAliasCommand({ FunctionName: "f", Name: "live", FunctionVersion: "1" }),
  );
  assert.equal(created.$metadata.httpStatusCode, 201);
  assert.equal(created.AliasArn, `${arn}:live`);
  assert.equal(created.Description, "");
  await assert.rejects(
    client.send(new CreateAliasCommand({ FunctionName: "f", Name: "live", FunctionVersion: "1" })),
    { name: "ResourceConflictException", message: `Alias already exists: ${arn}:live` },
  );
  const updated = await client.send(
    new UpdateAliasCommand({ FunctionName: "f", Name: "live", Description: "text" }),
  );
  assert.equal(updated.FunctionVersion, "1");
  assert.notEqual(updated.RevisionId, created.RevisionId);
  await assert.rejects(
    client.send(new UpdateAliasCommand({ FunctionName: "f", Name: "live", RevisionId: "stale" })),
    { name: "PreconditionFailedException" },
  );
  const { Aliases: listed } = await client.send(
    new ListAliasesCommand({ FunctionName: "f", FunctionVersion: "1" }),
  );
  assert.deepEqual(
    listed?.map((alias) => alias.Name),
    ["live"],
  );
  await assert.rejects(
    client.send(new DeleteFunctionCommand({ FunctionName: "f", Qualifier: "1" })),
    { name: "ResourceConflictException", message: /aliases reference it: \[live\]$/ },
  );
  const deleted = await client.send(new DeleteAliasCommand({ FunctionName: "f", Name: "live" }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  await assert.rejects(client.send(new GetAliasCommand({ FunctionName: "f", Name: "live" })), {
    name: "ResourceNotFoundException",
    message: `Cannot find alias arn: ${arn}:live`,
  });
  await client.send(new DeleteFunctionCommand({ FunctionName: "f", Qualifier: "1" }));
});

test("routing between versions follows the service's rules", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  const alias = (version: string, weights: Record<string, number>) =>
    client.send(
      new CreateAliasCommand({
        FunctionName: "f",
        Name: "w",
        FunctionVersion: version,
        RoutingConfig: { AdditionalVersionWeights: weights },
      }),
    );
  await assert.rejects(alias("1", { "1": 0.5 }), { message: /already included in routing/ });
  await assert.rejects(alias("1", { "2": 0.5, "3": 0.1 }), {
    message: /cannot be greater than 1$/,
  });
  await assert.rejects(alias("$LATEST", { "1": 0.5 }), {
    message: "$LATEST is not supported for an alias pointing to more than 1 version",
  });
  await assert.rejects(alias("1", { "9": 0.5 }), { message: `Function not found: ${arn}:9` });
  await assert.rejects(alias("7", {}), { name: "ResourceNotFoundException" });
});

test("a weighted alias sends about its share to each version", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, true);
  await configure(client, "second");
  await client.send(new PublishVersionCommand({ FunctionName: "f" }));
  await client.send(
    new CreateAliasCommand({
      FunctionName: "f",
      Name: "live",
      FunctionVersion: "1",
      RoutingConfig: { AdditionalVersionWeights: { "2": 0.3 } },
    }),
  );
  const reference = {
    accountId: "000000000000",
    region: "us-east-1",
    name: "f",
    qualifier: "live",
  };
  let seconds = 0;
  for (let count = 0; count < 2_000; count++) {
    const found = await server.registry.resolve(reference, { region: "us-east-1" });
    assert.equal(found?.qualifier, "live");
    if (found.revision.version === "2") seconds++;
  }
  assert.ok(seconds > 500 && seconds < 700, `${seconds} of 2,000 with seed 11`);
  const { ExecutedVersion: executed } = await client.send(
    new InvokeCommand({ FunctionName: "f", Qualifier: "live" }),
  );
  assert.ok(executed === "1" || executed === "2");
  const updated = await client.send(
    new UpdateAliasCommand({ FunctionName: "f", Name: "live", RoutingConfig: {} }),
  );
  assert.equal(updated.RoutingConfig, undefined);
});
