import assert from "node:assert/strict";
import { test } from "node:test";
import { awsManagedPolicies } from "./aws-managed-policies.ts";
import { policyProblem } from "./policy-document.ts";
import { accountId, setUp, somePolicy, trustPolicy } from "./testing/set-up.ts";

const basicExecution = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

function refusal(name: string, message: RegExp | string) {
  return (error: Error): true => {
    assert.equal(error.name, name);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test("a role is returned as it was created, with its trust policy encoded", async () => {
  const { iamCall, clock } = setUp();
  const { Role: created } = await iamCall("CreateRole", {
    RoleName: "Runner",
    AssumeRolePolicyDocument: trustPolicy,
    Path: "/team/",
    Description: "runs",
    Tags: [{ Key: "a", Value: "b" }],
  });
  const { Role: role } = await iamCall("GetRole", { RoleName: "runner" });
  assert.deepEqual(role, created);
  assert.match(role?.RoleId ?? "", /^AROA[A-Z2-7]{17}$/);
  assert.equal(role?.Arn, `arn:aws:iam::${accountId}:role/team/Runner`);
  assert.equal(decodeURIComponent(role?.AssumeRolePolicyDocument ?? ""), trustPolicy);
  assert.equal(role?.CreateDate?.getTime(), clock.nowMs());
  assert.equal(role?.MaxSessionDuration, 3600);
  const { Roles = [] } = await iamCall("ListRoles", { PathPrefix: "/team/" });
  assert.deepEqual(
    Roles.map(({ RoleName, Tags }) => [RoleName, Tags]),
    [["Runner", undefined]],
  );
  assert.deepEqual((await iamCall("ListRoles", { PathPrefix: "/other/" })).Roles, []);
});

test("names that exist are refused without regard to case, and absent ones are named", async () => {
  const { iamCall } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  await assert.rejects(
    iamCall("CreateRole", { RoleName: "r", AssumeRolePolicyDocument: trustPolicy }),
    refusal("EntityAlreadyExistsException", "Role with name r already exists."),
  );
  const absent = [
    ["GetRole", { RoleName: "x" }, "The role with name x cannot be found."],
    ["GetUser", { UserName: "x" }, "The user with name x cannot be found."],
    ["GetGroup", { GroupName: "x" }, "The group with name x cannot be found."],
    ["GetInstanceProfile", { InstanceProfileName: "x" }, "Instance Profile x cannot be found."],
    [
      "GetRolePolicy",
      { RoleName: "R", PolicyName: "p" },
      "The role policy with name p cannot be found.",
    ],
    [
      "AttachRolePolicy",
      { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/NoSuchThing" },
      "Policy arn:aws:iam::aws:policy/NoSuchThing does not exist or is not attachable.",
    ],
    [
      "DetachRolePolicy",
      { RoleName: "R", PolicyArn: basicExecution },
      `Policy ${basicExecution} was not found.`,
    ],
    [
      "GetPolicy",
      { PolicyArn: `arn:aws:iam::${accountId}:policy/none` },
      `Policy arn:aws:iam::${accountId}:policy/none was not found.`,
    ],
  ] as const;
  for (const [name, input, message] of absent) {
    await assert.rejects(iamCall(name, input), refusal("NoSuchEntityException", message));
  }
});

test("what still has parts cannot be deleted", async () => {
  const { iamCall } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  await iamCall("CreateInstanceProfile", { InstanceProfileName: "I" });
  await iamCall("AddRoleToInstanceProfile", { InstanceProfileName: "I", RoleName: "R" });
  await iamCall("AttachRolePolicy", { RoleName: "R", PolicyArn: basicExecution });
  await iamCall("PutRolePolicy", { RoleName: "R", PolicyName: "p", PolicyDocument: somePolicy });
  const deleteRole = () => iamCall("DeleteRole", { RoleName: "R" });
  const conflict = (message: string) => refusal("DeleteConflictException", message);
  await assert.rejects(
    deleteRole(),
    conflict("Cannot delete entity, must detach all policies first."),
  );
  await iamCall("DetachRolePolicy", { RoleName: "R", PolicyArn: basicExecution });
  await assert.rejects(deleteRole(), conflict("Cannot delete entity, must delete policies first."));
  await iamCall("DeleteRolePolicy", { RoleName: "R", PolicyName: "p" });
  const profile = "Cannot delete entity, must remove roles from instance profile first.";
  await assert.rejects(deleteRole(), conflict(profile));
  await assert.rejects(
    iamCall("DeleteInstanceProfile", { InstanceProfileName: "I" }),
    conflict(profile),
  );
  await iamCall("RemoveRoleFromInstanceProfile", { InstanceProfileName: "I", RoleName: "R" });
  await deleteRole();
  await assert.rejects(iamCall("GetRole", { RoleName: "R" }), /cannot be found/);
});

test("managed policies have five versions, one of them the default", async () => {
  const { iamCall } = setUp();
  const { Policy } = await iamCall("CreatePolicy", {
    PolicyName: "P",
    PolicyDocument: somePolicy,
    Description: "d",
  });
  const PolicyArn = Policy?.Arn ?? "";
  for (let version = 2; version <= 5; version++) {
    await iamCall("CreatePolicyVersion", {
      PolicyArn,
      PolicyDocument: somePolicy,
      SetAsDefault: version === 3,
    });
  }
  await assert.rejects(
    iamCall("CreatePolicyVersion", { PolicyArn, PolicyDocument: somePolicy }),
    refusal("LimitExceededException", /^A managed policy can have up to 5 versions\./),
  );
  const { Versions = [] } = await iamCall("ListPolicyVersions", { PolicyArn });
  assert.deepEqual(
    Versions.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion]),
    [
      ["v5", false],
      ["v4", false],
      ["v3", true],
      ["v2", false],
      ["v1", false],
    ],
  );
  await assert.rejects(
    iamCall("DeletePolicyVersion", { PolicyArn, VersionId: "v3" }),
    refusal("DeleteConflictException", "Cannot delete the default version of a policy."),
  );
  await assert.rejects(iamCall("DeletePolicy", { PolicyArn }), /more than one version/);
  await iamCall("SetDefaultPolicyVersion", { PolicyArn, VersionId: "v5" });
  for (const VersionId of ["v1", "v2", "v3", "v4"]) {
    await iamCall("DeletePolicyVersion", { PolicyArn, VersionId });
  }
  const got = await iamCall("GetPolicyVersion", { PolicyArn, VersionId: "v5" });
  assert.equal(decodeURIComponent(got.PolicyVersion?.Document ?? ""), somePolicy);
  await iamCall("CreateUser", { UserName: "u" });
  await iamCall("AttachUserPolicy", { UserName: "u", PolicyArn });
  assert.equal((await iamCall("GetPolicy", { PolicyArn })).Policy?.AttachmentCount, 1);
  await assert.rejects(iamCall("DeletePolicy", { PolicyArn }), /attached to entities/);
  const { PolicyUsers } = await iamCall("ListEntitiesForPolicy", { PolicyArn });
  assert.deepEqual(
    PolicyUsers?.map(({ UserName }) => UserName),
    ["u"],
  );
  await iamCall("DetachUserPolicy", { UserName: "u", PolicyArn });
  await iamCall("DeletePolicy", { PolicyArn });
});

test("policies of service roles come with their documents, and those are valid", async () => {
  const { iamCall } = setUp();
  for (const { document } of awsManagedPolicies()) {
    if (document !== undefined) assert.equal(policyProblem(document, "managed"), undefined);
  }
  const { PolicyVersion } = await iamCall("GetPolicyVersion", {
    PolicyArn: basicExecution,
    VersionId: "v1",
  });
  assert.match(decodeURIComponent(PolicyVersion?.Document ?? ""), /logs:PutLogEvents/);
  await assert.rejects(
    iamCall("GetPolicyVersion", {
      PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess",
      VersionId: "v1",
    }),
    /document of arn:aws:iam::aws:policy\/ReadOnlyAccess is not available/,
  );
  const local = await iamCall("ListPolicies", { Scope: "Local" });
  assert.deepEqual(local.Policies, []);
  const aws = await iamCall("ListPolicies", { Scope: "AWS", MaxItems: 5 });
  assert.equal(aws.Policies?.length, 5);
  assert.equal(aws.IsTruncated, true);
});

test("users keep keys, groups and policies when they are renamed", async () => {
  const { iamCall, keys } = setUp();
  await iamCall("CreateUser", { UserName: "ann" });
  await iamCall("CreateGroup", { GroupName: "staff" });
  await iamCall("AddUserToGroup", { GroupName: "staff", UserName: "ann" });
  await iamCall("AttachUserPolicy", { UserName: "ann", PolicyArn: basicExecution });
  const { AccessKey } = await iamCall("CreateAccessKey", { UserName: "ann" });
  await iamCall("UpdateUser", { UserName: "ann", NewUserName: "anna", NewPath: "/x/" });
  await iamCall("UpdateGroup", { GroupName: "staff", NewGroupName: "crew" });
  const found = await keys.find(AccessKey?.AccessKeyId ?? "");
  assert.equal(found?.principal.arn, `arn:aws:iam::${accountId}:user/x/anna`);
  assert.equal(found?.secretAccessKey, AccessKey?.SecretAccessKey);
  const { Users } = await iamCall("GetGroup", { GroupName: "crew" });
  assert.deepEqual(
    Users?.map(({ UserName }) => UserName),
    ["anna"],
  );
  const { Groups } = await iamCall("ListGroupsForUser", { UserName: "anna" });
  assert.deepEqual(
    Groups?.map(({ GroupName }) => GroupName),
    ["crew"],
  );
  const { PolicyUsers } = await iamCall("ListEntitiesForPolicy", { PolicyArn: basicExecution });
  assert.deepEqual(
    PolicyUsers?.map(({ UserName }) => UserName),
    ["anna"],
  );
  await assert.rejects(
    iamCall("DeleteUser", { UserName: "anna" }),
    refusal("DeleteConflictException", "Cannot delete entity, must remove users from group first."),
  );
});

test("a user has at most two keys, and an inactive one is not found", async () => {
  const { iamCall, keys } = setUp();
  await iamCall("CreateUser", { UserName: "u" });
  const first = await iamCall("CreateAccessKey", { UserName: "u" });
  await iamCall("CreateAccessKey", { UserName: "u" });
  await assert.rejects(
    iamCall("CreateAccessKey", { UserName: "u" }),
    refusal("LimitExceededException", "Cannot exceed quota for AccessKeysPerUser: 2"),
  );
  const AccessKeyId = first.AccessKey?.AccessKeyId ?? "";
  assert.match(AccessKeyId, /^AKIA[A-Z2-7]{16}$/);
  await iamCall("UpdateAccessKey", { UserName: "u", AccessKeyId, Status: "Inactive" });
  assert.equal(await keys.find(AccessKeyId), undefined);
  await assert.rejects(
    iamCall("DeleteAccessKey", { UserName: "u", AccessKeyId: "AKIAAAAAAAAAAAAAAAAA" }),
    refusal(
      "NoSuchEntityException",
      "The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.",
    ),
  );
  await iamCall("DeleteAccessKey", { UserName: "u", AccessKeyId });
  const { AccessKeyMetadata } = await iamCall("ListAccessKeys", { UserName: "u" });
  assert.equal(AccessKeyMetadata?.length, 1);
});

test("a key's last use is written down without being waited for", async () => {
  const { iamCall, keys, clock } = setUp();
  await iamCall("CreateUser", { UserName: "u" });
  const { AccessKey } = await iamCall("CreateAccessKey", { UserName: "u" });
  const AccessKeyId = AccessKey?.AccessKeyId ?? "";
  const before = await iamCall("GetAccessKeyLastUsed", { AccessKeyId });
  assert.equal(before.AccessKeyLastUsed?.LastUsedDate, undefined);
  await keys.find(AccessKeyId);
  await iamCall("TagUser", { UserName: "u", Tags: [{ Key: "a", Value: "b" }] }); // writes queue behind each other
  const after = await iamCall("GetAccessKeyLastUsed", { AccessKeyId });
  assert.equal(after.AccessKeyLastUsed?.LastUsedDate?.getTime(), clock.nowMs());
});

test("listings come in pages whose markers lead through everything exactly once", async () => {
  const { iamCall } = setUp();
  for (let n = 0; n < 7; n++) {
    await iamCall("CreateRole", { RoleName: `r${n}`, AssumeRolePolicyDocument: trustPolicy });
  }
  const seen: (string | undefined)[] = [];
  let Marker: string | undefined;
  do {
    const page = await iamCall("ListRoles", { MaxItems: 3, ...(Marker && { Marker }) });
    seen.push(...(page.Roles ?? []).map(({ RoleName }) => RoleName));
    assert.equal(page.IsTruncated, page.Marker !== undefined);
    Marker = page.Marker;
  } while (Marker !== undefined);
  assert.deepEqual(seen, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
  await assert.rejects(
    iamCall("ListRoles", { Marker: "%%" }),
    refusal("ValidationError", /Marker/),
  );
});

test("accounts do not see each other", async () => {
  const { iam, iamCall } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  const operation = iam.operations.get("ListRoles");
  const context = {
    principal: { accountId: "999999999999", arn: "arn:aws:iam::999999999999:root" },
  };
  const page = (await operation?.handle({}, context as never)) as { Roles: unknown[] }; // the listing needs only the principal
  assert.deepEqual(page.Roles, []);
});

test("tags are merged by key without regard to case, and are at most fifty", async () => {
  const { iamCall } = setUp();
  await iamCall("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trustPolicy });
  await iamCall("TagRole", { RoleName: "R", Tags: [{ Key: "Team", Value: "a" }] });
  await iamCall("TagRole", { RoleName: "R", Tags: [{ Key: "team", Value: "b" }] });
  const { Tags } = await iamCall("ListRoleTags", { RoleName: "R" });
  assert.deepEqual(Tags, [{ Key: "team", Value: "b" }]);
  const many = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: "" }));
  await assert.rejects(
    iamCall("TagRole", { RoleName: "R", Tags: many }),
    refusal("LimitExceededException", /maximum/),
  );
  await iamCall("UntagRole", { RoleName: "R", TagKeys: ["TEAM", "absent"] });
  assert.deepEqual((await iamCall("ListRoleTags", { RoleName: "R" })).Tags, []);
});

