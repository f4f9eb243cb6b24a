import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListFunctionsCommand,
  paginateListFunctions,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const zip = await zipOf({ "index.mjs": "export const handler = async (event) => event;" });

function draft(name: string): CreateFunctionCommandInput {
  return {
    FunctionName: name,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    Role: role,
    Code: { ZipFile: zip },
  };
}

async function active(client: LambdaClient, name: string): Promise<void> {
  const settings = { client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 };
  await waitUntilFunctionActiveV2(settings, { FunctionName: name });
}

test("a created function is Pending, then Active with the service's defaults", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const created = await client.send(new CreateFunctionCommand(draft("first")));
  assert.equal(created.$metadata.httpStatusCode, 201);
  assert.equal(created.State, "Pending");
  assert.equal(created.StateReasonCode, "Creating");
  assert.equal(created.LastUpdateStatus, undefined);
  assert.equal(created.FunctionArn, "arn:aws:lambda:us-east-1:000000000000:function:first");
  await active(client, "first");

  const { Configuration: found, Code: code } = await client.send(
    new GetFunctionCommand({ FunctionName: "first" }),
  );
  assert.equal(found?.State, "Active");
  assert.equal(found.LastUpdateStatus, "Successful");
  assert.equal(found.MemorySize, 128);
  assert.equal(found.Timeout, 3);
  assert.equal(found.EphemeralStorage?.Size, 512);
  assert.equal(found.PackageType, "Zip");
  assert.equal(found.TracingConfig?.Mode, "PassThrough");
  assert.equal(found.Version, "$LATEST");
  assert.equal(found.CodeSize, zip.byteLength);
  assert.equal(found.CodeSha256, createHash("sha256").update(zip).digest("base64"));
  assert.deepEqual(found.Architectures, ["x86_64"]);
  assert.deepEqual(found.LoggingConfig, { LogFormat: "Text", LogGroup: "/aws/lambda/first" });
  assert.match(found.LastModified ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
  assert.equal(found.Environment, undefined);
  assert.equal(code?.RepositoryType, "S3");

  const download = await fetch(code.Location ?? "");
  assert.equal(download.status, 200);
  assert.deepEqual(Buffer.from(await download.arrayBuffer()), zip);
  const forged = (code.Location ?? "").replace(/expires=\d/, "expires=9");
  assert.equal((await fetch(forged)).status, 403);
});

test("creating the same name twice is a conflict", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await client.send(new CreateFunctionCommand(draft("twin")));
  await assert.rejects(client.send(new CreateFunctionCommand(draft("twin"))), {
    name: "ResourceConflictException",
    message: "Function already exist: twin",
    Type: "User",
  });
});

test("an unknown function is not found, by name, ARN and partial ARN", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const arn = "arn:aws:lambda:us-east-1:000000000000:function:x";
  for (const name of ["x", arn, "000000000000:function:x"]) {
    await assert.rejects(client.send(new GetFunctionCommand({ FunctionName: name })), {
      name: "ResourceNotFoundException",
      message: `Function not found: ${arn}`,
    });
  }
  await assert.rejects(
    client.send(new GetFunctionCommand({ FunctionName: arn.replace("us-east-1", "eu-west-1") })),
    { message: "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')" },
  );
  await assert.rejects(
    client.send(
      new GetFunctionCommand({ FunctionName: arn.replace("000000000000", "111111111111") }),
    ),
    { name: "AccessDeniedException" },
  );
});

test("accounts and regions see only their own functions", async () => {
  await using server = await startLambdaServer();
  await server.client().send(new CreateFunctionCommand(draft("mine")));
  for (const other of [server.client("111111111111"), server.client("000000000000", "eu-west-1")]) {
    const { Functions: found } = await other.send(new ListFunctionsCommand({}));
    assert.deepEqual(found, []);
  }
});

test("what cannot be unpacked is refused with the service's words", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const cases = [
    [Buffer.from("not a zip"), /^Could not unzip uploaded file\. Please check your file/],
    [zip.subarray(0, zip.length - 30), /^Could not unzip uploaded file\. Please check your file/],
    [Buffer.alloc(0), /zip|source/],
  ] as const;
  for (const [bytes, message] of cases) {
    const command = new CreateFunctionCommand({ ...draft("broken"), Code: { ZipFile: bytes } });
    await assert.rejects(client.send(command), { name: "InvalidParameterValueException", message });
  }
  await assert.rejects(
    client.send(
      new CreateFunctionCommand({ ...draft("s3"), Code: { S3Bucket: "bucket", S3Key: "key" } }),
    ),
    {
      name: "InvalidParameterValueException",
      message: /^Error occurred while GetObject\. S3 Error Code: NoSuchBucket/,
    },
  );
});

