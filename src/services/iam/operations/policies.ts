import type { Policy } from "@aws-sdk/client-iam";
import {
  CreatePolicy$,
  CreatePolicyVersion$,
  DeletePolicy$,
  DeletePolicyVersion$,
  GetPolicy$,
  GetPolicyVersion$,
  ListPolicies$,
  ListPolicyVersions$,
  SetDefaultPolicyVersion$,
} from "@aws-sdk/client-iam";
import type { Handler } from "#protocol/service/service.ts";
import type { Reader } from "#storage/storage.ts";
import {
  awsManagedPolicies,
  awsManagedPolicy,
  awsManagedSinceMs,
  type AwsManagedPolicy,
} from "../aws-managed-policies.ts";
import type { Iam, IamDeps, IamRows } from "../deps.ts";
import { alreadyExists, deleteConflict, malformedPolicy } from "../errors.ts";
import { checkQuota } from "../identities.ts";
import { iamArn, newId } from "../names.ts";
import { pageEnd, pageOfList } from "../pages.ts";
import { policyProblem } from "../policy-document.ts";
import { countUses, loadPolicy } from "../policy-references.ts";
import { keys, policyCodec, readRecord, type PolicyRecord } from "../records.ts";
import { policyShape, sdkTags } from "../shapes.ts";
import { mergeTags } from "../tags.ts";
import {
  checkPolicySize,
  createVersion,
  deleteVersion,
  getVersion,
  listVersions,
  setDefaultVersion,
} from "./policy-versions.ts";

/** Managed policies: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and its neighbours. */
export function policyOperations(deps: IamDeps): IamRows {
  return {
    CreatePolicy: [CreatePolicy$, createPolicy(deps)],
    GetPolicy: [GetPolicy$, getPolicy(deps)],
    DeletePolicy: [DeletePolicy$, deletePolicy(deps)],
    ListPolicies: [ListPolicies$, listPolicies(deps)],
    CreatePolicyVersion: [CreatePolicyVersion$, createVersion(deps)],
    GetPolicyVersion: [GetPolicyVersion$, getVersion(deps)],
    ListPolicyVersions: [ListPolicyVersions$, listVersions(deps)],
    SetDefaultPolicyVersion: [SetDefaultPolicyVersion$, setDefaultVersion(deps)],
    DeletePolicyVersion: [DeletePolicyVersion$, deleteVersion(deps)],
  };
}

function createPolicy({ store, clock, random }: IamDeps): Handler<Iam, "CreatePolicy"> {
  return async (input, { principal: { accountId } }) => {
    const problem = policyProblem(input.PolicyDocument, "managed");
    if (problem !== undefined) throw malformedPolicy(problem);
    checkPolicySize(input.PolicyDocument);
    const nowMs = clock.nowMs();
    const record: PolicyRecord = {
      name: input.PolicyName,
      path: input.Path ?? "/",
      id: newId("policy", random),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      defaultVersionId: "v1",
      nextVersion: 2,
      versions: [{ id: "v1", document: input.PolicyDocument, createdAtMs: nowMs }],
      tags: mergeTags([], input.Tags ?? []),
      ...(input.Description !== undefined && { description: input.Description }),
    };
    await store.write((tx) => {
      const at = keys.entity(accountId, "policy", record.name);
      if (readRecord(tx, at, policyCodec)) {
        throw alreadyExists(
          `A policy called ${record.name} already exists. Duplicate names are not allowed.`,
        );
      }
      checkQuota(tx, accountId, "policy");
      tx.put(at, policyCodec.encode(record));
    });
    const shape = policyShape(accountId, record, { attached: 0, boundary: 0 });
    return { Policy: { ...shape, ...(record.tags.length > 0 && { Tags: sdkTags(record.tags) }) } };
  };
}

function getPolicy({ store }: IamDeps): Handler<Iam, "GetPolicy"> {
  return async (input, { principal: { accountId } }) =>
    store.read((reader) => {
      const managed = awsManagedPolicy(input.PolicyArn);
      if (managed) return { Policy: { ...awsShape(reader, accountId, managed), Tags: [] } };
      const record = loadPolicy(reader, accountId, input.PolicyArn);
      const uses = countUses(reader, accountId, input.PolicyArn);
      const { description: Description } = record;
      return {
        Policy: {
          ...policyShape(accountId, record, uses),
          ...(Description !== undefined && { Description }),
          Tags: sdkTags(record.tags),
        },
      };
    });
}

function awsShape(reader: Reader, accountId: string, policy: AwsManagedPolicy): Policy {
  const uses = countUses(reader, accountId, policy.arn);
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.versionId,
    AttachmentCount: uses.attached,
    PermissionsBoundaryUsageCount: uses.boundary,
    IsAttachable: true,
    CreateDate: new Date(awsManagedSinceMs),
    UpdateDate: new Date(awsManagedSinceMs),
  };
}

function deletePolicy({ store }: IamDeps): Handler<Iam, "DeletePolicy"> {
  return async (input, { principal: { accountId } }) => {
    await store.write((tx) => {
      const record = loadPolicy(tx, accountId, input.PolicyArn);
      const uses = countUses(tx, accountId, input.PolicyArn);
      if (uses.attached + uses.boundary > 0) {
        throw deleteConflict("Cannot delete a policy attached to entities.");
      }
      if (record.versions.length > 1) {
        throw deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete " +
            "the policy's versions. The default version is deleted with the policy.",
        );
      }
      tx.delete(keys.entity(accountId, "policy", record.name));
    });
    return {};
  };
}

function listPolicies({ store }: IamDeps): Handler<Iam, "ListPolicies"> {
  return async (input, { principal: { accountId } }) => {
    const { Scope = "All", PathPrefix = "/", PolicyUsageFilter: usage } = input;
    const page = await store.read((reader) => {
      const all: Policy[] = [];
      if (Scope !== "Local") {
        for (const policy of awsManagedPolicies()) all.push(awsShape(reader, accountId, policy));
      }
      if (Scope !== "AWS") {
        for (const { value } of reader.list(keys.entities(accountId, "policy"))) {
          const record = policyCodec.decode(value);
          const uses = countUses(reader, accountId, iamArn(accountId, "policy", record));
          all.push(policyShape(accountId, record, uses));
        }
      }
      const wanted = all.filter((policy) => {
        if (!policy.Path?.startsWith(PathPrefix)) return false;
        if (input.OnlyAttached && policy.AttachmentCount === 0) return false;
        if (usage === "PermissionsBoundary") return policy.PermissionsBoundaryUsageCount !== 0;
        return usage === undefined || policy.AttachmentCount !== 0;
      });
      return pageOfList(wanted, input);
    });
    return { Policies: [...page.items], ...pageEnd(page) };
  };
}
