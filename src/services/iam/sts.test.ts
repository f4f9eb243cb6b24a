import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "#base/random.ts";
import { createIam } from "./iam.ts";
import { accountOfAccessKeyId, newAccessKeyId } from "./names.ts";
import { accountId, setUp, trustPolicy } from "./testing/set-up.ts";

const roleArn = `arn:aws:iam::${accountId}:role/R`;
const userArn = `arn:aws:iam::${accountId}:user/u`;
const sessionArn = `arn:aws:sts::${accountId}:assumed-role/R/s1`;

test("callers are told who they are", async () => {
  const { iamCall, stsCall } = setUp();
  assert.deepEqual(await stsCall("GetCallerIdentity", {}), {
    UserId: accountId,
    Account: accountId,
    Arn: `arn:aws:iam::${accountId}:root`,
  });
  const { User } = await iamCall("CreateUser", { UserName: "u" });
  assert.equal((await stsCall("GetCallerIdentity", {}, userArn)).UserId, User?.UserId);
  const { Role } = await iamCall("CreateRole", {
    RoleName: "R",
    AssumeRolePolicyDocument: trustPolicy,
  });
  const session = await stsCall("GetCallerIdentity", {}, sessionArn);
  assert.equal(session.UserId, `${Role?.RoleId}:s1`);
  assert.equal((await iamCall("GetUser", {}, userArn)).User?.UserName, "u");
  assert.equal((await iamCall("GetUser", {})).User?.Arn, `arn:aws:iam::${accountId}:root`);
});

test("an assumed role's key is found by its token, in every process of the installation", async () => {
  const { iamCall, stsCall, store, clock, keys } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  const { Credentials, AssumedRoleUser } = await stsCall("AssumeRole", {
    RoleArn: roleArn,
    RoleSessionName: "s1",
  });
  assert.equal(AssumedRoleUser?.Arn, sessionArn);
  const { AccessKeyId = "", SessionToken = "", SecretAccessKey } = Credentials ?? {};
  assert.match(AccessKeyId, /^ASIA[A-Z2-7]{16}$/);
  const expected = {
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiresAtMs: clock.nowMs() + 3_600_000,
    principal: { arn: sessionArn, accountId },
  };
  assert.deepEqual(await keys.find(AccessKeyId, SessionToken), expected);
  const other = createIam({ store, clock, random: systemRandom, mode: "strict" });
  assert.deepEqual(await other.keys.find(AccessKeyId, SessionToken), expected);
  assert.equal(await keys.find(AccessKeyId), undefined);
  assert.equal(await setUp().keys.find(AccessKeyId, SessionToken), undefined);
});

test("a token that was changed anywhere, or belongs to another key, finds nothing", async () => {
  const { credentials, keys } = setUp();
  const mine = await credentials.issue({ roleArn, sessionName: "f" });
  const other = await credentials.issue({ roleArn, sessionName: "g" });
  assert.equal(await keys.find(mine.accessKeyId, other.sessionToken), undefined);
  const bytes = Buffer.from(mine.sessionToken, "base64");
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(await keys.find(mine.accessKeyId, changed.toString("base64")), undefined);
  }
  assert.equal(await keys.find(mine.accessKeyId, "short"), undefined);
});

test("functions' credentials write nothing once the installation has its key", async () => {
  const { credentials, keys, store } = setUp();
  await credentials.issue({ roleArn, sessionName: "warm-up" });
  const before = await store.usage();
  const issued = await credentials.issue({ roleArn, sessionName: "my-function" });
  assert.deepEqual(await store.usage(), before);
  const found = await keys.find(issued.accessKeyId, issued.sessionToken);
  assert.equal(found?.principal.arn, `arn:aws:sts::${accountId}:assumed-role/R/my-function`);
});

