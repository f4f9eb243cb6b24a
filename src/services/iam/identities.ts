import type { Reader, Transaction } from "#storage/storage.ts";
import { alreadyExists, limitExceeded, noSuchEntity } from "./errors.ts";
import { entitiesMax } from "./limits.ts";
import type {
  GroupRecord,
  IdentityKind,
  IdentityRecord,
  InstanceProfileRecord,
  RoleRecord,
  UserRecord,
} from "./records.ts";
import { identityCodec, instanceProfileCodec, keys, linkCodec, readRecord } from "./records.ts";

/** Loading and saving roles, users, groups and instance profiles, with IAM's words for absence. */
export function findIdentity(
  reader: Reader,
  accountId: string,
  identity: { readonly kind: IdentityKind; readonly name: string },
): IdentityRecord | undefined {
  return readRecord(reader, keys.entity(accountId, identity.kind, identity.name), identityCodec);
}

/** Throws NoSuchEntity. */
export function loadIdentity(
  reader: Reader,
  accountId: string,
  identity: { readonly kind: IdentityKind; readonly name: string },
): IdentityRecord {
  const record = findIdentity(reader, accountId, identity);
  if (record) return record;
  throw noSuchEntity(`The ${identity.kind} with name ${identity.name} cannot be found.`);
}

export function loadRole(reader: Reader, accountId: string, name: string): RoleRecord {
  return loadIdentity(reader, accountId, { kind: "role", name }) as RoleRecord; // stored under the key of its kind
}

export function loadUser(reader: Reader, accountId: string, name: string): UserRecord {
  return loadIdentity(reader, accountId, { kind: "user", name }) as UserRecord; // stored under the key of its kind
}

export function loadGroup(reader: Reader, accountId: string, name: string): GroupRecord {
  return loadIdentity(reader, accountId, { kind: "group", name }) as GroupRecord; // stored under the key of its kind
}

export function saveIdentity(tx: Transaction, accountId: string, record: IdentityRecord): void {
  tx.put(keys.entity(accountId, record.kind, record.name), identityCodec.encode(record));
}

const quotas = {
  role: ["RolesPerAccount", entitiesMax.roles],
  user: ["UsersPerAccount", entitiesMax.users],
  group: ["GroupsPerAccount", entitiesMax.groups],
  policy: ["PoliciesPerAccount", entitiesMax.policies],
  "instance-profile": ["InstanceProfilesPerAccount", entitiesMax.instanceProfiles],
} as const;

/** Throws LimitExceeded when the account has as many of these as it may. */
export function checkQuota(reader: Reader, accountId: string, family: keyof typeof quotas): void {
  const [name, max] = quotas[family];
  if (countEntities(reader, accountId, family) >= max) {
    throw limitExceeded(`Cannot exceed quota for ${name}: ${max}`);
  }
}

export function countEntities(
  reader: Reader,
  accountId: string,
  family: keyof typeof quotas,
): number {
  const max = quotas[family][1];
  let count = 0;
  for (const entry of reader.list(keys.entities(accountId, family), { limit: max })) {
    count += entry.key.length > 0 ? 1 : 0;
  }
  return count;
}

/** Saves what does not exist yet; throws EntityAlreadyExists or LimitExceeded. */
export function createIdentity(tx: Transaction, accountId: string, record: IdentityRecord): void {
  if (findIdentity(tx, accountId, record)) {
    const kind = record.kind.charAt(0).toUpperCase() + record.kind.slice(1);
    throw alreadyExists(`${kind} with name ${record.name} already exists.`);
  }
  checkQuota(tx, accountId, record.kind);
  saveIdentity(tx, accountId, record);
  if (record.boundaryArn !== undefined) linkPolicy(tx, accountId, record, record.boundaryArn);
}

/** Removes the record and the index entry of its boundary. */
export function deleteIdentity(tx: Transaction, accountId: string, record: IdentityRecord): void {
  tx.delete(keys.entity(accountId, record.kind, record.name));
  if (record.boundaryArn !== undefined) unlinkBoundary(tx, accountId, record);
}

/** The same identity with another boundary, or none, saved with its index entry. */
export function saveBoundary(
  tx: Transaction,
  accountId: string,
  change: { readonly record: RoleRecord | UserRecord; readonly boundaryArn: string | undefined },
): void {
  const { boundaryArn: old, ...record } = change.record;
  if (old !== undefined) unlinkBoundary(tx, accountId, change.record);
  if (change.boundaryArn === undefined) return saveIdentity(tx, accountId, record);
  saveIdentity(tx, accountId, { ...record, boundaryArn: change.boundaryArn });
  linkPolicy(tx, accountId, record, change.boundaryArn);
}

function linkPolicy(
  tx: Transaction,
  accountId: string,
  record: Pick<IdentityRecord, "kind" | "name">,
  policyArn: string,
): void {
  const use = { as: "boundary", kind: record.kind, name: record.name } as const;
  tx.put(keys.policyUse(accountId, policyArn, use), linkCodec.encode({ name: record.name }));
}

function unlinkBoundary(tx: Transaction, accountId: string, record: IdentityRecord): void {
  if (record.boundaryArn === undefined) return;
  const use = { as: "boundary", kind: record.kind, name: record.name } as const;
  tx.delete(keys.policyUse(accountId, record.boundaryArn, use));
}

/** Throws NoSuchEntity. */
export function loadProfile(
  reader: Reader,
  accountId: string,
  name: string,
): InstanceProfileRecord {
  const at = keys.entity(accountId, "instance-profile", name);
  const record = readRecord(reader, at, instanceProfileCodec);
  if (record) return record;
  throw noSuchEntity(`Instance Profile ${name} cannot be found.`);
}

export function saveProfile(
  tx: Transaction,
  accountId: string,
  record: InstanceProfileRecord,
): void {
  tx.put(
    keys.entity(accountId, "instance-profile", record.name),
    instanceProfileCodec.encode(record),
  );
}
