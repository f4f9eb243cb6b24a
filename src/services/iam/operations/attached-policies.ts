import type { AttachedPolicy as SdkAttachedPolicy } from "@aws-sdk/client-iam";
import {
  AttachGroupPolicy$,
  AttachRolePolicy$,
  AttachUserPolicy$,
  DetachGroupPolicy$,
  DetachRolePolicy$,
  DetachUserPolicy$,
  ListAttachedGroupPolicies$,
  ListAttachedRolePolicies$,
  ListAttachedUserPolicies$,
  ListEntitiesForPolicy$,
} from "@aws-sdk/client-iam";
import type { RequestContext } from "#base/context.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { limitExceeded, noSuchEntity, unmodifiable } from "../errors.ts";
import { findIdentity, loadIdentity, saveIdentity } from "../identities.ts";
import { attachedPoliciesMax } from "../limits.ts";
import { pageEnd, pageOfList, type PageRequest } from "../pages.ts";
import { attachableName } from "../policy-references.ts";
import { keys, linkCodec, type IdentityKind, type IdentityRecord } from "../records.ts";

/** Managed policies on roles, users and groups: the same three operations for each kind. */
export function attachedPolicyOperations(deps: IamDeps): IamRows {
  const of = (kind: IdentityKind, name: string, context: RequestContext): Owner => ({
    kind,
    name,
    accountId: context.principal.accountId,
  });
  return {
    AttachRolePolicy: [
      AttachRolePolicy$,
      (i, c) => attach(deps, of("role", i.RoleName, c), i.PolicyArn),
    ],
    AttachUserPolicy: [
      AttachUserPolicy$,
      (i, c) => attach(deps, of("user", i.UserName, c), i.PolicyArn),
    ],
    AttachGroupPolicy: [
      AttachGroupPolicy$,
      (i, c) => attach(deps, of("group", i.GroupName, c), i.PolicyArn),
    ],
    DetachRolePolicy: [
      DetachRolePolicy$,
      (i, c) => detach(deps, of("role", i.RoleName, c), i.PolicyArn),
    ],
    DetachUserPolicy: [
      DetachUserPolicy$,
      (i, c) => detach(deps, of("user", i.UserName, c), i.PolicyArn),
    ],
    DetachGroupPolicy: [
      DetachGroupPolicy$,
      (i, c) => detach(deps, of("group", i.GroupName, c), i.PolicyArn),
    ],
    ListAttachedRolePolicies: [
      ListAttachedRolePolicies$,
      (i, c) => list(deps, of("role", i.RoleName, c), i),
    ],
    ListAttachedUserPolicies: [
      ListAttachedUserPolicies$,
      (i, c) => list(deps, of("user", i.UserName, c), i),
    ],
    ListAttachedGroupPolicies: [
      ListAttachedGroupPolicies$,
      (i, c) => list(deps, of("group", i.GroupName, c), i),
    ],
    ListEntitiesForPolicy: [ListEntitiesForPolicy$, listEntities(deps)],
  };
}

interface Owner {
  readonly kind: IdentityKind;
  readonly name: string;
  readonly accountId: string;
}

/** Attaching what is attached changes nothing and succeeds. */
async function attach(deps: IamDeps, owner: Owner, policyArn: string): Promise<object> {
  await deps.store.write((tx) => {
    const record = loadIdentity(tx, owner.accountId, owner);
    const name = attachableName(tx, owner.accountId, policyArn);
    checkOwn(record);
    if (record.attached.some(({ arn }) => arn === policyArn)) return;
    const max = attachedPoliciesMax[record.kind];
    if (record.attached.length >= max) {
      const kind = record.kind.charAt(0).toUpperCase() + record.kind.slice(1);
      throw limitExceeded(`Cannot exceed quota for PoliciesPer${kind}: ${max}`);
    }
    const attached = [...record.attached, { name, arn: policyArn }];
    saveIdentity(tx, owner.accountId, { ...record, attached });
    const use = { as: "attached", kind: record.kind, name: record.name } as const;
    tx.put(
      keys.policyUse(owner.accountId, policyArn, use),
      linkCodec.encode({ name: record.name }),
    );
  });
  return {};
}

async function detach(deps: IamDeps, owner: Owner, policyArn: string): Promise<object> {
  await deps.store.write((tx) => {
    const record = loadIdentity(tx, owner.accountId, owner);
    checkOwn(record);
    const attached = record.attached.filter(({ arn }) => arn !== policyArn);
    if (attached.length === record.attached.length) {
      throw noSuchEntity(`Policy ${policyArn} was not found.`);
    }
    saveIdentity(tx, owner.accountId, { ...record, attached });
    const use = { as: "attached", kind: record.kind, name: record.name } as const;
    tx.delete(keys.policyUse(owner.accountId, policyArn, use));
  });
  return {};
}

function checkOwn(record: IdentityRecord): void {
  if (record.kind !== "role" || !record.path.startsWith("/aws-service-role/")) return;
  throw unmodifiable(
    `Cannot perform the operation on the protected role '${record.name}' - ` +
      "this role is only modifiable by AWS",
  );
}

async function list(
  deps: IamDeps,
  owner: Owner,
  request: PageRequest & { readonly PathPrefix?: string | undefined },
): Promise<{ AttachedPolicies: SdkAttachedPolicy[]; IsTruncated: boolean; Marker?: string }> {
  const record = await deps.store.read((reader) => loadIdentity(reader, owner.accountId, owner));
  const prefix = request.PathPrefix ?? "/";
  const matching = record.attached.filter(({ arn }) =>
    arn.slice(arn.indexOf(":policy/") + ":policy".length).startsWith(prefix),
  );
  const page = pageOfList(matching, request);
  return {
    AttachedPolicies: page.items.map(({ name, arn }) => ({ PolicyName: name, PolicyArn: arn })),
    ...pageEnd(page),
  };
}

/** `EntityFilter` to the kinds it leaves; filters about policies leave none. */
const kindOfFilter: Readonly<Record<string, IdentityKind>> = {
  Role: "role",
  User: "user",
  Group: "group",
};

function listEntities({ store }: IamDeps): Handler<Iam, "ListEntitiesForPolicy"> {
  return async (input, { principal: { accountId } }) => {
    const as = input.PolicyUsageFilter === "PermissionsBoundary" ? "boundary" : "attached";
    const wanted = input.EntityFilter === undefined ? undefined : kindOfFilter[input.EntityFilter];
    const page = await store.read((reader) => {
      attachableName(reader, accountId, input.PolicyArn);
      const found: IdentityRecord[] = [];
      for (const { key } of reader.list(keys.policyUses(accountId, input.PolicyArn, as))) {
        const { kind, name } = keys.policyUseParts(key);
        if (input.EntityFilter !== undefined && kind !== wanted) continue;
        const record = findIdentity(reader, accountId, { kind, name });
        if (record?.path.startsWith(input.PathPrefix ?? "/")) found.push(record);
      }
      return pageOfList(found, input);
    });
    const of = (kind: IdentityKind): readonly IdentityRecord[] =>
      page.items.filter((record) => record.kind === kind);
    return {
      PolicyGroups: of("group").map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: of("user").map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: of("role").map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...pageEnd(page),
    };
  };
}
