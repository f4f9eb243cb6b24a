import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddLayerVersionPermissionCommand,
  CreateFunctionCommand,
  DeleteLayerVersionCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  type LambdaClient,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  type PublishLayerVersionCommandInput,
  RemoveLayerVersionPermissionCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:layer";
const zip = await zipOf({ "nodejs/node_modules/a/index.js": "exports.a = 1;" });
const functionZip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

function publish(
  client: LambdaClient,
  name: string,
  extra: Partial<PublishLayerVersionCommandInput> = {},
) {
  return client.send(
    new PublishLayerVersionCommand({ LayerName: name, Content: { ZipFile: zip }, ...extra }),
  );
}

function create(client: LambdaClient, layers: string[]) {
  return client.send(
    new CreateFunctionCommand({
      FunctionName: "f",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: functionZip },
      Layers: layers,
    }),
  );
}

test("layer versions are numbered, found, listed newest first and downloaded", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const first = await publish(client, "tools", {
    Description: "first",
    LicenseInfo: "Apache-2.0",
    CompatibleRuntimes: ["nodejs24.x"],
    CompatibleArchitectures: ["x86_64"],
  });
  assert.equal(first.$metadata.httpStatusCode, 201);
  assert.equal(first.Version, 1);
  assert.equal(first.LayerArn, `${arn}:tools`);
  assert.equal(first.LayerVersionArn, `${arn}:tools:1`);
  assert.equal(first.Content?.CodeSize, zip.byteLength);
  assert.equal((await publish(client, "tools")).Version, 2);
  const found = await client.send(new GetLayerVersionByArnCommand({ Arn: `${arn}:tools:1` }));
  assert.equal(found.LicenseInfo, "Apache-2.0");
  const download = await fetch(found.Content?.Location ?? "");
  assert.deepEqual(Buffer.from(await download.arrayBuffer()), zip);
  const { LayerVersions: listed } = await client.send(
    new ListLayerVersionsCommand({ LayerName: "tools" }),
  );
  assert.deepEqual(
    listed?.map((each) => each.Version),
    [2, 1],
  );
  const { Layers: matching } = await client.send(
    new ListLayersCommand({ CompatibleRuntime: "nodejs24.x" }),
  );
  assert.equal(matching?.[0]?.LatestMatchingVersion?.Version, 1);
});

test("pages of versions continue where they stopped", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  for (let count = 0; count < 5; count++) await publish(client, "many");
  const found: (number | undefined)[] = [];
  let marker: string | undefined;
  do {
    const page = await client.send(
      new ListLayerVersionsCommand({ LayerName: "many", MaxItems: 2, Marker: marker }),
    );
    found.push(...(page.LayerVersions ?? []).map((each) => each.Version));
    marker = page.NextMarker;
  } while (marker !== undefined);
  assert.deepEqual(found, [5, 4, 3, 2, 1]);
});

test("deleted versions are gone for new uses, their numbers stay used", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await publish(client, "gone");
  await create(client, [`${arn}:gone:1`]);
  await client.send(new DeleteLayerVersionCommand({ LayerName: "gone", VersionNumber: 1 }));
  await assert.rejects(
    client.send(new GetLayerVersionCommand({ LayerName: "gone", VersionNumber: 1 })),
    { name: "ResourceNotFoundException", message: "The resource you requested does not exist." },
  );
  assert.deepEqual((await client.send(new ListLayersCommand({}))).Layers, []);
  assert.equal((await publish(client, "gone")).Version, 2);
  await assert.rejects(
    client.send(new GetLayerVersionCommand({ LayerName: "gone", VersionNumber: 0 })),
    { name: "InvalidParameterValueException", message: "Layer Version Cannot be less than 1." },
  );
  const updated = await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "f", Timeout: 9 }),
  );
  assert.deepEqual(
    updated.Layers?.map((layer) => layer.Arn),
    [`${arn}:gone:1`],
  );
});

test("a function's layers are checked as the service checks them", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  for (let count = 0; count < 6; count++) await publish(client, `l${count}`);
  await publish(client, "l0");
  const refused = async (layers: string[], message: RegExp | string): Promise<void> => {
    await assert.rejects(create(client, layers), {
      name: "InvalidParameterValueException",
      message,
    });
  };
  await refused([`${arn}:none:1`], `Layer version ${arn}:none:1 does not exist.`);
  await refused(
    Array.from({ length: 6 }, (_, index) => `${arn}:l${index}:1`),
    "Cannot reference more than 5 layers.",
  );
  await refused([`${arn}:l0:1`, `${arn}:l0:2`], /^Two different versions of the same layer/);
  await refused(
    [`${arn.replace("us-east-1", "eu-west-1")}:l0:1`],
    "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
  );
  const created = await create(client, [`${arn}:l0:1`, `${arn}:l1:1`]);
  assert.deepEqual(
    created.Layers?.map((layer) => [layer.Arn, layer.CodeSize]),
    [
      [`${arn}:l0:1`, zip.byteLength],
      [`${arn}:l1:1`, zip.byteLength],
    ],
  );
});

test("another account may use a layer only after it was allowed to", async () => {
  await using server = await startLambdaServer();
  const owner = server.client();
  const guest = server.client("111111111111");
  await publish(owner, "shared");
  const get = () => guest.send(new GetLayerVersionByArnCommand({ Arn: `${arn}:shared:1` }));
  await assert.rejects(get(), { name: "AccessDeniedException" });
  await assert.rejects(create(guest, [`${arn}:shared:1`]), { name: "AccessDeniedException" });
  const allow = {
    LayerName: "shared",
    VersionNumber: 1,
    StatementId: "guests",
    Action: "lambda:GetLayerVersion",
    Principal: "111111111111",
  };
  const added = await owner.send(new AddLayerVersionPermissionCommand(allow));
  assert.deepEqual(JSON.parse(added.Statement ?? ""), {
    Sid: "guests",
    Effect: "Allow",
    Principal: { AWS: "arn:aws:iam::111111111111:root" },
    Action: "lambda:GetLayerVersion",
    Resource: `${arn}:shared:1`,
  });
  await assert.rejects(owner.send(new AddLayerVersionPermissionCommand(allow)), {
    name: "ResourceConflictException",
    message: /^The statement id \(guests\) provided already exists\./,
  });
  assert.equal((await get()).Version, 1);
  await create(guest, [`${arn}:shared:1`]);
  const policy = await owner.send(
    new GetLayerVersionPolicyCommand({ LayerName: "shared", VersionNumber: 1 }),
  );
  assert.equal(policy.RevisionId, added.RevisionId);
  const target = { LayerName: "shared", VersionNumber: 1, StatementId: "guests" };
  await assert.rejects(
    owner.send(new RemoveLayerVersionPermissionCommand({ ...target, RevisionId: "stale" })),
    { name: "PreconditionFailedException", message: /GetLayerPolicy/ },
  );
  await owner.send(new RemoveLayerVersionPermissionCommand(target));
  await assert.rejects(get(), { name: "AccessDeniedException" });
  await assert.rejects(
    owner.send(new GetLayerVersionPolicyCommand({ LayerName: "shared", VersionNumber: 1 })),
    { message: "No policy is associated with the given resource." },
  );
});
