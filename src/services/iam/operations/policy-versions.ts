import type { PolicyVersion } from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Transaction } from "#storage/storage.ts";
import {
  awsManagedPolicy,
  awsManagedSinceMs,
  type AwsManagedPolicy,
} from "../aws-managed-policies.ts";
import type { Iam, IamDeps } from "../deps.ts";
import { deleteConflict, limitExceeded, malformedPolicy, noSuchEntity } from "../errors.ts";
import { managedPolicyCharactersMax, policyVersionsMax } from "../limits.ts";
import { encodeDocument } from "../names.ts";
import { pageEnd, pageOfList } from "../pages.ts";
import { policyProblem } from "../policy-document.ts";
import { loadPolicy } from "../policy-references.ts";
import { keys, policyCodec, type PolicyRecord, type PolicyVersionRecord } from "../records.ts";

/** Throws LimitExceeded. White space does not count. */
export function checkPolicySize(document: string): void {
  if (document.replaceAll(/\s/g, "").length > managedPolicyCharactersMax) {
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${managedPolicyCharactersMax}`);
  }
}

export function createVersion({ store, clock }: IamDeps): Handler<Iam, "CreatePolicyVersion"> {
  return async (input, { principal: { accountId } }) => {
    const problem = policyProblem(input.PolicyDocument, "managed");
    if (problem !== undefined) throw malformedPolicy(problem);
    checkPolicySize(input.PolicyDocument);
    const nowMs = clock.nowMs();
    const created = await store.write((tx) => {
      const record = loadPolicy(tx, accountId, input.PolicyArn);
      if (record.versions.length >= policyVersionsMax) {
        throw limitExceeded(
          `A managed policy can have up to ${policyVersionsMax} versions. Before you create a ` +
            "new version, you must delete an existing version.",
        );
      }
      const id = `v${record.nextVersion}`;
      const version = { id, document: input.PolicyDocument, createdAtMs: nowMs };
      save(tx, accountId, {
        ...record,
        nextVersion: record.nextVersion + 1,
        versions: [...record.versions, version],
        updatedAtMs: nowMs,
        ...(input.SetAsDefault === true && { defaultVersionId: id }),
      });
      return version;
    });
    return {
      PolicyVersion: {
        VersionId: created.id,
        IsDefaultVersion: input.SetAsDefault === true,
        CreateDate: new Date(nowMs),
      },
    };
  };
}

function save(tx: Transaction, accountId: string, record: PolicyRecord): void {
  tx.put(keys.entity(accountId, "policy", record.name), policyCodec.encode(record));
}

function versionOf(
  record: PolicyRecord,
  policyArn: string,
  versionId: string,
): PolicyVersionRecord {
  const version = record.versions.find(({ id }) => id === versionId);
  if (version) return version;
  throw noSuchEntity(
    `Policy ${policyArn} version ${versionId} does not exist or is not attachable.`,
  );
}

export function getVersion({ store }: IamDeps): Handler<Iam, "GetPolicyVersion"> {
  return async (input, { principal: { accountId } }) => {
    const managed = awsManagedPolicy(input.PolicyArn);
    if (managed) return { PolicyVersion: awsVersion(managed, input.VersionId) };
    const record = await store.read((reader) => loadPolicy(reader, accountId, input.PolicyArn));
    const version = versionOf(record, input.PolicyArn, input.VersionId);
    return {
      PolicyVersion: {
        ...listedVersion(record, version),
        Document: encodeDocument(version.document),
      },
    };
  };
}

/** Throws NoSuchEntity where this list has the policy's name but not its text. */
function awsVersion(policy: AwsManagedPolicy, versionId: string): PolicyVersion {
  if (versionId !== policy.versionId) {
    throw noSuchEntity(
      `Policy ${policy.arn} version ${versionId} does not exist or is not attachable.`,
    );
  }
  if (policy.document === undefined) {
    throw noSuchEntity(
      `The document of ${policy.arn} is not available here: Skerry knows only its name.`,
    );
  }
  return {
    VersionId: policy.versionId,
    IsDefaultVersion: true,
    CreateDate: new Date(awsManagedSinceMs),
    Document: encodeDocument(policy.document),
  };
}

function listedVersion(record: PolicyRecord, version: PolicyVersionRecord): PolicyVersion {
  return {
    VersionId: version.id,
    IsDefaultVersion: version.id === record.defaultVersionId,
    CreateDate: new Date(version.createdAtMs),
  };
}

/** Newest first, as the service lists them. */
export function listVersions({ store }: IamDeps): Handler<Iam, "ListPolicyVersions"> {
  return async (input, { principal: { accountId } }) => {
    const managed = awsManagedPolicy(input.PolicyArn);
    if (managed) {
      const CreateDate = new Date(awsManagedSinceMs);
      const only = { VersionId: managed.versionId, IsDefaultVersion: true, CreateDate };
      return { Versions: [only], IsTruncated: false };
    }
    const record = await store.read((reader) => loadPolicy(reader, accountId, input.PolicyArn));
    const page = pageOfList(record.versions.toReversed(), input);
    return {
      Versions: page.items.map((version) => listedVersion(record, version)),
      ...pageEnd(page),
    };
  };
}

export function setDefaultVersion({
  store,
  clock,
}: IamDeps): Handler<Iam, "SetDefaultPolicyVersion"> {
  return async (input, { principal: { accountId } }) => {
    const nowMs = clock.nowMs();
    await store.write((tx) => {
      const record = loadPolicy(tx, accountId, input.PolicyArn);
      const { id } = versionOf(record, input.PolicyArn, input.VersionId);
      save(tx, accountId, { ...record, defaultVersionId: id, updatedAtMs: nowMs });
    });
    return {};
  };
}

export function deleteVersion({ store, clock }: IamDeps): Handler<Iam, "DeletePolicyVersion"> {
  return async (input, { principal: { accountId } }) => {
    const nowMs = clock.nowMs();
    await store.write((tx) => {
      const record = loadPolicy(tx, accountId, input.PolicyArn);
      const removed = versionOf(record, input.PolicyArn, input.VersionId);
      if (removed.id === record.defaultVersionId) {
        throw deleteConflict("Cannot delete the default version of a policy.");
      }
      const versions = record.versions.filter((version) => version !== removed);
      save(tx, accountId, { ...record, versions, updatedAtMs: nowMs });
    });
    return {};
  };
}
