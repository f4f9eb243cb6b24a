import type {
  Constraint,
  Constraints,
  ConstraintTable,
  ConstraintWording,
} from "#protocol/constraints/constraints.ts";
import { validationError } from "./errors.ts";

/** How IAM describes the characters of its names, instead of the pattern. */
const onlyCharacters =
  (others: string) =>
  (at: string): string =>
    `The specified value for ${at} is invalid. It must contain only alphanumeric characters and/or the following: ${others}`;
const mismatch = onlyCharacters("+=,.@_-");
const name = (max: number): Constraint => ({
  min: 1,
  max,
  pattern: String.raw`[\w+=,.@-]+`,
  mismatch,
});
const path: Constraint = {
  min: 1,
  max: 512,
  pattern: String.raw`(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`,
  mismatch: onlyCharacters("/+=,.@_-"),
};
const policyPath: Constraint = {
  min: 1,
  max: 512,
  pattern: String.raw`((\/[A-Za-z0-9.,+@=_-]+)*)\/`,
};
const arn: Constraint = { min: 20, max: 2_048 };
const document: Constraint = {
  min: 1,
  max: 131_072,
  pattern: String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`,
};
const description: Constraint = {
  max: 1_000,
  pattern: String.raw`[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`,
};
const tagKey: Constraint = { min: 1, max: 128, pattern: String.raw`[\p{L}\p{Z}\p{N}_.:/=+\-@]+` };
const tagValue: Constraint = { max: 256, pattern: String.raw`[\p{L}\p{Z}\p{N}_.:/=+\-@]*` };
const accessKeyId: Constraint = { min: 16, max: 128, pattern: String.raw`[\w]+` };
const sessionName: Constraint = { min: 2, max: 64, pattern: String.raw`[\w+=,.@-]*` };

const inIam: Constraints = {
  AWSServiceName: name(128),
  AccessKeyId: accessKeyId,
  AccountAlias: { min: 3, max: 63, pattern: String.raw`[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]` },
  AssumeRolePolicyDocument: document,
  CustomSuffix: name(64),
  DeletionTaskId: { min: 1, max: 1_000 },
  Description: description,
  EntityFilter: { values: ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] },
  GroupName: name(128),
  InstanceProfileName: name(128),
  Marker: { min: 1, max: 320, pattern: String.raw`[\u0020-\u00FF]+` },
  MaxItems: { min: 1, max: 1_000 },
  MaxSessionDuration: { min: 3_600, max: 43_200 },
  NewGroupName: name(128),
  NewPath: path,
  NewUserName: name(64),
  Path: path,
  PathPrefix: { min: 1, max: 512, pattern: String.raw`\u002F[\u0021-\u007F]*` },
  PermissionsBoundary: arn,
  PolicyArn: arn,
  PolicyDocument: document,
  PolicyName: name(128),
  PolicyUsageFilter: { values: ["PermissionsPolicy", "PermissionsBoundary"] },
  RoleName: name(64),
  Scope: { values: ["All", "AWS", "Local"] },
  Status: { values: ["Active", "Inactive", "Expired"] },
  TagKeys: { max: 50, items: tagKey },
  Tags: { max: 50 },
  "Tags[].Key": tagKey,
  "Tags[].Value": tagValue,
  UserName: name(128),
  VersionId: { pattern: String.raw`v[1-9][0-9]*(\.[A-Za-z0-9-]*)?` },
};

/**
 * What the model of IAM demands of each member, as data. Source: the API reference, e.g.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (seen 2026-11).
 */
export const iamConstraints: ConstraintTable = {
  everywhere: inIam,
  only: {
    CreatePolicy: { Description: { max: 1_000 }, Path: policyPath },
    ListAttachedGroupPolicies: { PathPrefix: policyPath },
    ListAttachedRolePolicies: { PathPrefix: policyPath },
    ListAttachedUserPolicies: { PathPrefix: policyPath },
    ListPolicies: { PathPrefix: policyPath },
    ListEntitiesForPolicy: { PathPrefix: path },
    CreateUser: { UserName: name(64) },
  },
};

const inSts: Constraints = {
  AccessKeyId: accessKeyId,
  DurationSeconds: { min: 900, max: 43_200 },
  ExternalId: { min: 2, max: 1_224, pattern: String.raw`[\w+=,.@:/-]*` },
  Name: { min: 2, max: 32, pattern: String.raw`[\w+=,.@-]*` },
  Policy: { ...document, max: 2_048 },
  "PolicyArns[].arn": arn,
  ProvidedContexts: { min: 1, max: 5 },
  ProviderId: { min: 4, max: 2_048 },
  RoleArn: arn,
  RoleSessionName: sessionName,
  SerialNumber: { min: 9, max: 256, pattern: String.raw`[\w+=/:,.@-]*` },
  SourceIdentity: sessionName,
  Tags: { max: 50 },
  "Tags[].Key": tagKey,
  "Tags[].Value": tagValue,
  TokenCode: { min: 6, max: 6, pattern: String.raw`[\d]*` },
  TransitiveTagKeys: { max: 50, items: tagKey },
  WebIdentityToken: { min: 4, max: 20_000 },
};

/** And that of STS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (seen 2026-11). */
export const stsConstraints: ConstraintTable = {
  everywhere: inSts,
  only: {
    GetFederationToken: { DurationSeconds: { min: 900, max: 129_600 } },
    GetSessionToken: { DurationSeconds: { min: 900, max: 129_600 } },
  },
};

/** How both services refuse what breaks them. */
export const iamWording: ConstraintWording = {
  error: validationError,
  reports: "each-demand",
  shown: { structures: "json" },
};

/** How both services call the absence of required members. */
export const missingMembers = (): { readonly code: string } => ({ code: "ValidationError" });