test("runtimes that are unknown, deprecated or not hosted are told apart", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const cases = [
    [
      "nodejs99.x",
      /^Value nodejs99\.x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \[nodejs24\.x, provided\.al2023, python3\.13\] or be a valid ARN$/,
    ],
    ["python3.6", /^The runtime parameter of python3\.6 is no longer supported .* \(python3\.13\)/],
    ["ruby3.4", /^Runtime ruby3\.4 is not supported by Skerry: hosted runtimes are \[nodejs24\.x/],
  ] as const;
  for (const [runtime, message] of cases) {
    const input = { ...draft("r"), Runtime: runtime as "nodejs24.x" }; // on purpose beyond the SDK's list
    await assert.rejects(client.send(new CreateFunctionCommand(input)), {
      name: "InvalidParameterValueException",
      message,
    });
  }
});

test("a runtime whose interpreter is missing says how to get it", async () => {
  const runtimes = new Map([
    [
      "python3.13",
      { probe: async () => ({ usable: false, reason: "apt-get install python3.13" }) },
    ],
  ]);
  await using server = await startLambdaServer({ runtimes });
  const input: CreateFunctionCommandInput = { ...draft("p"), Runtime: "python3.13" };
  await assert.rejects(server.client().send(new CreateFunctionCommand(input)), {
    message: /not available on this machine: apt-get install python3\.13/,
  });
});

test("settings that cannot be honoured name themselves; neutral ones pass", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const wishes: Record<string, Partial<CreateFunctionCommandInput>> = {
    VpcConfig: { VpcConfig: { SubnetIds: ["subnet-1"], SecurityGroupIds: [] } },
    FileSystemConfigs: {
      FileSystemConfigs: [
        {
          Arn: "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-01234567890123456",
          LocalMountPath: "/mnt/x",
        },
      ],
    },
    ImageConfig: { ImageConfig: { Command: ["x"] } },
    "PackageType Image": { PackageType: "Image" },
    SnapStart: { SnapStart: { ApplyOn: "PublishedVersions" } },
    KMSKeyArn: { KMSKeyArn: "arn:aws:kms:us-east-1:000000000000:key/x" },
    CodeSigningConfigArn: {
      CodeSigningConfigArn:
        "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-01234567890123456",
    },
    DurableConfig: { DurableConfig: { ExecutionTimeout: 5 } },
    TenancyConfig: { TenancyConfig: { TenantIsolationMode: "PER_TENANT" } },
    PublishTo: { PublishTo: "LATEST_PUBLISHED" },
  };
  for (const [member, wish] of Object.entries(wishes)) {
    await assert.rejects(client.send(new CreateFunctionCommand({ ...draft("w"), ...wish })), {
      name: "InvalidParameterValueException",
      message: new RegExp(`^${member} is not supported by Skerry: `),
    });
  }
  const neutral: CreateFunctionCommandInput = {
    ...draft("neutral"),
    VpcConfig: { SubnetIds: [], SecurityGroupIds: [] },
    FileSystemConfigs: [],
    SnapStart: { ApplyOn: "None" },
    KMSKeyArn: "",
    DeadLetterConfig: { TargetArn: "" },
    TracingConfig: { Mode: "Active" },
    Layers: [],
    Environment: { Variables: {} },
  };
  assert.equal(
    (await client.send(new CreateFunctionCommand(neutral))).TracingConfig?.Mode,
    "Active",
  );
});

test("environment variables: reserved names and more than 4 KB are refused", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const create = (variables: Record<string, string>) =>
    client.send(
      new CreateFunctionCommand({ ...draft("env"), Environment: { Variables: variables } }),
    );
  await assert.rejects(create({ AWS_REGION: "x", OK: "1" }), {
    message: /Reserved keys used in this request: AWS_REGION$/,
  });
  await assert.rejects(create({ BIG: "x".repeat(4_096) }), { message: /exceeded the 4KB limit/ });
  const overhead = JSON.stringify({ FITS: "" }).length;
  const created = await create({ FITS: "x".repeat(4_096 - overhead) });
  assert.equal(created.Environment?.Variables?.["FITS"]?.length, 4_096 - overhead);
});

