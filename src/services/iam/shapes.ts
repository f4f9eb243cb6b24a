import type {
  AttachedPermissionsBoundary,
  Group,
  InstanceProfile,
  Policy,
  Role,
  Tag as SdkTag,
  User,
} from "@aws-sdk/client-iam";
import { encodeDocument, iamArn } from "./names.ts";
import type {
  GroupRecord,
  IdentityRecord,
  InstanceProfileRecord,
  PolicyRecord,
  RoleRecord,
  Tag,
  UserRecord,
} from "./records.ts";

/**
 * Records as the API shows them. `detail: "full"` is what Get and Create answer; listings leave out
 * tags and boundaries: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html.
 */
export type Detail = "full" | "listed";

export function roleShape(accountId: string, record: RoleRecord, detail: Detail): Role {
  return {
    ...common(record),
    RoleName: record.name,
    RoleId: record.id,
    Arn: iamArn(accountId, "role", record),
    AssumeRolePolicyDocument: encodeDocument(record.trustPolicy),
    MaxSessionDuration: record.maxSessionSeconds,
    ...(record.description !== undefined && { Description: record.description }),
    ...(detail === "full" && { ...extras(record), RoleLastUsed: {} }),
  };
}

export function userShape(accountId: string, record: UserRecord, detail: Detail): User {
  return {
    ...common(record),
    UserName: record.name,
    UserId: record.id,
    Arn: iamArn(accountId, "user", record),
    ...(detail === "full" && extras(record)),
  };
}

export function groupShape(accountId: string, record: GroupRecord): Group {
  return {
    ...common(record),
    GroupName: record.name,
    GroupId: record.id,
    Arn: iamArn(accountId, "group", record),
  };
}

export function profileShape(
  accountId: string,
  record: InstanceProfileRecord,
  role: RoleRecord | undefined,
): InstanceProfile {
  return {
    ...common(record),
    InstanceProfileName: record.name,
    InstanceProfileId: record.id,
    Arn: iamArn(accountId, "instance-profile", record),
    Roles: role ? [roleShape(accountId, role, "listed")] : [],
    Tags: sdkTags(record.tags),
  };
}

export function policyShape(
  accountId: string,
  record: PolicyRecord,
  uses: { readonly attached: number; readonly boundary: number },
): Policy {
  return {
    ...common(record),
    PolicyName: record.name,
    PolicyId: record.id,
    Arn: iamArn(accountId, "policy", record),
    DefaultVersionId: record.defaultVersionId,
    AttachmentCount: uses.attached,
    PermissionsBoundaryUsageCount: uses.boundary,
    IsAttachable: true,
    UpdateDate: new Date(record.updatedAtMs),
  };
}

export function sdkTags(tags: readonly Tag[]): SdkTag[] {
  return tags.map(({ Key, Value }) => ({ Key, Value }));
}

function common(record: { readonly path: string; readonly createdAtMs: number }): {
  Path: string;
  CreateDate: Date;
} {
  return { Path: record.path, CreateDate: new Date(record.createdAtMs) };
}

function extras(record: IdentityRecord): Extras {
  return {
    ...(record.tags.length > 0 && { Tags: sdkTags(record.tags) }),
    ...(record.boundaryArn !== undefined && {
      PermissionsBoundary: {
        PermissionsBoundaryType: "PermissionsBoundaryPolicy" as const,
        PermissionsBoundaryArn: record.boundaryArn,
      },
    }),
  };
}

interface Extras {
  readonly Tags?: SdkTag[];
  readonly PermissionsBoundary?: AttachedPermissionsBoundary;
}