test("permissions boundaries are kept and counted", async () => {
  const { iamCall } = setUp();
  const { Policy } = await iamCall("CreatePolicy", {
    PolicyName: "B",
    PolicyDocument: somePolicy,
  });
  const PermissionsBoundary = Policy?.Arn ?? "";
  await iamCall("CreateRole", {
    RoleName: "R",
    AssumeRolePolicyDocument: trustPolicy,
    PermissionsBoundary,
  });
  const { Role } = await iamCall("GetRole", { RoleName: "R" });
  assert.equal(Role?.PermissionsBoundary?.PermissionsBoundaryArn, PermissionsBoundary);
  await assert.rejects(
    iamCall("DeletePolicy", { PolicyArn: PermissionsBoundary }),
    refusal("DeleteConflictException", /attached/),
  );
  await iamCall("DeleteRolePermissionsBoundary", { RoleName: "R" });
  await iamCall("DeletePolicy", { PolicyArn: PermissionsBoundary });
});

test("a service's role can be changed by that service only", async () => {
  const { iamCall } = setUp();
  const { Role } = await iamCall("CreateServiceLinkedRole", {
    AWSServiceName: "ecs.amazonaws.com",
  });
  assert.equal(Role?.RoleName, "AWSServiceRoleForECS");
  await assert.rejects(
    iamCall("DeleteRole", { RoleName: "AWSServiceRoleForECS" }),
    refusal("UnmodifiableEntityException", /only modifiable by AWS/),
  );
  await assert.rejects(
    iamCall("CreateServiceLinkedRole", { AWSServiceName: "ecs.amazonaws.com" }),
    refusal("InvalidInputException", /has been taken in this account/),
  );
  const { DeletionTaskId } = await iamCall("DeleteServiceLinkedRole", {
    RoleName: "AWSServiceRoleForECS",
  });
  const { Status } = await iamCall("GetServiceLinkedRoleDeletionStatus", {
    DeletionTaskId: DeletionTaskId ?? "",
  });
  assert.equal(Status, "SUCCEEDED");
});

