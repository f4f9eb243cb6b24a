import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateAliasCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  GetPolicyCommand,
  type LambdaClient,
  ListFunctionUrlConfigsCommand,
  ListTagsCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionUrlConfigCommand,
} from "@aws-sdk/client-lambda";
import { urlAddress } from "./function-urls.ts";
import { role, startLambdaServer, zipOf } from "./testing/server.ts";

const arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
const zip = await zipOf({ "index.mjs": "export const handler = async () => 1;" });

async function create(client: LambdaClient, tags: Record<string, string> = {}): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName: "f",
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Role: role,
      Code: { ZipFile: zip },
      Publish: true,
      Tags: tags,
    }),
  );
  await client.send(
    new CreateAliasCommand({ FunctionName: "f", Name: "live", FunctionVersion: "1" }),
  );
}

const idOf = (url: string | undefined): string => new URL(url ?? "").host.split(".")[0] ?? "";

test("a function URL is found by its id until it is deleted", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const cors = { AllowOrigins: ["https://a.example"], AllowMethods: ["GET"], MaxAge: 5 };
  const created = await client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: "f", AuthType: "NONE", Cors: cors }),
  );
  assert.equal(created.$metadata.httpStatusCode, 201);
  assert.equal(created.FunctionArn, arn);
  assert.equal(created.InvokeMode, "BUFFERED");
  assert.match(
    created.FunctionUrl ?? "",
    /^http:\/\/[a-z2-7]{32}\.lambda-url\.us-east-1\.localhost:\d+\/$/,
  );
  const urlId = idOf(created.FunctionUrl);
  const found = await server.lambda.urls.find(urlId, "us-east-1");
  assert.equal(found?.target.name, "f");
  assert.equal(found.target.qualifier, undefined);
  assert.equal(found.authType, "NONE");
  assert.equal(found.publicAllowed, false);
  assert.deepEqual(found.cors?.allowOrigins, ["https://a.example"]);
  assert.equal(await server.lambda.urls.find(urlId, "eu-west-1"), undefined);

  await assert.rejects(
    client.send(new CreateFunctionUrlConfigCommand({ FunctionName: "f", AuthType: "NONE" })),
    {
      name: "ResourceConflictException",
      message: `Failed to create function url config for [functionArn = ${arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
    },
  );
  const updated = await client.send(
    new UpdateFunctionUrlConfigCommand({ FunctionName: "f", InvokeMode: "RESPONSE_STREAM" }),
  );
  assert.equal(updated.AuthType, "NONE");
  assert.deepEqual(updated.Cors, cors);
  assert.equal((await server.lambda.urls.find(urlId, "us-east-1"))?.invokeMode, "RESPONSE_STREAM");
  const deleted = await client.send(new DeleteFunctionUrlConfigCommand({ FunctionName: "f" }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  assert.equal(await server.lambda.urls.find(urlId, "us-east-1"), undefined);
  await assert.rejects(client.send(new GetFunctionUrlConfigCommand({ FunctionName: "f" })), {
    message: "The resource you requested does not exist.",
  });
});

test("aliases have URLs of their own, gone with the alias and with the function", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, { _custom_id_: "hello" });
  const url = (qualifier?: string) =>
    client.send(
      new CreateFunctionUrlConfigCommand({
        FunctionName: "f",
        AuthType: "AWS_IAM",
        Qualifier: qualifier,
      }),
    );
  assert.equal(idOf((await url()).FunctionUrl), "hello");
  const ofAlias = await url("live");
  assert.equal(idOf(ofAlias.FunctionUrl), "hello-live");
  assert.equal(ofAlias.FunctionArn, `${arn}:live`);
  await assert.rejects(url("none"), { message: "Function does not exist" });
  const { FunctionUrlConfigs: listed } = await client.send(
    new ListFunctionUrlConfigsCommand({ FunctionName: "f" }),
  );
  assert.equal(listed?.length, 2);
  assert.equal(
    (await server.lambda.urls.find("hello-live", "us-east-1"))?.target.qualifier,
    "live",
  );
  await client.send(new DeleteAliasCommand({ FunctionName: "f", Name: "live" }));
  assert.equal(await server.lambda.urls.find("hello-live", "us-east-1"), undefined);
  await client.send(new DeleteFunctionCommand({ FunctionName: "f" }));
  assert.equal(await server.lambda.urls.find("hello", "us-east-1"), undefined);
});

test("URLs use the host the caller reached us at, where that can have subdomains", () => {
  const cases = [
    ["http://localhost:4566", "http://u.lambda-url.eu-west-1.localhost:4566/"],
    ["http://127.0.0.1:4566", "http://u.lambda-url.eu-west-1.localhost:4566/"],
    ["http://[::1]:4566", "http://u.lambda-url.eu-west-1.localhost:4566/"],
    ["http://lambda.us-east-1.localhost:80", "http://u.lambda-url.eu-west-1.localhost/"],
    [
      "https://localhost.localstack.cloud:4566",
      "https://u.lambda-url.eu-west-1.localhost.localstack.cloud:4566/",
    ],
    ["https://cloud.example", "https://u.lambda-url.eu-west-1.cloud.example/"],
  ] as const;
  for (const [endpoint, url] of cases) assert.equal(urlAddress(endpoint, "eu-west-1", "u"), url);
});

test("statements are written as the service writes them", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const add = async (sid: string, input: Partial<AddPermissionCommandInput>): Promise<unknown> => {
    const { Statement: text } = await client.send(
      new AddPermissionCommand({
        FunctionName: "f",
        StatementId: sid,
        Action: "lambda:InvokeFunction",
        Principal: "*",
        ...input,
      }),
    );
    return JSON.parse(text ?? "");
  };
  const base = { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: arn };
  assert.deepEqual(
    await add("bucket", {
      Principal: "s3.amazonaws.com",
      SourceArn: "arn:aws:s3:::bucket",
      SourceAccount: "000000000000",
    }),
    {
      ...base,
      Sid: "bucket",
      Principal: { Service: "s3.amazonaws.com" },
      Condition: {
        StringEquals: { "AWS:SourceAccount": "000000000000" },
        ArnLike: { "AWS:SourceArn": "arn:aws:s3:::bucket" },
      },
    },
  );
  assert.deepEqual(await add("account", { Principal: "111111111111", Qualifier: "live" }), {
    ...base,
    Sid: "account",
    Principal: { AWS: "arn:aws:iam::111111111111:root" },
    Resource: `${arn}:live`,
  });
  assert.deepEqual(await add("org", { PrincipalOrgID: "o-0123456789" }), {
    ...base,
    Sid: "org",
    Principal: "*",
    Condition: { StringEquals: { "aws:PrincipalOrgID": "o-0123456789" } },
  });
  await assert.rejects(add("org", {}), {
    name: "ResourceConflictException",
    message:
      "The statement id (org) provided already exists. Please provide a new statement id, or remove the existing statement.",
  });
  await assert.rejects(add("latest", { Qualifier: "$LATEST" }), {
    message: "We currently do not support adding policies for $LATEST.",
  });
  await assert.rejects(add("none", { Qualifier: "none" }), {
    message: `Cannot find alias arn: ${arn}:none`,
  });
  await assert.rejects(add("bad", { Principal: "somebody" }), {
    message: /^The provided principal was invalid/,
  });
  const policy = await client.send(new GetPolicyCommand({ FunctionName: "f" }));
  const document = JSON.parse(policy.Policy ?? "");
  assert.equal(document.Version, "2012-10-17");
  assert.equal(document.Id, "default");
  assert.deepEqual(
    document.Statement.map((each: { Sid: string }) => each.Sid),
    ["bucket", "org"],
  );
});

test("permissions are removed one by one, with the revision checked", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const remove = (input: { StatementId: string; RevisionId?: string }) =>
    client.send(new RemovePermissionCommand({ FunctionName: "f", ...input }));
  await assert.rejects(remove({ StatementId: "a" }), {
    message: "No policy is associated with the given resource.",
  });
  await client.send(
    new AddPermissionCommand({
      FunctionName: "f",
      StatementId: "a",
      Action: "lambda:InvokeFunction",
      Principal: "sns.amazonaws.com",
    }),
  );
  await assert.rejects(remove({ StatementId: "b" }), {
    message: "Statement b is not found in resource policy.",
  });
  await assert.rejects(remove({ StatementId: "a", RevisionId: "stale" }), {
    name: "PreconditionFailedException",
  });
  const { RevisionId: revisionId } = await client.send(new GetPolicyCommand({ FunctionName: "f" }));
  await remove({ StatementId: "a", RevisionId: revisionId ?? "" });
  await assert.rejects(client.send(new GetPolicyCommand({ FunctionName: "f" })), {
    name: "ResourceNotFoundException",
    message: "The resource you requested does not exist.",
  });
});

test("a policy that grows beyond 20 KB is refused", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const fill = async (): Promise<never> => {
    for (let count = 0; ; count++) {
      await client.send(
        new AddPermissionCommand({
          FunctionName: "f",
          StatementId: `s${count}`,
          Action: "lambda:InvokeFunction",
          Principal: "s3.amazonaws.com",
          SourceArn: `arn:aws:s3:::${"b".repeat(900)}`,
        }),
      );
    }
  };
  await assert.rejects(fill(), {
    name: "PolicyLengthExceededException",
    message: /bigger than the limit \(20480\)/,
  });
});

test("an open URL needs a policy that lets everyone in", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, { _custom_id_: "open" });
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: "f", AuthType: "NONE" }));
  const isPublic = async () => (await server.lambda.urls.find("open", "us-east-1"))?.publicAllowed;
  assert.equal(await isPublic(), false);
  const statement = {
    FunctionName: "f",
    StatementId: "public",
    Action: "lambda:InvokeFunctionUrl",
    Principal: "*",
  };
  await assert.rejects(
    client.send(
      new AddPermissionCommand({
        ...statement,
        Action: "lambda:InvokeFunction",
        FunctionUrlAuthType: "NONE",
      }),
    ),
    { message: /only supported for lambda:InvokeFunctionUrl action/ },
  );
  await client.send(new AddPermissionCommand({ ...statement, FunctionUrlAuthType: "NONE" }));
  assert.equal(await isPublic(), true);
  await client.send(new RemovePermissionCommand({ FunctionName: "f", StatementId: "public" }));
  assert.equal(await isPublic(), false);
});

test("tags are added, removed and read on functions only", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client, { team: "a" });
  await client.send(new TagResourceCommand({ Resource: arn, Tags: { stage: "dev", team: "b" } }));
  const tags = async () => (await client.send(new ListTagsCommand({ Resource: arn }))).Tags;
  assert.deepEqual(await tags(), { team: "b", stage: "dev" });
  const removed = await client.send(
    new UntagResourceCommand({ Resource: arn, TagKeys: ["team", "never"] }),
  );
  assert.equal(removed.$metadata.httpStatusCode, 204);
  assert.deepEqual(await tags(), { stage: "dev" });
  await assert.rejects(client.send(new ListTagsCommand({ Resource: `${arn}:live` })), {
    message:
      "Tags on function aliases and versions are not supported. Please specify a function ARN.",
  });
  const refuse = async (added: Record<string, string>, message: RegExp): Promise<void> => {
    await assert.rejects(client.send(new TagResourceCommand({ Resource: arn, Tags: added })), {
      name: "InvalidParameterValueException",
      message,
    });
  };
  await refuse({}, /cannot be processed/);
  await refuse({ "aws:x": "1" }, /reserved/);
  await refuse({ ["k".repeat(129)]: "1" }, /128 characters/);
  await refuse({ k: "v".repeat(257) }, /256 characters/);
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, "1"]));
  await refuse(many, /exceeds resource tag limit/);
});

test("the egress tag changes what the engine resolves, at once and for every version", async () => {
  await using server = await startLambdaServer();
  const client = server.client();
  await create(client);
  const egress = async (qualifier?: string) => {
    const place = { accountId: "000000000000", region: "us-east-1" };
    const found = await server.registry.resolve({ ...place, name: "f", qualifier }, place);
    return found?.revision.egress;
  };
  assert.equal(await egress(), "platform");
  const tag = (value: string) =>
    client.send(new TagResourceCommand({ Resource: arn, Tags: { "skerry:egress": value } }));
  await tag("internet");
  assert.equal(await egress(), "internet");
  assert.equal(await egress("1"), "internet");
  assert.ok(server.retired.includes(arn));
  await assert.rejects(tag("everything"), { message: /must be 'platform' or 'internet'/ });
  await client.send(new UntagResourceCommand({ Resource: arn, TagKeys: ["skerry:egress"] }));
  assert.equal(await egress("live"), "platform");
});
