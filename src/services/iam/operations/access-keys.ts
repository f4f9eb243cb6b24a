import {
  CreateAccessKey$,
  DeleteAccessKey$,
  GetAccessKeyLastUsed$,
  ListAccessKeys$,
  UpdateAccessKey$,
} from "@aws-sdk/client-iam";
import type { Principal } from "#base/context.ts";
import type { Handler } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import { callerOf } from "../callers.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { limitExceeded, noSuchEntity, validationError } from "../errors.ts";
import { loadUser } from "../identities.ts";
import { accessKeysPerUserMax } from "../limits.ts";
import { newAccessKeyId, newSecretAccessKey } from "../names.ts";
import { pageEnd, pageOfRange } from "../pages.ts";
import { accessKeyCodec, keys, linkCodec, readRecord, type AccessKeyRecord } from "../records.ts";

/** Long-term keys: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html and its neighbours. */
export function accessKeyOperations(deps: IamDeps): IamRows {
  return {
    CreateAccessKey: [CreateAccessKey$, createAccessKey(deps)],
    ListAccessKeys: [ListAccessKeys$, listAccessKeys(deps)],
    UpdateAccessKey: [UpdateAccessKey$, updateAccessKey(deps)],
    DeleteAccessKey: [DeleteAccessKey$, deleteAccessKey(deps)],
    GetAccessKeyLastUsed: [GetAccessKeyLastUsed$, getLastUsed(deps)],
  };
}

/** The user a request is about: the one named, else the caller; empty for the account's root. */
function ownerName(reader: Reader, userName: string | undefined, principal: Principal): string {
  if (userName !== undefined) return loadUser(reader, principal.accountId, userName).name;
  const caller = callerOf(principal);
  if (caller.kind === "root") return "";
  if (caller.kind === "user") return loadUser(reader, principal.accountId, caller.name).name;
  throw validationError("Must specify userName when calling with non-User credentials");
}

function createAccessKey({ store, clock, random }: IamDeps): Handler<Iam, "CreateAccessKey"> {
  return async (input, { principal }) => {
    const { accountId } = principal;
    const accessKeyId = newAccessKeyId("AKIA", accountId, random);
    const secretAccessKey = newSecretAccessKey(random);
    const createdAtMs = clock.nowMs();
    const userName = await store.write((tx) => {
      const owner = ownerName(tx, input.UserName, principal);
      const present = [...tx.list(keys.accessKeysOf(accountId, owner))];
      if (present.length >= accessKeysPerUserMax) {
        throw limitExceeded(`Cannot exceed quota for AccessKeysPerUser: ${accessKeysPerUserMax}`);
      }
      const record: AccessKeyRecord = {
        accountId,
        secretAccessKey,
        status: "Active",
        createdAtMs,
        ...(owner !== "" && { userName: owner }),
      };
      tx.put(keys.accessKey(accessKeyId), accessKeyCodec.encode(record));
      tx.put(
        keys.accessKeyOf(accountId, owner, accessKeyId),
        linkCodec.encode({ name: accessKeyId }),
      );
      return owner;
    });
    return {
      AccessKey: {
        UserName: userName,
        AccessKeyId: accessKeyId,
        Status: "Active",
        SecretAccessKey: secretAccessKey,
        CreateDate: new Date(createdAtMs),
      },
    };
  };
}

function listAccessKeys({ store }: IamDeps): Handler<Iam, "ListAccessKeys"> {
  return async (input, { principal }) => {
    const page = await store.read((reader) => {
      const owner = ownerName(reader, input.UserName, principal);
      return pageOfRange(reader, keys.accessKeysOf(principal.accountId, owner), {
        ...input,
        read: ({ value }) => {
          const AccessKeyId = linkCodec.decode(value).name;
          const record = readRecord(reader, keys.accessKey(AccessKeyId), accessKeyCodec);
          const CreateDate = new Date(record?.createdAtMs ?? 0);
          return record && { UserName: owner, AccessKeyId, Status: record.status, CreateDate };
        },
      });
    });
    return { AccessKeyMetadata: [...page.items], ...pageEnd(page) };
  };
}

/** Throws NoSuchEntity unless the key is the owner's. */
function loadKey(
  reader: Reader,
  accessKeyId: string,
  owner: { readonly accountId: string; readonly name: string },
): AccessKeyRecord {
  const record = readRecord(reader, keys.accessKey(accessKeyId), accessKeyCodec);
  if (record?.accountId === owner.accountId && (record.userName ?? "") === owner.name) {
    return record;
  }
  throw noSuchEntity(`The Access Key with id ${accessKeyId} cannot be found.`);
}

function updateAccessKey({ store }: IamDeps): Handler<Iam, "UpdateAccessKey"> {
  return async (input, { principal }) => {
    const { Status: status, AccessKeyId } = input;
    if (status === "Expired") {
      throw validationError("The status Expired is set by the service and cannot be requested.");
    }
    await store.write((tx) => {
      const name = ownerName(tx, input.UserName, principal);
      const record = loadKey(tx, AccessKeyId, { accountId: principal.accountId, name });
      tx.put(keys.accessKey(AccessKeyId), accessKeyCodec.encode({ ...record, status }));
    });
    return {};
  };
}

function deleteAccessKey({ store }: IamDeps): Handler<Iam, "DeleteAccessKey"> {
  return async (input, { principal }) => {
    const { accountId } = principal;
    await store.write((tx) => {
      const name = ownerName(tx, input.UserName, principal);
      loadKey(tx, input.AccessKeyId, { accountId, name });
      tx.delete(keys.accessKey(input.AccessKeyId));
      tx.delete(keys.accessKeyOf(accountId, name, input.AccessKeyId));
    });
    return {};
  };
}

/**
 * The time is kept to a quarter of an hour; for what service and region a key was used is not
 * recorded, so both say `N/A`, which is also what AWS says when it does not know.
 */
function getLastUsed({ store }: IamDeps): Handler<Iam, "GetAccessKeyLastUsed"> {
  return async (input, { principal: { accountId } }) => {
    const record = await store.read((reader) =>
      readRecord(reader, keys.accessKey(input.AccessKeyId), accessKeyCodec),
    );
    if (record?.accountId !== accountId) {
      throw noSuchEntity(`The Access Key with id ${input.AccessKeyId} cannot be found.`);
    }
    return {
      ...(record.userName !== undefined && { UserName: record.userName }),
      AccessKeyLastUsed: {
        LastUsedDate: record.lastUsedAtMs === undefined ? undefined : new Date(record.lastUsedAtMs),
        ServiceName: "N/A",
        Region: "N/A",
      },
    };
  };
}
