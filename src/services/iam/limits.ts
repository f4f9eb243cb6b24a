/**
 * Quotas of IAM and STS. Unless another page is named:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (seen 2026-11).
 */

/** Entries of one page of a listing when `MaxItems` is absent. */
export const pageItemsDefault = 100;

/** Managed policies attached to one role, user or group. */
export const attachedPoliciesMax = { role: 10, user: 10, group: 10 } as const;

/** Characters of all inline policies of one identity together; white space is not counted. */
export const inlineCharactersMax = { role: 10_240, user: 2_048, group: 5_120 } as const;

/** Characters of a managed policy; white space is not counted. */
export const managedPolicyCharactersMax = 6_144;

/** Characters of a role's trust policy. */
export const trustPolicyCharactersMax = 2_048;

export const policyVersionsMax = 5;
export const accessKeysPerUserMax = 2;
export const groupsPerUserMax = 10;
export const rolesPerInstanceProfileMax = 1;
export const tagsPerResourceMax = 50;

/** Entities per account; what GetAccountSummary reports as quotas. */
export const entitiesMax = {
  roles: 1_000,
  users: 5_000,
  groups: 300,
  policies: 1_500,
  instanceProfiles: 1_000,
} as const;

/** Seconds a role's session may last unless the role says otherwise. */
export const roleSessionSecondsDefault = 3_600;

/** Seconds of GetSessionToken and GetFederationToken when the caller names none (12 hours). */
export const sessionSecondsDefault = 43_200;

/** Account roots get at most one hour from GetSessionToken and GetFederationToken. */
export const rootSessionSecondsMax = 3_600;

/** Seconds a role assumed by a role may last: role chaining. */
export const chainedSessionSecondsMax = 3_600;

/**
 * Seconds the credentials inside a function's environment are valid; environments are replaced
 * before that. The longest a role's session can be.
 */
export const functionSessionSeconds = 43_200;

/** Characters of a session policy and of the ARNs beside it, before AWS packs them. */
export const sessionPolicyCharactersMax = 2_048;

/** Managed policies that may be named as session policies. */
export const sessionPolicyArnsMax = 10;

/** Names an access key's last use is remembered for between two writes; the oldest are forgotten. */
export const rememberedUsesMax = 10_000;

/** Milliseconds between two writes of one key's last use. AWS updates it about every four hours. */
export const lastUseIntervalMs = 900_000;