test("the account has one alias and counts what it has", async () => {
  const { iamCall } = setUp();
  await iamCall("CreateAccountAlias", { AccountAlias: "first-one" });
  await iamCall("CreateAccountAlias", { AccountAlias: "second-one" });
  assert.deepEqual((await iamCall("ListAccountAliases", {})).AccountAliases, ["second-one"]);
  await iamCall("DeleteAccountAlias", { AccountAlias: "second-one" });
  assert.deepEqual((await iamCall("ListAccountAliases", {})).AccountAliases, []);
  await iamCall("CreateUser", { UserName: "u" });
  const { SummaryMap } = await iamCall("GetAccountSummary", {});
  assert.equal(SummaryMap?.Users, 1);
  assert.equal(SummaryMap?.RolesQuota, 1000);
});

const tooLong = (count: number): string => "x".repeat(count);
const badInput: readonly (readonly [string, object, RegExp])[] = [
  [
    "CreateRole",
    { RoleName: tooLong(65), AssumeRolePolicyDocument: trustPolicy },
    /^1 validation error detected: Value 'x{65}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64$/,
  ],
  [
    "CreateRole",
    { RoleName: "a b", AssumeRolePolicyDocument: trustPolicy },
    /^The specified value for roleName is invalid\. It must contain only alphanumeric characters/,
  ],
  [
    "CreateRole",
    { RoleName: "", AssumeRolePolicyDocument: trustPolicy },
    /greater than or equal to 1/,
  ],
  [
    "CreateRole",
    { RoleName: "r", AssumeRolePolicyDocument: trustPolicy, Path: "x" },
    /path is invalid/,
  ],
  [
    "CreateRole",
    { RoleName: "r", AssumeRolePolicyDocument: trustPolicy, MaxSessionDuration: 3599 },
    /'3599' at 'maxSessionDuration' .*greater than or equal to 3600/,
  ],
  [
    "CreateRole",
    { RoleName: "r", AssumeRolePolicyDocument: trustPolicy, MaxSessionDuration: 43_201 },
    /less than or equal to 43200/,
  ],
  ["CreateUser", { UserName: tooLong(65) }, /less than or equal to 64/],
  ["GetUser", { UserName: tooLong(129) }, /less than or equal to 128/],
  ["CreateGroup", { GroupName: tooLong(129) }, /'groupName'/],
  ["ListRoles", { MaxItems: 0 }, /'maxItems' .*greater than or equal to 1$/],
  ["ListRoles", { MaxItems: 1001 }, /less than or equal to 1000$/],
  ["ListRoles", { PathPrefix: "x" }, /pathPrefix/],
  ["ListPolicies", { Scope: "Some" }, /enum value set: \[All, AWS, Local\]/],
  ["AttachRolePolicy", { RoleName: "r", PolicyArn: "short" }, /greater than or equal to 20/],
  ["UpdateAccessKey", { AccessKeyId: "x", Status: "Active" }, /greater than or equal to 16/],
  ["UpdateAccessKey", { AccessKeyId: tooLong(20), Status: "On" }, /Active, Inactive, Expired/],
  ["CreateAccountAlias", { AccountAlias: "a--b" }, /regular expression/],
  [
    "TagRole",
    { RoleName: "r", Tags: [{ Key: tooLong(129), Value: "" }] },
    /'tags\.1\.member\.key' .*less than or equal to 128/,
  ],
  [
    "TagRole",
    { RoleName: "r", Tags: [{ Key: "k", Value: tooLong(257) }] },
    /'tags\.1\.member\.value' .*less than or equal to 256/,
  ],
  ["GetPolicyVersion", { PolicyArn: tooLong(20), VersionId: "1" }, /'versionId'/],
  [
    "CreateRole",
    { RoleName: "r", AssumeRolePolicyDocument: "\u{1f600}" },
    /assumeRolePolicyDocument/,
  ],
];

