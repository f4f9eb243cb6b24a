import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateRoleCommand,
  CreateUserCommand,
  CreateAccessKeyCommand,
  DeleteRoleCommand,
  GetRoleCommand,
  IAMClient,
  ListRolesCommand,
  NoSuchEntityException,
  paginateListRoles,
  SimulatePrincipalPolicyCommand,
  TagRoleCommand,
} from "@aws-sdk/client-iam";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { AuthenticationMode } from "#protocol/auth/auth.ts";
import { serve } from "#protocol/testing/serve.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createIam } from "./iam.ts";
import { trustPolicy } from "./testing/set-up.ts";

async function setUp(mode: AuthenticationMode) {
  const made = createIam({
    store: createMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    mode,
  });
  const loaders = [
    { name: "iam", signingName: "iam", endpointPrefix: "iam", load: async () => made.iam },
    { name: "sts", signingName: "sts", endpointPrefix: "sts", load: async () => made.sts },
  ];
  const server = await serve(loaders, { mode, keys: made.keys });
  const client = (credentials: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
  }) => {
    const settings = {
      endpoint: server.endpoint,
      region: "us-east-1",
      credentials,
      maxAttempts: 1,
    };
    return { iam: new IAMClient(settings), sts: new STSClient(settings) };
  };
  return { ...made, server, client };
}

test("the SDK's IAM client creates, reads, lists, tags and deletes a role", async () => {
  const { server, client } = await setUp("open");
  await using _ = server;
  const { iam } = client({ accessKeyId: "123456789012", secretAccessKey: "x" });
  const created = await iam.send(
    new CreateRoleCommand({
      RoleName: "R",
      AssumeRolePolicyDocument: trustPolicy,
      Description: "<&>",
      Tags: [{ Key: "a", Value: "a:b" }],
    }),
  );
  assert.equal(created.Role?.Arn, "arn:aws:iam::123456789012:role/R");
  await iam.send(new TagRoleCommand({ RoleName: "R", Tags: [{ Key: "b", Value: "" }] }));
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: "R" }));
  assert.deepEqual(Role?.Tags, [
    { Key: "a", Value: "a:b" },
    { Key: "b", Value: "" },
  ]);
  assert.equal(Role?.Description, "<&>");
  assert.ok(Role?.CreateDate instanceof Date);
  assert.equal(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""), trustPolicy);
  const names: (string | undefined)[] = [];
  for await (const page of paginateListRoles({ client: iam, pageSize: 1 }, {})) {
    names.push(...(page.Roles ?? []).map(({ RoleName }) => RoleName));
  }
  assert.deepEqual(names, ["R"]);
  await iam.send(new DeleteRoleCommand({ RoleName: "R" }));
  await assert.rejects(iam.send(new GetRoleCommand({ RoleName: "R" })), (error) => {
    assert.ok(error instanceof NoSuchEntityException);
    assert.equal(error.message, "The role with name R cannot be found.");
    assert.equal(error.$metadata.httpStatusCode, 404);
    return true;
  });
  await assert.rejects(iam.send(new ListRolesCommand({ MaxItems: 0 })), {
    name: "ValidationError",
  });
  await assert.rejects(
    iam.send(
      new SimulatePrincipalPolicyCommand({ PolicySourceArn: "x".repeat(20), ActionNames: ["a:b"] }),
    ),
    (error: Error) => {
      assert.match(error.message, /SimulatePrincipalPolicy/);
      return true;
    },
  );
});

test("with signatures required, a root key makes a user, whose key assumes a role", async () => {
  const { server, client, createRootKey } = await setUp("strict");
  await using _ = server;
  const rootKey = await createRootKey("111122223333");
  assert.ok(rootKey);
  const root = client(rootKey);
  const identity = await root.sts.send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Arn, "arn:aws:iam::111122223333:root");
  await root.iam.send(new CreateUserCommand({ UserName: "u" }));
  await root.iam.send(
    new CreateRoleCommand({ RoleName: "R", AssumeRolePolicyDocument: trustPolicy }),
  );
  const { AccessKey } = await root.iam.send(new CreateAccessKeyCommand({ UserName: "u" }));
  const user = client({
    accessKeyId: AccessKey?.AccessKeyId ?? "",
    secretAccessKey: AccessKey?.SecretAccessKey ?? "",
  });
  const { Credentials } = await user.sts.send(
    new AssumeRoleCommand({
      RoleArn: "arn:aws:iam::111122223333:role/R",
      RoleSessionName: "deploy",
    }),
  );
  const session = {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
  const assumed = await client(session).sts.send(new GetCallerIdentityCommand({}));
  assert.equal(assumed.Arn, "arn:aws:sts::111122223333:assumed-role/R/deploy");
  assert.match(assumed.UserId ?? "", /^AROA[A-Z2-7]{17}:deploy$/);
  const { sessionToken, ...withoutToken } = session;
  assert.ok(sessionToken);
  await assert.rejects(client(withoutToken).sts.send(new GetCallerIdentityCommand({})), {
    name: "InvalidClientTokenId",
  });
  await assert.rejects(
    client({ ...rootKey, secretAccessKey: "wrong" }).sts.send(new GetCallerIdentityCommand({})),
    { name: "SignatureDoesNotMatch" },
  );
});