test("updating code serves the new package and changes the revision id", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const created = await client.send(new CreateFunctionCommand(draft("u")));
  const next = await zipOf({ "index.mjs": "export const handler = async () => 2;" });
  const update = new UpdateFunctionCodeCommand({ FunctionName: "u", ZipFile: next });
  const updated = await client.send(update); // waits for the creation by itself
  assert.equal(updated.LastUpdateStatus, "InProgress");
  assert.equal(updated.CodeSha256, createHash("sha256").update(next).digest("base64"));
  assert.notEqual(updated.RevisionId, created.RevisionId);
  await waitUntilFunctionUpdatedV2(
    { client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 },
    { FunctionName: "u" },
  );
  assert.ok(server.retired.includes("arn:aws:lambda:us-east-1:000000000000:function:u"));
  await assert.rejects(
    client.send(
      new UpdateFunctionCodeCommand({ FunctionName: "u", ZipFile: zip, RevisionId: "stale" }),
    ),
    {
      name: "PreconditionFailedException",
      message:
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    },
  );
});

test("a dry run of a code update changes nothing", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await client.send(new CreateFunctionCommand(draft("dry")));
  await active(client, "dry");
  const before = await client.send(new GetFunctionConfigurationCommand({ FunctionName: "dry" }));
  const next = await zipOf({ "index.mjs": "export const handler = async () => 3;" });
  await client.send(
    new UpdateFunctionCodeCommand({ FunctionName: "dry", ZipFile: next, DryRun: true }),
  );
  const after = await client.send(new GetFunctionConfigurationCommand({ FunctionName: "dry" }));
  assert.equal(after.CodeSha256, before.CodeSha256);
  assert.equal(after.RevisionId, before.RevisionId);
});

test("updating the configuration keeps what is not named", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await client.send(
    new CreateFunctionCommand({
      ...draft("c"),
      Description: "kept",
      Environment: { Variables: { AA: "1" } },
      LoggingConfig: { LogFormat: "JSON" },
    }),
  );
  await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: "c", MemorySize: 512, Timeout: 30 }),
  );
  const updated = await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: "c",
      DeadLetterConfig: { TargetArn: "arn:aws:sqs:us-east-1:000000000000:dead" },
      LoggingConfig: { LogGroup: "elsewhere" },
    }),
  );
  assert.equal(updated.MemorySize, 512);
  assert.equal(updated.Timeout, 30);
  assert.equal(updated.Description, "kept");
  assert.deepEqual(updated.Environment?.Variables, { AA: "1" });
  assert.equal(updated.DeadLetterConfig?.TargetArn, "arn:aws:sqs:us-east-1:000000000000:dead");
  assert.deepEqual(updated.LoggingConfig, {
    LogFormat: "JSON",
    ApplicationLogLevel: "INFO",
    SystemLogLevel: "INFO",
    LogGroup: "elsewhere",
  });
  await assert.rejects(
    client.send(new UpdateFunctionConfigurationCommand({ FunctionName: "c", MemorySize: 10_241 })),
    {
      name: "InvalidParameterValueException",
      message:
        "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
    },
  );
  await assert.rejects(
    client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: "c",
        LoggingConfig: { LogFormat: "Text", SystemLogLevel: "DEBUG" },
      }),
    ),
    { message: /^Log Level is not supported when LogFormat is set to Text/ },
  );
});

test("listings come in pages whose markers work only where they were made", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  const names = Array.from({ length: 7 }, (_, index) => `list-${index}`);
  for (const name of names) await client.send(new CreateFunctionCommand(draft(name)));
  const found: (string | undefined)[] = [];
  let pages = 0;
  for await (const page of paginateListFunctions({ client, pageSize: 3 }, {})) {
    pages++;
    found.push(...(page.Functions ?? []).map((each) => each.FunctionName));
  }
  assert.equal(pages, 3);
  assert.deepEqual(found, names);
  const { NextMarker: marker } = await client.send(new ListFunctionsCommand({ MaxItems: 1 }));
  for (const [other, text] of [
    [server.client("111111111111"), marker],
    [client, "nonsense"],
  ] as const) {
    await assert.rejects(other.send(new ListFunctionsCommand({ Marker: text })), {
      name: "InvalidParameterValueException",
    });
  }
});

test("a deleted function is gone with everything that hung on it", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await client.send(new CreateFunctionCommand(draft("gone")));
  const deleted = await client.send(new DeleteFunctionCommand({ FunctionName: "gone" }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  await assert.rejects(client.send(new DeleteFunctionCommand({ FunctionName: "gone" })), {
    name: "ResourceNotFoundException",
  });
  assert.ok(server.retired.includes("arn:aws:lambda:us-east-1:000000000000:function:gone"));
  await assert.rejects(
    client.send(new DeleteFunctionCommand({ FunctionName: "gone", Qualifier: "$LATEST" })),
    { message: "$LATEST version cannot be deleted without deleting the function." },
  );
});
