import type { SummaryKeyType } from "@aws-sdk/client-iam";
import {
  CreateAccountAlias$,
  DeleteAccountAlias$,
  GetAccountSummary$,
  ListAccountAliases$,
} from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { alreadyExists, noSuchEntity } from "../errors.ts";
import { countEntities } from "../identities.ts";
import {
  accessKeysPerUserMax,
  attachedPoliciesMax,
  entitiesMax,
  groupsPerUserMax,
  inlineCharactersMax,
  managedPolicyCharactersMax,
  policyVersionsMax,
  trustPolicyCharactersMax,
} from "../limits.ts";
import { aliasCodec, aliasOwnerCodec, keys, policyCodec, readRecord } from "../records.ts";

/** The account itself: its alias and its numbers. */
export function accountOperations(deps: IamDeps): IamRows {
  return {
    GetAccountSummary: [GetAccountSummary$, getSummary(deps)],
    CreateAccountAlias: [CreateAccountAlias$, createAlias(deps)],
    DeleteAccountAlias: [DeleteAccountAlias$, deleteAlias(deps)],
    ListAccountAliases: [ListAccountAliases$, listAliases(deps)],
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html */
function getSummary({ store }: IamDeps): Handler<Iam, "GetAccountSummary"> {
  return async (_input, { principal: { accountId } }) => {
    const counts = await store.read((reader) => {
      let versions = 0;
      for (const { value } of reader.list(keys.entities(accountId, "policy"))) {
        versions += policyCodec.decode(value).versions.length;
      }
      return {
        Users: countEntities(reader, accountId, "user"),
        Groups: countEntities(reader, accountId, "group"),
        Roles: countEntities(reader, accountId, "role"),
        Policies: countEntities(reader, accountId, "policy"),
        InstanceProfiles: countEntities(reader, accountId, "instance-profile"),
        PolicyVersionsInUse: versions,
        AccountAccessKeysPresent: [...reader.list(keys.accessKeysOf(accountId, ""))].length,
      };
    });
    const summary: Partial<Record<SummaryKeyType, number>> = {
      ...counts,
      UsersQuota: entitiesMax.users,
      GroupsQuota: entitiesMax.groups,
      RolesQuota: entitiesMax.roles,
      PoliciesQuota: entitiesMax.policies,
      InstanceProfilesQuota: entitiesMax.instanceProfiles,
      GroupsPerUserQuota: groupsPerUserMax,
      AccessKeysPerUserQuota: accessKeysPerUserMax,
      VersionsPerPolicyQuota: policyVersionsMax,
      PolicySizeQuota: managedPolicyCharactersMax,
      AssumeRolePolicySizeQuota: trustPolicyCharactersMax,
      UserPolicySizeQuota: inlineCharactersMax.user,
      GroupPolicySizeQuota: inlineCharactersMax.group,
      RolePolicySizeQuota: inlineCharactersMax.role,
      AttachedPoliciesPerUserQuota: attachedPoliciesMax.user,
      AttachedPoliciesPerGroupQuota: attachedPoliciesMax.group,
      AttachedPoliciesPerRoleQuota: attachedPoliciesMax.role,
    };
    return { SummaryMap: summary };
  };
}

/** An account has one alias, an alias one account. A new one replaces the old. */
function createAlias({ store }: IamDeps): Handler<Iam, "CreateAccountAlias"> {
  return async ({ AccountAlias: alias }, { principal: { accountId } }) => {
    await store.write((tx) => {
      const owner = readRecord(tx, keys.aliasOwner(alias), aliasOwnerCodec);
      if (owner && owner.accountId !== accountId) {
        throw alreadyExists(`The account alias ${alias} already exists.`);
      }
      const old = readRecord(tx, keys.alias(accountId), aliasCodec);
      if (old) tx.delete(keys.aliasOwner(old.alias));
      tx.put(keys.alias(accountId), aliasCodec.encode({ alias }));
      tx.put(keys.aliasOwner(alias), aliasOwnerCodec.encode({ accountId }));
    });
    return {};
  };
}

function deleteAlias({ store }: IamDeps): Handler<Iam, "DeleteAccountAlias"> {
  return async ({ AccountAlias: alias }, { principal: { accountId } }) => {
    await store.write((tx) => {
      if (readRecord(tx, keys.alias(accountId), aliasCodec)?.alias !== alias) {
        throw noSuchEntity(`The account alias with name ${alias} cannot be found.`);
      }
      tx.delete(keys.alias(accountId));
      tx.delete(keys.aliasOwner(alias));
    });
    return {};
  };
}

function listAliases({ store }: IamDeps): Handler<Iam, "ListAccountAliases"> {
  return async (_input, { principal: { accountId } }) => {
    const record = await store.read((reader) =>
      readRecord(reader, keys.alias(accountId), aliasCodec),
    );
    return { AccountAliases: record ? [record.alias] : [], IsTruncated: false };
  };
}
