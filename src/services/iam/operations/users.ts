import type { User } from "@aws-sdk/client-iam";
import {
  CreateUser$,
  DeleteUser$,
  DeleteUserPermissionsBoundary$,
  GetUser$,
  ListUsers$,
  PutUserPermissionsBoundary$,
  UpdateUser$,
} from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import { callerUserName } from "../callers.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { alreadyExists, deleteConflict, validationError } from "../errors.ts";
import {
  createIdentity,
  deleteIdentity,
  findIdentity,
  loadUser,
  saveBoundary,
  saveIdentity,
} from "../identities.ts";
import { newId } from "../names.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import { checkBoundary } from "../policy-references.ts";
import {
  accessKeyCodec,
  identityCodec,
  keys,
  linkCodec,
  readRecord,
  type UserRecord,
} from "../records.ts";
import { userShape } from "../shapes.ts";
import { mergeTags } from "../tags.ts";

/** Users: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html and its neighbours. */
export function userOperations(deps: IamDeps): IamRows {
  return {
    CreateUser: [CreateUser$, createUser(deps)],
    GetUser: [GetUser$, getUser(deps)],
    ListUsers: [ListUsers$, listUsers(deps)],
    UpdateUser: [UpdateUser$, updateUser(deps)],
    DeleteUser: [DeleteUser$, deleteUser(deps)],
    PutUserPermissionsBoundary: [PutUserPermissionsBoundary$, putBoundary(deps)],
    DeleteUserPermissionsBoundary: [DeleteUserPermissionsBoundary$, deleteBoundary(deps)],
  };
}

function createUser({ store, clock, random }: IamDeps): Handler<Iam, "CreateUser"> {
  return async (input, { principal: { accountId } }) => {
    const { PermissionsBoundary: boundaryArn } = input;
    const record: UserRecord = {
      kind: "user",
      name: input.UserName,
      path: input.Path ?? "/",
      id: newId("user", random),
      createdAtMs: clock.nowMs(),
      tags: mergeTags([], input.Tags ?? []),
      inline: [],
      attached: [],
      groups: [],
      ...(boundaryArn !== undefined && { boundaryArn }),
    };
    await store.write((tx) => {
      if (boundaryArn !== undefined) checkBoundary(tx, accountId, boundaryArn);
      createIdentity(tx, accountId, record);
    });
    return { User: userShape(accountId, record, "full") };
  };
}

/** Without a name: whoever asks. The root has no user record; roles are not users. */
function getUser({ store }: IamDeps): Handler<Iam, "GetUser"> {
  return async (input, { principal }) => {
    const { accountId } = principal;
    const userName = input.UserName ?? callerUserName(principal);
    if (userName === undefined) {
      if (!principal.arn.endsWith(":root")) {
        throw validationError("Must specify userName when calling with non-User credentials");
      }
      return { User: rootShape(accountId) };
    }
    const record = await store.read((reader) => loadUser(reader, accountId, userName));
    return { User: userShape(accountId, record, "full") };
  };
}

/** The real answer for a root has no `UserName` and its `Path` is left out as well. */
function rootShape(accountId: string): User {
  const shape = {
    UserId: accountId,
    Arn: `arn:aws:iam::${accountId}:root`,
    CreateDate: new Date(0),
  };
  return shape as User; // the type calls members required that the service omits for a root
}

function listUsers({ store }: IamDeps): Handler<Iam, "ListUsers"> {
  return async (input, { principal: { accountId } }) => {
    const prefix = input.PathPrefix ?? "/";
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.entities(accountId, "user"), {
        ...input,
        read: ({ value }) => {
          const record = identityCodec.decode(value) as UserRecord; // the range holds users only
          return record.path.startsWith(prefix) ? record : undefined;
        },
      }),
    );
    const Users = page.items.map((record) => userShape(accountId, record, "listed"));
    return { Users, ...pageEnd(page) };
  };
}

function updateUser({ store }: IamDeps): Handler<Iam, "UpdateUser"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const old = loadUser(tx, accountId, input.UserName);
      const changed: UserRecord = {
        ...old,
        name: input.NewUserName ?? old.name,
        path: input.NewPath ?? old.path,
      };
      if (changed.name.toLowerCase() === old.name.toLowerCase()) {
        return saveIdentity(tx, accountId, changed);
      }
      if (findIdentity(tx, accountId, changed)) {
        throw alreadyExists(`User with name ${changed.name} already exists.`);
      }
      moveReferences(tx, accountId, { old, changed });
      deleteIdentity(tx, accountId, old);
      saveIdentity(tx, accountId, changed);
    });
    return {};
  };
}

/** Everything that names a user by name follows it: keys, groups, attachments, boundary. */
function moveReferences(
  tx: Transaction,
  accountId: string,
  { old, changed }: { readonly old: UserRecord; readonly changed: UserRecord },
): void {
  const link = linkCodec.encode({ name: changed.name });
  const accessKeys = [...tx.list(keys.accessKeysOf(accountId, old.name))];
  for (const { value } of accessKeys) {
    const accessKeyId = linkCodec.decode(value).name;
    const key = readRecord(tx, keys.accessKey(accessKeyId), accessKeyCodec);
    if (!key) continue;
    tx.put(keys.accessKey(accessKeyId), accessKeyCodec.encode({ ...key, userName: changed.name }));
    tx.delete(keys.accessKeyOf(accountId, old.name, accessKeyId));
    tx.put(keys.accessKeyOf(accountId, changed.name, accessKeyId), value);
  }
  for (const group of old.groups) {
    tx.delete(keys.member(accountId, group, old.name));
    tx.put(keys.member(accountId, group, changed.name), link);
  }
  for (const { arn } of old.attached) {
    tx.delete(keys.policyUse(accountId, arn, { as: "attached", ...old }));
    tx.put(keys.policyUse(accountId, arn, { as: "attached", ...changed }), link);
  }
  if (old.boundaryArn !== undefined) {
    tx.put(keys.policyUse(accountId, old.boundaryArn, { as: "boundary", ...changed }), link);
  }
}

function deleteUser({ store }: IamDeps): Handler<Iam, "DeleteUser"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadUser(tx, accountId, input.UserName);
      const hasKeys = [...tx.list(keys.accessKeysOf(accountId, record.name))].length > 0;
      if (record.groups.length > 0) {
        throw deleteConflict("Cannot delete entity, must remove users from group first.");
      }
      if (record.attached.length > 0) {
        throw deleteConflict("Cannot delete entity, must detach all policies first.");
      }
      if (record.inline.length > 0) {
        throw deleteConflict("Cannot delete entity, must delete policies first.");
      }
      if (hasKeys) {
        throw deleteConflict("Cannot delete entity, must delete access keys first.");
      }
      deleteIdentity(tx, accountId, record);
    });
    return {};
  };
}

function putBoundary({ store }: IamDeps): Handler<Iam, "PutUserPermissionsBoundary"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadUser(tx, accountId, input.UserName);
      checkBoundary(tx, accountId, input.PermissionsBoundary);
      saveBoundary(tx, accountId, { record, boundaryArn: input.PermissionsBoundary });
    });
    return {};
  };
}

function deleteBoundary({ store }: IamDeps): Handler<Iam, "DeleteUserPermissionsBoundary"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadUser(tx, accountId, input.UserName);
      saveBoundary(tx, accountId, { record, boundaryArn: undefined });
    });
    return {};
  };
}
