import { key, keyParts, keyPrefix } from "#storage/keys.ts";
import { recordCodec, type RecordCodec } from "#storage/records.ts";
import type { KeyRange, Reader } from "#storage/storage.ts";

/**
 * What IAM keeps, and under which keys. Names are unique without regard to case, so keys carry them
 * in lower case and records as they were written.
 */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export interface InlinePolicy {
  readonly name: string;
  readonly document: string;
}

export interface AttachedPolicy {
  readonly name: string;
  readonly arn: string;
}

export type IdentityKind = "role" | "user" | "group";

interface IdentityBase {
  readonly name: string;
  readonly path: string;
  /** `AROA…`, `AIDA…`, `AGPA…`. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly tags: readonly Tag[];
  readonly boundaryArn?: string;
  readonly inline: readonly InlinePolicy[];
  readonly attached: readonly AttachedPolicy[];
}

export interface RoleRecord extends IdentityBase {
  readonly kind: "role";
  readonly trustPolicy: string;
  readonly maxSessionSeconds: number;
  readonly description?: string;
}

export interface UserRecord extends IdentityBase {
  readonly kind: "user";
  /** Names of the groups, in the order they were joined. */
  readonly groups: readonly string[];
}

export interface GroupRecord extends IdentityBase {
  readonly kind: "group";
}

export type IdentityRecord = RoleRecord | UserRecord | GroupRecord;

export interface PolicyVersionRecord {
  readonly id: string;
  readonly document: string;
  readonly createdAtMs: number;
}

export interface PolicyRecord {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly description?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly defaultVersionId: string;
  readonly nextVersion: number;
  readonly versions: readonly PolicyVersionRecord[];
  readonly tags: readonly Tag[];
}

export interface InstanceProfileRecord {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly roleName?: string;
  readonly tags: readonly Tag[];
}

export interface AccessKeyRecord {
  readonly accountId: string;
  /** Undefined: the key of the account's root. */
  readonly userName?: string;
  readonly secretAccessKey: string;
  readonly status: "Active" | "Inactive";
  readonly createdAtMs: number;
  readonly lastUsedAtMs?: number;
}

export interface InstallationKeyRecord {
  /** 32 random bytes; seals session tokens. */
  readonly secret: Uint8Array;
}

export interface AliasRecord {
  readonly alias: string;
}

export interface AliasOwnerRecord {
  readonly accountId: string;
}

export const identityCodec: RecordCodec<IdentityRecord> = recordCodec(1);
export const policyCodec: RecordCodec<PolicyRecord> = recordCodec(1);
export const instanceProfileCodec: RecordCodec<InstanceProfileRecord> = recordCodec(1);
export const accessKeyCodec: RecordCodec<AccessKeyRecord> = recordCodec(1);
export const installationKeyCodec: RecordCodec<InstallationKeyRecord> = recordCodec(1);
export const aliasCodec: RecordCodec<AliasRecord> = recordCodec(1);
export const aliasOwnerCodec: RecordCodec<AliasOwnerRecord> = recordCodec(1);
/** An index entry whose key says everything. */
export const linkCodec: RecordCodec<{ readonly name: string }> = recordCodec(1);

const lower = (name: string): string => name.toLowerCase();

/** Kinds of record listed by name within an account. */
export type Family = IdentityKind | "policy" | "instance-profile";

export const keys = {
  entity: (accountId: string, family: Family, name: string) =>
    key("iam", family, accountId, lower(name)),
  entities: (accountId: string, family: Family): KeyRange => keyPrefix("iam", family, accountId),
  accessKey: (accessKeyId: string) => key("iam", "access-key", accessKeyId),
  /** `userName` is empty for the root. */
  accessKeyOf: (accountId: string, userName: string, accessKeyId: string) =>
    key("iam", "access-key-of", accountId, lower(userName), accessKeyId),
  accessKeysOf: (accountId: string, userName: string) =>
    keyPrefix("iam", "access-key-of", accountId, lower(userName)),
  /** Who has a policy attached (`use` attached) or as a boundary. */
  policyUse: (accountId: string, policyArn: string, use: PolicyUse) =>
    key("iam", use.as, accountId, policyArn, use.kind, lower(use.name)),
  policyUseParts: (encoded: Uint8Array) => {
    const [, , , , kind, name] = keyParts(encoded);
    return { kind: kind as IdentityKind, name: String(name) }; // written by `policyUse`
  },
  policyUses: (accountId: string, policyArn: string, as: PolicyUse["as"]) =>
    keyPrefix("iam", as, accountId, policyArn),
  member: (accountId: string, groupName: string, userName: string) =>
    key("iam", "member", accountId, lower(groupName), lower(userName)),
  members: (accountId: string, groupName: string) =>
    keyPrefix("iam", "member", accountId, lower(groupName)),
  profileOf: (accountId: string, roleName: string, profileName: string) =>
    key("iam", "profile-of", accountId, lower(roleName), lower(profileName)),
  profilesOf: (accountId: string, roleName: string) =>
    keyPrefix("iam", "profile-of", accountId, lower(roleName)),
  alias: (accountId: string) => key("iam", "alias", accountId),
  aliasOwner: (alias: string) => key("iam", "alias-owner", alias),
  installationKey: () => key("iam", "installation-key"),
} as const;

export interface PolicyUse {
  readonly as: "attached" | "boundary";
  readonly kind: IdentityKind;
  readonly name: string;
}

/** The record under `at`, or undefined. */
export function readRecord<T>(
  reader: Reader,
  at: Uint8Array,
  codec: RecordCodec<T>,
): T | undefined {
  const bytes = reader.get(at);
  return bytes && codec.decode(bytes);
}
