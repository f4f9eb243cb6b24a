import {
  CreateRole$,
  DeleteRole$,
  DeleteRolePermissionsBoundary$,
  GetRole$,
  ListRoles$,
  PutRolePermissionsBoundary$,
  UpdateAssumeRolePolicy$,
  UpdateRole$,
  UpdateRoleDescription$,
} from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Reader, Transaction } from "#storage/storage.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { deleteConflict, limitExceeded, malformedPolicy, unmodifiable } from "../errors.ts";
import {
  createIdentity,
  deleteIdentity,
  loadRole,
  saveBoundary,
  saveIdentity,
} from "../identities.ts";
import { roleSessionSecondsDefault, trustPolicyCharactersMax } from "../limits.ts";
import { newId } from "../names.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import { policyProblem } from "../policy-document.ts";
import { checkBoundary } from "../policy-references.ts";
import { identityCodec, keys, type RoleRecord } from "../records.ts";
import { roleShape } from "../shapes.ts";
import { mergeTags } from "../tags.ts";

/** Roles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and its neighbours. */
export function roleOperations(deps: IamDeps): IamRows {
  return {
    CreateRole: [CreateRole$, createRole(deps)],
    GetRole: [GetRole$, getRole(deps)],
    ListRoles: [ListRoles$, listRoles(deps)],
    UpdateRole: [UpdateRole$, updateRole(deps)],
    UpdateRoleDescription: [UpdateRoleDescription$, updateRoleDescription(deps)],
    UpdateAssumeRolePolicy: [UpdateAssumeRolePolicy$, updateAssumeRolePolicy(deps)],
    DeleteRole: [DeleteRole$, deleteRole(deps)],
    PutRolePermissionsBoundary: [PutRolePermissionsBoundary$, putBoundary(deps)],
    DeleteRolePermissionsBoundary: [DeleteRolePermissionsBoundary$, deleteBoundary(deps)],
  };
}

function createRole({ store, clock, random }: IamDeps): Handler<Iam, "CreateRole"> {
  return async (input, { principal: { accountId } }) => {
    const { PermissionsBoundary: boundaryArn, Description: description } = input;
    checkTrustPolicy(input.AssumeRolePolicyDocument);
    const record: RoleRecord = {
      kind: "role",
      name: input.RoleName,
      path: input.Path ?? "/",
      id: newId("role", random),
      createdAtMs: clock.nowMs(),
      trustPolicy: input.AssumeRolePolicyDocument,
      maxSessionSeconds: input.MaxSessionDuration ?? roleSessionSecondsDefault,
      tags: mergeTags([], input.Tags ?? []),
      inline: [],
      attached: [],
      ...(description !== undefined && { description }),
      ...(boundaryArn !== undefined && { boundaryArn }),
    };
    await store.write((tx) => {
      if (boundaryArn !== undefined) checkBoundary(tx, accountId, boundaryArn);
      createIdentity(tx, accountId, record);
    });
    return { Role: roleShape(accountId, record, "full") };
  };
}

/** Throws MalformedPolicyDocument or LimitExceeded. */
function checkTrustPolicy(document: string): void {
  const problem = policyProblem(document, "trust");
  if (problem !== undefined) throw malformedPolicy(problem);
  if (document.replaceAll(/\s/g, "").length > trustPolicyCharactersMax) {
    throw limitExceeded(`Cannot exceed quota for ACLSizePerRole: ${trustPolicyCharactersMax}`);
  }
}

function getRole({ store }: IamDeps): Handler<Iam, "GetRole"> {
  return async (input, { principal: { accountId } }) => {
    const record = await store.read((reader) => loadRole(reader, accountId, input.RoleName));
    return { Role: roleShape(accountId, record, "full") };
  };
}

function listRoles({ store }: IamDeps): Handler<Iam, "ListRoles"> {
  return async (input, { principal: { accountId } }) => {
    const prefix = input.PathPrefix ?? "/";
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.entities(accountId, "role"), {
        ...input,
        read: ({ value }) => {
          const record = identityCodec.decode(value) as RoleRecord; // the range holds roles only
          return record.path.startsWith(prefix) ? record : undefined;
        },
      }),
    );
    const Roles = page.items.map((record) => roleShape(accountId, record, "listed"));
    return { Roles, ...pageEnd(page) };
  };
}

function updateRole({ store }: IamDeps): Handler<Iam, "UpdateRole"> {
  return async (input, { principal: { accountId } }) => {
    const { MaxSessionDuration: seconds, Description: description } = input;
    await store.write((tx) => {
      const record = loadOwnRole(tx, accountId, input.RoleName);
      saveIdentity(tx, accountId, {
        ...record,
        ...(seconds !== undefined && { maxSessionSeconds: seconds }),
        ...(description !== undefined && { description }),
      });
    });
    return {};
  };
}

function updateRoleDescription({ store }: IamDeps): Handler<Iam, "UpdateRoleDescription"> {
  return async (input, { principal: { accountId } }) => {
    const record = await store.write((tx) => {
      const role = loadOwnRole(tx, accountId, input.RoleName);
      const changed = { ...role, description: input.Description };
      saveIdentity(tx, accountId, changed);
      return changed;
    });
    return { Role: roleShape(accountId, record, "full") };
  };
}

function updateAssumeRolePolicy({ store }: IamDeps): Handler<Iam, "UpdateAssumeRolePolicy"> {
  return async (input, { principal: { accountId } }) => {
    checkTrustPolicy(input.PolicyDocument);
    await store.write((tx) => {
      const record = loadOwnRole(tx, accountId, input.RoleName);
      saveIdentity(tx, accountId, { ...record, trustPolicy: input.PolicyDocument });
    });
    return {};
  };
}

/** Roles of a service may be changed by that service only. */
function loadOwnRole(reader: Reader, accountId: string, name: string): RoleRecord {
  const record = loadRole(reader, accountId, name);
  if (record.path.startsWith("/aws-service-role/")) {
    throw unmodifiable(
      `Cannot perform the operation on the protected role '${record.name}' - ` +
        "this role is only modifiable by AWS",
    );
  }
  return record;
}

function deleteRole({ store }: IamDeps): Handler<Iam, "DeleteRole"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadOwnRole(tx, accountId, input.RoleName);
      checkDeletable(tx, accountId, record);
      deleteIdentity(tx, accountId, record);
    });
    return {};
  };
}

function checkDeletable(tx: Transaction, accountId: string, record: RoleRecord): void {
  if (record.attached.length > 0) {
    throw deleteConflict("Cannot delete entity, must detach all policies first.");
  }
  if (record.inline.length > 0) {
    throw deleteConflict("Cannot delete entity, must delete policies first.");
  }
  const profiles = [...tx.list(keys.profilesOf(accountId, record.name), { limit: 1 })];
  if (profiles.length > 0) {
    throw deleteConflict("Cannot delete entity, must remove roles from instance profile first.");
  }
}

function putBoundary({ store }: IamDeps): Handler<Iam, "PutRolePermissionsBoundary"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadOwnRole(tx, accountId, input.RoleName);
      checkBoundary(tx, accountId, input.PermissionsBoundary);
      saveBoundary(tx, accountId, { record, boundaryArn: input.PermissionsBoundary });
    });
    return {};
  };
}

function deleteBoundary({ store }: IamDeps): Handler<Iam, "DeleteRolePermissionsBoundary"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadOwnRole(tx, accountId, input.RoleName);
      saveBoundary(tx, accountId, { record, boundaryArn: undefined });
    });
    return {};
  };
}
