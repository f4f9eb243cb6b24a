import {
  DeleteGroupPolicy$,
  DeleteRolePolicy$,
  DeleteUserPolicy$,
  GetGroupPolicy$,
  GetRolePolicy$,
  GetUserPolicy$,
  ListGroupPolicies$,
  ListRolePolicies$,
  ListUserPolicies$,
  PutGroupPolicy$,
  PutRolePolicy$,
  PutUserPolicy$,
} from "@aws-sdk/client-iam";
import type { RequestContext } from "#base/context.ts";
import type { IamDeps, IamRows } from "../deps.ts";
import { limitExceeded, malformedPolicy, noSuchEntity } from "../errors.ts";
import { loadIdentity, saveIdentity } from "../identities.ts";
import { inlineCharactersMax } from "../limits.ts";
import { encodeDocument } from "../names.ts";
import { pageEnd, pageOfList, type PageRequest } from "../pages.ts";
import { policyProblem } from "../policy-document.ts";
import type { IdentityKind, IdentityRecord, InlinePolicy } from "../records.ts";

/** Policies embedded in one role, user or group: the same four operations for each kind. */
export function inlinePolicyOperations(deps: IamDeps): IamRows {
  const of = (kind: IdentityKind, name: string, context: RequestContext): Owner => ({
    kind,
    name,
    accountId: context.principal.accountId,
  });
  return {
    PutRolePolicy: [PutRolePolicy$, (i, c) => put(deps, of("role", i.RoleName, c), i)],
    PutUserPolicy: [PutUserPolicy$, (i, c) => put(deps, of("user", i.UserName, c), i)],
    PutGroupPolicy: [PutGroupPolicy$, (i, c) => put(deps, of("group", i.GroupName, c), i)],
    GetRolePolicy: [
      GetRolePolicy$,
      async (i, c) => ({
        RoleName: i.RoleName,
        ...(await get(deps, of("role", i.RoleName, c), i.PolicyName)),
      }),
    ],
    GetUserPolicy: [
      GetUserPolicy$,
      async (i, c) => ({
        UserName: i.UserName,
        ...(await get(deps, of("user", i.UserName, c), i.PolicyName)),
      }),
    ],
    GetGroupPolicy: [
      GetGroupPolicy$,
      async (i, c) => ({
        GroupName: i.GroupName,
        ...(await get(deps, of("group", i.GroupName, c), i.PolicyName)),
      }),
    ],
    DeleteRolePolicy: [
      DeleteRolePolicy$,
      (i, c) => remove(deps, of("role", i.RoleName, c), i.PolicyName),
    ],
    DeleteUserPolicy: [
      DeleteUserPolicy$,
      (i, c) => remove(deps, of("user", i.UserName, c), i.PolicyName),
    ],
    DeleteGroupPolicy: [
      DeleteGroupPolicy$,
      (i, c) => remove(deps, of("group", i.GroupName, c), i.PolicyName),
    ],
    ListRolePolicies: [ListRolePolicies$, (i, c) => list(deps, of("role", i.RoleName, c), i)],
    ListUserPolicies: [ListUserPolicies$, (i, c) => list(deps, of("user", i.UserName, c), i)],
    ListGroupPolicies: [ListGroupPolicies$, (i, c) => list(deps, of("group", i.GroupName, c), i)],
  };
}

interface Owner {
  readonly kind: IdentityKind;
  readonly name: string;
  readonly accountId: string;
}

async function put(
  deps: IamDeps,
  owner: Owner,
  input: { readonly PolicyName: string; readonly PolicyDocument: string },
): Promise<object> {
  const problem = policyProblem(input.PolicyDocument, "inline");
  if (problem !== undefined) throw malformedPolicy(problem);
  await deps.store.write((tx) => {
    const record = loadIdentity(tx, owner.accountId, owner);
    const added = { name: input.PolicyName, document: input.PolicyDocument };
    const inline = [...record.inline.filter(({ name }) => name !== added.name), added];
    checkSize(record, inline);
    saveIdentity(tx, owner.accountId, { ...record, inline: sortByName(inline) });
  });
  return {};
}

function sortByName(policies: readonly InlinePolicy[]): readonly InlinePolicy[] {
  return policies.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** All inline policies of an identity share one allowance; white space is free. */
function checkSize(record: IdentityRecord, inline: readonly InlinePolicy[]): void {
  const max = inlineCharactersMax[record.kind];
  let total = 0;
  for (const { document } of inline) total += document.replaceAll(/\s/g, "").length;
  if (total > max) {
    throw limitExceeded(
      `Maximum policy size of ${max} bytes exceeded for ${record.kind} ${record.name}`,
    );
  }
}

async function get(
  deps: IamDeps,
  owner: Owner,
  policyName: string,
): Promise<{ PolicyName: string; PolicyDocument: string }> {
  const policy = await deps.store.read((reader) =>
    find(loadIdentity(reader, owner.accountId, owner), policyName),
  );
  return { PolicyName: policy.name, PolicyDocument: encodeDocument(policy.document) };
}

function find(record: IdentityRecord, policyName: string): InlinePolicy {
  const policy = record.inline.find(({ name }) => name === policyName);
  if (policy) return policy;
  throw noSuchEntity(`The ${record.kind} policy with name ${policyName} cannot be found.`);
}

async function remove(deps: IamDeps, owner: Owner, policyName: string): Promise<object> {
  await deps.store.write((tx) => {
    const record = loadIdentity(tx, owner.accountId, owner);
    const removed = find(record, policyName);
    const inline = record.inline.filter((policy) => policy !== removed);
    saveIdentity(tx, owner.accountId, { ...record, inline });
  });
  return {};
}

async function list(
  deps: IamDeps,
  owner: Owner,
  request: PageRequest,
): Promise<{ PolicyNames: string[]; IsTruncated: boolean; Marker?: string }> {
  const record = await deps.store.read((reader) => loadIdentity(reader, owner.accountId, owner));
  const page = pageOfList(record.inline, request);
  return { PolicyNames: page.items.map(({ name }) => name), ...pageEnd(page) };
}
