import {
  DeleteResourcePolicy$,
  GetResourcePolicy$,
  PutResourcePolicy$,
} from "@aws-sdk/client-dynamodb";
import type { OperationTable } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { policyNotFound, resourceNotFound } from "../errors.ts";
import { changeRecord, lookUp } from "../tables/change.ts";
import { checkPolicy, newRevision } from "../tables/policies.ts";
import type { TableRecord } from "../tables/records.ts";
import { validation } from "../values/values.ts";

/** Policies of tables are stored and told; nothing evaluates them. */
export function resourcePolicyOperations(
  deps: OperationDeps,
): Pick<
  OperationTable<DynamoDb>,
  "PutResourcePolicy" | "GetResourcePolicy" | "DeleteResourcePolicy"
> {
  const absentOf = (arn: string) => (): Error =>
    resourceNotFound(`Requested resource not found: ResourceArn: ${arn} not found`);
  return {
    PutResourcePolicy: [
      PutResourcePolicy$,
      async (input, context) => {
        const { ResourceArn: reference, Policy: document, ExpectedRevisionId: expected } = input;
        checkPolicy(document);
        const revisionId = newRevision(deps.clock.nowMs(), deps.random);
        refuseStreams(reference);
        const asked = { reference, context, absent: absentOf(reference) };
        const changed = await changeRecord(deps, asked, (table) => {
          checkRevision(table, expected);
          if (table.policy?.document === document) return table;
          return { ...table, policy: { document, revisionId } };
        });
        return { RevisionId: changed.policy?.revisionId };
      },
    ],
    GetResourcePolicy: [
      GetResourcePolicy$,
      async ({ ResourceArn: reference }, context) => {
        refuseStreams(reference);
        const absent = absentOf(reference);
        const { policy } = await lookUp(deps, { reference, context, absent });
        if (!policy) throw noPolicy(reference);
        return { Policy: policy.document, RevisionId: policy.revisionId };
      },
    ],
    DeleteResourcePolicy: [
      DeleteResourcePolicy$,
      async ({ ResourceArn: reference, ExpectedRevisionId: expected }, context) => {
        refuseStreams(reference);
        let revisionId: string | undefined;
        const asked = { reference, context, absent: absentOf(reference) };
        await changeRecord(deps, asked, (table) => {
          checkRevision(table, expected);
          const { policy, ...rest } = table;
          revisionId = policy?.revisionId;
          return rest;
        });
        return { ...(revisionId !== undefined && { RevisionId: revisionId }) };
      },
    ],
  };
}

/** `NO_POLICY` expects that there is none: API_PutResourcePolicy. */
function checkRevision(table: TableRecord, expected: string | undefined): void {
  if (expected === undefined) return;
  const current = table.policy?.revisionId ?? "NO_POLICY";
  if (current === expected) return;
  throw policyNotFound(
    `Resource-based policy not found for the provided ResourceArn: Requested update for policy with revision id ${expected}, but the policy associated to target table has revision id ${current}.`,
  );
}

function noPolicy(arn: string): Error {
  return policyNotFound(`Resource-based policy not found for the provided ResourceArn: ${arn}`);
}

function refuseStreams(arn: string): void {
  if (!arn.includes("/stream/")) return;
  throw validation("Resource policies of streams are not supported by Skerry.");
}