test("roles that nobody created can be assumed in open mode only", async () => {
  const RoleArn = `arn:aws:iam::${accountId}:role/deploy/unknown`;
  const open = await setUp().stsCall("AssumeRole", { RoleArn, RoleSessionName: "s1" });
  assert.match(open.AssumedRoleUser?.AssumedRoleId ?? "", /^AROA[A-Z2-7]{17}:s1$/);
  await assert.rejects(
    setUp("strict").stsCall("AssumeRole", { RoleArn, RoleSessionName: "s1" }, userArn),
    {
      name: "AuthenticationError",
      code: "AccessDenied",
      message: `User: ${userArn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
    },
  );
  await assert.rejects(setUp("strict").stsCall("AssumeRole", { RoleArn, RoleSessionName: "s1" }), {
    message: "Roles may not be assumed by root accounts.",
  });
});

test("sessions last as long as the role allows, and an hour when roles are chained", async () => {
  const { iamCall, stsCall } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  const assume = (DurationSeconds: number, caller?: string) =>
    stsCall("AssumeRole", { RoleArn: roleArn, RoleSessionName: "s1", DurationSeconds }, caller);
  await assume(900);
  await assert.rejects(assume(899), /greater than or equal to 900/);
  await assert.rejects(assume(43_201), /less than or equal to 43200/);
  await assert.rejects(assume(3_601), {
    name: "ValidationError",
    message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
  });
  await iamCall("UpdateRole", { RoleName: "R", MaxSessionDuration: 7200 });
  await assume(7200);
  await assert.rejects(assume(7200, sessionArn), /role chaining/);
});

test("session policies must be policies and fit", async () => {
  const { stsCall } = setUp();
  const assume = (Policy: string) =>
    stsCall("AssumeRole", { RoleArn: roleArn, RoleSessionName: "s1", Policy });
  await assert.rejects(assume("{}"), { name: "MalformedPolicyDocumentException" });
  const good = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  const answer = await assume(good);
  assert.ok((answer.PackedPolicySize ?? 0) > 0);
});

test("session tokens are for users and roots, not for sessions", async () => {
  const { iamCall, stsCall, keys, clock } = setUp();
  await iamCall("CreateUser", { UserName: "u" });
  const { Credentials } = await stsCall("GetSessionToken", {}, userArn);
  const found = await keys.find(Credentials?.AccessKeyId ?? "", Credentials?.SessionToken);
  assert.equal(found?.principal.arn, userArn);
  assert.equal(found?.expiresAtMs, clock.nowMs() + 43_200_000);
  const root = await stsCall("GetSessionToken", { DurationSeconds: 7200 });
  assert.equal(root.Credentials?.Expiration?.getTime(), clock.nowMs() + 3_600_000);
  await assert.rejects(stsCall("GetSessionToken", {}, sessionArn), { code: "AccessDenied" });
  const federated = await stsCall("GetFederationToken", { Name: "guest" }, userArn);
  assert.equal(federated.FederatedUser?.Arn, `arn:aws:sts::${accountId}:federated-user/guest`);
  assert.equal(
    (await stsCall("GetCallerIdentity", {}, federated.FederatedUser?.Arn)).UserId,
    `${accountId}:guest`,
  );
});

test("identity tokens are believed in open mode only", async () => {
  const claims = { iss: "https://issuer.example", sub: "me", aud: ["you"] };
  const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  const input = { RoleArn: roleArn, RoleSessionName: "s1", WebIdentityToken: token };
  const answer = await setUp().stsCall("AssumeRoleWithWebIdentity", input);
  assert.equal(answer.SubjectFromWebIdentityToken, "me");
  assert.equal(answer.Audience, "you");
  await assert.rejects(setUp("strict").stsCall("AssumeRoleWithWebIdentity", input), {
    name: "InvalidIdentityTokenException",
    message: "No OpenIDConnect provider found in your account for https://issuer.example",
  });
  await assert.rejects(
    setUp().stsCall("AssumeRoleWithWebIdentity", { ...input, WebIdentityToken: "nope" }),
    { name: "InvalidIdentityTokenException" },
  );
});

test("key ids carry their account", async () => {
  const { stsCall } = setUp();
  for (const account of ["000000000000", "123456789012", "999999999999"]) {
    const id = newAccessKeyId("AKIA", account, systemRandom);
    assert.match(id, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(accountOfAccessKeyId(id), account);
    assert.deepEqual(await stsCall("GetAccessKeyInfo", { AccessKeyId: id }), { Account: account });
  }
  // An example published with its account: https://awsteele.com/blog/2020/09/26/aws-access-key-format.html
  assert.equal(accountOfAccessKeyId("ASIAQNZGKIQY56JQ7WML"), "029608264753");
});

test("the root's first key is made once", async () => {
  const { createRootKey, keys } = setUp("strict");
  const made = await createRootKey(accountId);
  assert.ok(made);
  assert.equal(await createRootKey(accountId), undefined);
  const found = await keys.find(made.accessKeyId);
  assert.equal(found?.principal.arn, `arn:aws:iam::${accountId}:root`);
});