for (const [name, input, message] of badInput) {
  test(`${name} refuses ${JSON.stringify(input).slice(0, 60)}`, async () => {
    const { iamCall } = setUp();
    await assert.rejects(iamCall(name as "GetRole", input), refusal("ValidationError", message));
  });
}

const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };
const wrap = (change: object): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ ...statement, ...change }] });
const trust = (change: object): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: {
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: "sts:AssumeRole",
      ...change,
    },
  });
const documents: readonly (readonly [
  "managed" | "inline" | "trust",
  string,
  string | undefined,
])[] = [
  ["managed", wrap({}), undefined],
  ["managed", wrap({ Condition: { StringEqualsIfExists: { "aws:x": ["a"] } } }), undefined],
  ["inline", JSON.stringify({ Statement: statement }), undefined],
  [
    "managed",
    JSON.stringify({ Statement: statement }),
    "Policy document must be version 2012-10-17 or greater.",
  ],
  ["managed", "{", "Syntax errors in policy."],
  ["managed", ` ${wrap({})}`, "The policy failed legacy parsing"],
  ["managed", wrap({ Effect: "Maybe" }), "Syntax errors in policy."],
  ["managed", wrap({ Other: 1 }), "Syntax errors in policy."],
  ["managed", wrap({ Condition: { Like: {} } }), "Syntax errors in policy."],
  ["managed", wrap({ Principal: "*" }), "Policy document should not specify a principal."],
  ["managed", wrap({ Action: undefined }), "Policy statement must contain actions."],
  ["managed", wrap({ Resource: undefined }), "Policy statement must contain resources."],
  [
    "managed",
    wrap({ Action: "get" }),
    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
  ],
  ["managed", wrap({ Action: "a:b:c" }), "Actions/Condition can contain only one colon."],
  ["managed", wrap({ Action: "s 3:b" }), "Vendor s 3 is not valid"],
  ["managed", wrap({ Resource: "bucket" }), 'Resource bucket must be in ARN format or "*".'],
  [
    "managed",
    wrap({ Resource: "arn:nope:s3:::b" }),
    'Partition "nope" is not valid for resource "arn:nope:s3:::b".',
  ],
  [
    "managed",
    wrap({ Sid: "a b" }),
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
  ],
  ["trust", trust({}), undefined],
  ["trust", "nonsense", "This policy contains invalid Json"],
  ["trust", trust({ Resource: "*" }), "Has prohibited field Resource"],
  ["trust", trust({ Principal: undefined }), "Missing required field Principal"],
  ["trust", trust({ Action: undefined }), "Missing required field Action"],
  [
    "trust",
    trust({ Action: "s3:GetObject" }),
    "AssumeRole policy may only specify STS AssumeRole actions.",
  ],
  [
    "trust",
    trust({ Principal: { AWS: "someone" } }),
    'Invalid principal in policy: "AWS":"someone"',
  ],
  [
    "trust",
    trust({ Principal: { Service: "lambda" } }),
    'Invalid principal in policy: "SERVICE":"lambda"',
  ],
];

for (const [kind, document, problem] of documents) {
  test(`a ${kind} policy ${document.slice(0, 90)} is ${problem ?? "accepted"}`, () => {
    assert.equal(policyProblem(document, kind), problem);
  });
}
