import {
  AddUserToGroup$,
  CreateGroup$,
  DeleteGroup$,
  GetGroup$,
  ListGroups$,
  ListGroupsForUser$,
  RemoveUserFromGroup$,
  UpdateGroup$,
} from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from "../errors.ts";
import {
  createIdentity,
  deleteIdentity,
  findIdentity,
  loadGroup,
  loadUser,
  saveIdentity,
} from "../identities.ts";
import { groupsPerUserMax } from "../limits.ts";
import { newId } from "../names.ts";
import { pageEnd, pageOfList, pageOfRange } from "../pages.ts";
import { identityCodec, keys, linkCodec, type GroupRecord, type UserRecord } from "../records.ts";
import { groupShape, userShape } from "../shapes.ts";

/** Groups: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html and its neighbours. */
export function groupOperations(deps: IamDeps): IamRows {
  return {
    CreateGroup: [CreateGroup$, createGroup(deps)],
    GetGroup: [GetGroup$, getGroup(deps)],
    ListGroups: [ListGroups$, listGroups(deps)],
    ListGroupsForUser: [ListGroupsForUser$, listGroupsForUser(deps)],
    UpdateGroup: [UpdateGroup$, updateGroup(deps)],
    DeleteGroup: [DeleteGroup$, deleteGroup(deps)],
    AddUserToGroup: [AddUserToGroup$, addUser(deps)],
    RemoveUserFromGroup: [RemoveUserFromGroup$, removeUser(deps)],
  };
}

function createGroup({ store, clock, random }: IamDeps): Handler<Iam, "CreateGroup"> {
  return async (input, { principal: { accountId } }) => {
    const record: GroupRecord = {
      kind: "group",
      name: input.GroupName,
      path: input.Path ?? "/",
      id: newId("group", random),
      createdAtMs: clock.nowMs(),
      tags: [],
      inline: [],
      attached: [],
    };
    await store.write((tx) => createIdentity(tx, accountId, record));
    return { Group: groupShape(accountId, record) };
  };
}

function getGroup({ store }: IamDeps): Handler<Iam, "GetGroup"> {
  return async (input, { principal: { accountId } }) =>
    store.read((reader) => {
      const group = loadGroup(reader, accountId, input.GroupName);
      const page = pageOfRange(reader, keys.members(accountId, group.name), {
        ...input,
        read: ({ value }) => {
          const name = linkCodec.decode(value).name;
          const user = findIdentity(reader, accountId, { kind: "user", name });
          return user?.kind === "user" ? userShape(accountId, user, "listed") : undefined;
        },
      });
      return { Group: groupShape(accountId, group), Users: [...page.items], ...pageEnd(page) };
    });
}

function listGroups({ store }: IamDeps): Handler<Iam, "ListGroups"> {
  return async (input, { principal: { accountId } }) => {
    const prefix = input.PathPrefix ?? "/";
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.entities(accountId, "group"), {
        ...input,
        read: ({ value }) => {
          const record = identityCodec.decode(value) as GroupRecord; // the range holds groups only
          return record.path.startsWith(prefix) ? groupShape(accountId, record) : undefined;
        },
      }),
    );
    return { Groups: [...page.items], ...pageEnd(page) };
  };
}

function listGroupsForUser({ store }: IamDeps): Handler<Iam, "ListGroupsForUser"> {
  return async (input, { principal: { accountId } }) =>
    store.read((reader) => {
      const user = loadUser(reader, accountId, input.UserName);
      const groups = user.groups.map((name) => loadGroup(reader, accountId, name));
      const page = pageOfList(groups, input);
      return {
        Groups: page.items.map((group) => groupShape(accountId, group)),
        ...pageEnd(page),
      };
    });
}

function updateGroup({ store }: IamDeps): Handler<Iam, "UpdateGroup"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const old = loadGroup(tx, accountId, input.GroupName);
      const changed: GroupRecord = {
        ...old,
        name: input.NewGroupName ?? old.name,
        path: input.NewPath ?? old.path,
      };
      if (changed.name.toLowerCase() !== old.name.toLowerCase()) {
        if (findIdentity(tx, accountId, changed)) {
          throw alreadyExists(`Group with name ${changed.name} already exists.`);
        }
        deleteIdentity(tx, accountId, old);
      }
      moveReferences(tx, accountId, { old, changed });
      saveIdentity(tx, accountId, changed);
    });
    return {};
  };
}

/** Members and attachments name their group, so they follow it. */
function moveReferences(
  tx: Transaction,
  accountId: string,
  { old, changed }: { readonly old: GroupRecord; readonly changed: GroupRecord },
): void {
  const members = [...tx.list(keys.members(accountId, old.name))];
  for (const { value } of members) {
    const user = loadUser(tx, accountId, linkCodec.decode(value).name);
    const groups = user.groups.map((name) => (name === old.name ? changed.name : name));
    saveIdentity(tx, accountId, { ...user, groups });
    tx.delete(keys.member(accountId, old.name, user.name));
    tx.put(keys.member(accountId, changed.name, user.name), value);
  }
  for (const { arn } of old.attached) {
    tx.delete(keys.policyUse(accountId, arn, { as: "attached", ...old }));
    const link = linkCodec.encode({ name: changed.name });
    tx.put(keys.policyUse(accountId, arn, { as: "attached", ...changed }), link);
  }
}

function deleteGroup({ store }: IamDeps): Handler<Iam, "DeleteGroup"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadGroup(tx, accountId, input.GroupName);
      const members = [...tx.list(keys.members(accountId, record.name), { limit: 1 })];
      if (members.length > 0) {
        throw deleteConflict("Cannot delete entity, must remove users from group first.");
      }
      if (record.attached.length > 0) {
        throw deleteConflict("Cannot delete entity, must detach all policies first.");
      }
      if (record.inline.length > 0) {
        throw deleteConflict("Cannot delete entity, must delete policies first.");
      }
      deleteIdentity(tx, accountId, record);
    });
    return {};
  };
}

function addUser({ store }: IamDeps): Handler<Iam, "AddUserToGroup"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const group = loadGroup(tx, accountId, input.GroupName);
      const user = loadUser(tx, accountId, input.UserName);
      if (user.groups.includes(group.name)) return;
      if (user.groups.length >= groupsPerUserMax) {
        throw limitExceeded(`Cannot exceed quota for GroupsPerUser: ${groupsPerUserMax}`);
      }
      const changed: UserRecord = { ...user, groups: [...user.groups, group.name] };
      saveIdentity(tx, accountId, changed);
      const link = linkCodec.encode({ name: user.name });
      tx.put(keys.member(accountId, group.name, user.name), link);
    });
    return {};
  };
}

function removeUser({ store }: IamDeps): Handler<Iam, "RemoveUserFromGroup"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const group = loadGroup(tx, accountId, input.GroupName);
      const user = loadUser(tx, accountId, input.UserName);
      if (!user.groups.includes(group.name)) {
        throw noSuchEntity(`User ${user.name} is not in group ${group.name}.`);
      }
      const groups = user.groups.filter((name) => name !== group.name);
      saveIdentity(tx, accountId, { ...user, groups });
      tx.delete(keys.member(accountId, group.name, user.name));
    });
    return {};
  };
}
