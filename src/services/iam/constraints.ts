import type { Operation, Service } from "#protocol/service/service.ts";
import { validationError } from "./errors.ts";

/**
 * What the models of IAM and STS demand of each member, as data. A member has the same rule in every
 * operation unless the operation names its own. Source: the API references, e.g.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (seen 2026-11).
 */
export interface Constraint {
  /** Characters of text, entries of a list, value of a number; inclusive. */
  readonly min?: number;
  readonly max?: number;
  /** The whole text must match. */
  readonly pattern?: RegExp;
  /** Said instead of the pattern: how IAM describes the characters of its names. */
  readonly characters?: string;
  readonly values?: readonly string[];
}

/** Member paths (`Tags[].Key`) to rules; `Operation:path` beats the plain path. */
export type ConstraintTable = Readonly<Record<string, Constraint>>;

const nameCharacters = "alphanumeric characters and/or the following: +=,.@_-";
const name = (max: number): Constraint => ({
  min: 1,
  max,
  pattern: /[\w+=,.@-]+/u,
  characters: nameCharacters,
});
const path: Constraint = {
  min: 1,
  max: 512,
  pattern: /(\u002F)|(\u002F[\u0021-\u007E]+\u002F)/u,
  characters: "alphanumeric characters and/or the following: /+=,.@_-",
};
const policyPath: Constraint = { min: 1, max: 512, pattern: /((\/[A-Za-z0-9.,+@=_-]+)*)\//u };
const arn: Constraint = { min: 20, max: 2_048 };
const document: Constraint = {
  min: 1,
  max: 131_072,
  // oxlint-disable-next-line no-control-regex -- the characters the model names
  pattern: /[\u0009\u000A\u000D\u0020-\u00FF]+/u,
};
const description: Constraint = {
  max: 1_000,
  // oxlint-disable-next-line no-control-regex -- the characters the model names
  pattern: /[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*/u,
};
const tagKey: Constraint = { min: 1, max: 128, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]+/u };
const tagValue: Constraint = { max: 256, pattern: /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u };
const accessKeyId: Constraint = { min: 16, max: 128, pattern: /[\w]+/u };
const sessionName: Constraint = { min: 2, max: 64, pattern: /[\w+=,.@-]*/u };

export const iamConstraints: ConstraintTable = {
  AWSServiceName: name(128),
  AccessKeyId: accessKeyId,
  AccountAlias: { min: 3, max: 63, pattern: /[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]/u },
  AssumeRolePolicyDocument: document,
  CustomSuffix: name(64),
  DeletionTaskId: { min: 1, max: 1_000 },
  Description: description,
  "CreatePolicy:Description": { max: 1_000 },
  EntityFilter: { values: ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"] },
  GroupName: name(128),
  InstanceProfileName: name(128),
  Marker: { min: 1, max: 320, pattern: /[\u0020-\u00FF]+/u },
  MaxItems: { min: 1, max: 1_000 },
  MaxSessionDuration: { min: 3_600, max: 43_200 },
  NewGroupName: name(128),
  NewPath: path,
  NewUserName: name(64),
  Path: path,
  "CreatePolicy:Path": policyPath,
  PathPrefix: { min: 1, max: 512, pattern: /\u002F[\u0021-\u007F]*/u },
  "ListAttachedGroupPolicies:PathPrefix": policyPath,
  "ListAttachedRolePolicies:PathPrefix": policyPath,
  "ListAttachedUserPolicies:PathPrefix": policyPath,
  "ListPolicies:PathPrefix": policyPath,
  "ListEntitiesForPolicy:PathPrefix": path,
  PermissionsBoundary: arn,
  PolicyArn: arn,
  PolicyDocument: document,
  PolicyName: name(128),
  PolicyUsageFilter: { values: ["PermissionsPolicy", "PermissionsBoundary"] },
  RoleName: name(64),
  Scope: { values: ["All", "AWS", "Local"] },
  Status: { values: ["Active", "Inactive", "Expired"] },
  TagKeys: { max: 50 },
  "TagKeys[]": tagKey,
  Tags: { max: 50 },
  "Tags[].Key": tagKey,
  "Tags[].Value": tagValue,
  UserName: name(128),
  "CreateUser:UserName": name(64),
  VersionId: { pattern: /v[1-9][0-9]*(\.[A-Za-z0-9-]*)?/u },
};

export const stsConstraints: ConstraintTable = {
  AccessKeyId: accessKeyId,
  DurationSeconds: { min: 900, max: 43_200 },
  "GetFederationToken:DurationSeconds": { min: 900, max: 129_600 },
  "GetSessionToken:DurationSeconds": { min: 900, max: 129_600 },
  ExternalId: { min: 2, max: 1_224, pattern: /[\w+=,.@:/-]*/u },
  Name: { min: 2, max: 32, pattern: /[\w+=,.@-]*/u },
  Policy: { ...document, max: 2_048 },
  "PolicyArns[].arn": arn,
  ProvidedContexts: { min: 1, max: 5 },
  ProviderId: { min: 4, max: 2_048 },
  RoleArn: arn,
  RoleSessionName: sessionName,
  SerialNumber: { min: 9, max: 256, pattern: /[\w+=/:,.@-]*/u },
  SourceIdentity: sessionName,
  Tags: { max: 50 },
  "Tags[].Key": tagKey,
  "Tags[].Value": tagValue,
  TokenCode: { min: 6, max: 6, pattern: /[\d]*/u },
  TransitiveTagKeys: { max: 50 },
  "TransitiveTagKeys[]": tagKey,
  WebIdentityToken: { min: 4, max: 20_000 },
};

/** The same service, whose operations see only input that keeps the rules of `table`. */
export function withConstraints(service: Service, table: ConstraintTable): Service {
  const operations = new Map<string, Operation>();
  for (const [operationName, operation] of service.operations) {
    const rules = rulesOf(operationName, table);
    operations.set(operationName, {
      ...operation,
      handle: async (input, context) => {
        checkInput(input, rules);
        return operation.handle(input, context);
      },
    });
  }
  return { ...service, operations };
}

/** How both services speak of required members that are not there. */
export function missingMembers(paths: readonly string[]): {
  readonly code: string;
  readonly message: string;
} {
  const noun = paths.length === 1 ? "error" : "errors";
  const sentences = paths.map(
    (path) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
  );
  const message = `${paths.length} validation ${noun} detected: ${sentences.join("; ")}`;
  return { code: "ValidationError", message };
}

interface Rule extends Constraint {
  readonly steps: readonly string[];
}

function rulesOf(operationName: string, table: ConstraintTable): readonly Rule[] {
  const own = `${operationName}:`;
  return Object.entries(table).flatMap(([path, constraint]) => {
    if (path.includes(":") && !path.startsWith(own)) return [];
    if (`${own}${path}` in table) return [];
    const plain = path.startsWith(own) ? path.slice(own.length) : path;
    return [{ ...constraint, steps: plain.replaceAll("[]", ".[]").split(".") }];
  });
}

function checkInput(input: object, rules: readonly Rule[]): void {
  const breaches: string[] = [];
  for (const rule of rules) {
    for (const { at, value } of select(input, rule.steps, "")) {
      if (rule.characters && typeof value === "string" && isTooStrange(value, rule)) {
        throw validationError(
          `The specified value for ${at} is invalid. It must contain only ${rule.characters}`,
        );
      }
      for (const demand of broken(value, rule)) {
        breaches.push(
          `Value '${describe(value)}' at '${at}' failed to satisfy constraint: ${demand}`,
        );
      }
    }
  }
  if (breaches.length === 0) return;
  const noun = breaches.length === 1 ? "error" : "errors";
  throw validationError(`${breaches.length} validation ${noun} detected: ${breaches.join("; ")}`);
}

/** Names that are only too long or too short are told so in the other sentence. */
function isTooStrange(value: string, rule: Constraint): boolean {
  return value !== "" && rule.pattern !== undefined && !matchesWhole(rule.pattern, value);
}

interface Found {
  /** As the real service spells it: `tags.1.member.key`. */
  readonly at: string;
  readonly value: unknown;
}

function select(value: unknown, steps: readonly string[], at: string): readonly Found[] {
  const [step, ...rest] = steps;
  if (value === undefined || value === null) return [];
  if (step === undefined) return [{ at, value }];
  if (step === "[]") {
    if (!Array.isArray(value)) return [];
    return value.flatMap((entry, index) => select(entry, rest, `${at}.${index + 1}.member`));
  }
  const member = (value as Record<string, unknown>)[step]; // decoded input is plain objects
  const spelled = step.charAt(0).toLowerCase() + step.slice(1);
  return select(member, rest, at === "" ? spelled : `${at}.${spelled}`);
}

function broken(value: unknown, rule: Constraint): readonly string[] {
  const demands: string[] = [];
  const size = sizeOf(value);
  const noun = typeof value === "number" ? "value" : "length";
  if (rule.max !== undefined && size > rule.max) {
    demands.push(`Member must have ${noun} less than or equal to ${rule.max}`);
  }
  if (rule.min !== undefined && size < rule.min) {
    demands.push(`Member must have ${noun} greater than or equal to ${rule.min}`);
  }
  if (typeof value !== "string") return demands;
  if (rule.pattern && !matchesWhole(rule.pattern, value)) {
    demands.push(`Member must satisfy regular expression pattern: ${rule.pattern.source}`);
  }
  if (rule.values && !rule.values.includes(value)) {
    demands.push(`Member must satisfy enum value set: [${rule.values.join(", ")}]`);
  }
  return demands;
}

function sizeOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return 0;
}

function matchesWhole(pattern: RegExp, text: string): boolean {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags).test(text);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((entry) => describe(entry)).join(", ")}]`;
  return typeof value === "string" ? value : JSON.stringify(value);
}
