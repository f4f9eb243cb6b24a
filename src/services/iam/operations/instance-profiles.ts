import {
  AddRoleToInstanceProfile$,
  CreateInstanceProfile$,
  DeleteInstanceProfile$,
  GetInstanceProfile$,
  ListInstanceProfiles$,
  ListInstanceProfilesForRole$,
  RemoveRoleFromInstanceProfile$,
} from "@aws-sdk/client-iam";
import type { InstanceProfile } from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from "../errors.ts";
import { checkQuota, loadProfile, loadRole, saveProfile } from "../identities.ts";
import { rolesPerInstanceProfileMax } from "../limits.ts";
import { newId } from "../names.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import {
  instanceProfileCodec,
  keys,
  linkCodec,
  readRecord,
  type InstanceProfileRecord,
} from "../records.ts";
import { profileShape } from "../shapes.ts";
import { mergeTags } from "../tags.ts";

/** Instance profiles: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html and its neighbours. */
export function instanceProfileOperations(deps: IamDeps): IamRows {
  return {
    CreateInstanceProfile: [CreateInstanceProfile$, create(deps)],
    GetInstanceProfile: [GetInstanceProfile$, get(deps)],
    DeleteInstanceProfile: [DeleteInstanceProfile$, remove(deps)],
    ListInstanceProfiles: [ListInstanceProfiles$, list(deps)],
    ListInstanceProfilesForRole: [ListInstanceProfilesForRole$, listForRole(deps)],
    AddRoleToInstanceProfile: [AddRoleToInstanceProfile$, addRole(deps)],
    RemoveRoleFromInstanceProfile: [RemoveRoleFromInstanceProfile$, removeRole(deps)],
  };
}

function shapeOf(
  reader: Reader,
  accountId: string,
  record: InstanceProfileRecord,
): InstanceProfile {
  const { roleName } = record;
  const role = roleName === undefined ? undefined : loadRole(reader, accountId, roleName);
  return profileShape(accountId, record, role);
}

function create({ store, clock, random }: IamDeps): Handler<Iam, "CreateInstanceProfile"> {
  return async (input, { principal: { accountId } }) => {
    const record: InstanceProfileRecord = {
      name: input.InstanceProfileName,
      path: input.Path ?? "/",
      id: newId("instance-profile", random),
      createdAtMs: clock.nowMs(),
      tags: mergeTags([], input.Tags ?? []),
    };
    await store.write((tx) => {
      const at = keys.entity(accountId, "instance-profile", record.name);
      if (readRecord(tx, at, instanceProfileCodec)) {
        throw alreadyExists(`Instance Profile ${record.name} already exists.`);
      }
      checkQuota(tx, accountId, "instance-profile");
      saveProfile(tx, accountId, record);
    });
    return { InstanceProfile: profileShape(accountId, record, undefined) };
  };
}

function get({ store }: IamDeps): Handler<Iam, "GetInstanceProfile"> {
  return async (input, { principal: { accountId } }) =>
    store.read((reader) => {
      const record = loadProfile(reader, accountId, input.InstanceProfileName);
      return { InstanceProfile: shapeOf(reader, accountId, record) };
    });
}

function remove({ store }: IamDeps): Handler<Iam, "DeleteInstanceProfile"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadProfile(tx, accountId, input.InstanceProfileName);
      if (record.roleName !== undefined) {
        throw deleteConflict(
          "Cannot delete entity, must remove roles from instance profile first.",
        );
      }
      tx.delete(keys.entity(accountId, "instance-profile", record.name));
    });
    return {};
  };
}

function list({ store }: IamDeps): Handler<Iam, "ListInstanceProfiles"> {
  return async (input, { principal: { accountId } }) => {
    const prefix = input.PathPrefix ?? "/";
    const page = await store.read((reader) =>
      pageOfRange(reader, keys.entities(accountId, "instance-profile"), {
        ...input,
        read: ({ value }) => {
          const record = instanceProfileCodec.decode(value);
          return record.path.startsWith(prefix) ? shapeOf(reader, accountId, record) : undefined;
        },
      }),
    );
    return { InstanceProfiles: [...page.items], ...pageEnd(page) };
  };
}

function listForRole({ store }: IamDeps): Handler<Iam, "ListInstanceProfilesForRole"> {
  return async (input, { principal: { accountId } }) => {
    const page = await store.read((reader) => {
      const role = loadRole(reader, accountId, input.RoleName);
      return pageOfRange(reader, keys.profilesOf(accountId, role.name), {
        ...input,
        read: ({ value }) => {
          const record = loadProfile(reader, accountId, linkCodec.decode(value).name);
          return profileShape(accountId, record, role);
        },
      });
    });
    return { InstanceProfiles: [...page.items], ...pageEnd(page) };
  };
}

function addRole({ store }: IamDeps): Handler<Iam, "AddRoleToInstanceProfile"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const profile = loadProfile(tx, accountId, input.InstanceProfileName);
      const role = loadRole(tx, accountId, input.RoleName);
      if (profile.roleName !== undefined) {
        throw limitExceeded(
          `Cannot exceed quota for InstanceSessionsPerInstanceProfile: ${rolesPerInstanceProfileMax}`,
        );
      }
      saveProfile(tx, accountId, { ...profile, roleName: role.name });
      tx.put(
        keys.profileOf(accountId, role.name, profile.name),
        linkCodec.encode({ name: profile.name }),
      );
    });
    return {};
  };
}

function removeRole({ store }: IamDeps): Handler<Iam, "RemoveRoleFromInstanceProfile"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const profile = loadProfile(tx, accountId, input.InstanceProfileName);
      const role = loadRole(tx, accountId, input.RoleName);
      const { roleName, ...rest } = profile;
      if (roleName !== role.name) {
        throw noSuchEntity(
          `The role with name ${role.name} is not in the instance profile ${profile.name}.`,
        );
      }
      saveProfile(tx, accountId, rest);
      tx.delete(keys.profileOf(accountId, role.name, profile.name));
    });
    return {};
  };
}
