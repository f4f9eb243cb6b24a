import { AddPermission$, RemovePermission$ } from "@aws-sdk/client-sqs";
import type { OperationTable } from "#protocol/service/service.ts";
import { allowOwner } from "../access.ts";
import { addressOfUrl, queueArn } from "../addresses.ts";
import type { Input, Sqs, SqsDeps } from "../deps.ts";
import { invalidParameter, invalidValue, overLimit } from "../errors.ts";
import { permissionActionsMax, policyStatementsMax } from "../limits.ts";
import { requireQueue, storeQueue } from "../queues.ts";
import { jsonObject } from "../redrive-input.ts";
import type { QueueRecord } from "../records.ts";

/** Statements of a queue's policy, added and removed by label. */
export function permissionOperations(deps: SqsDeps): OperationTable<Sqs> {
  return {
    AddPermission: [
      AddPermission$,
      async (input, context) => {
        checkPermission(input);
        const address = addressOfUrl(input.QueueUrl, context);
        allowOwner(deps, address, { action: "AddPermission", context });
        await deps.store.write((tx) => {
          const queue = requireQueue(tx, address);
          storeQueue(tx, withStatement(queue, input), queue);
        });
        return {};
      },
    ],
    RemovePermission: [
      RemovePermission$,
      async ({ QueueUrl, Label }, context) => {
        const address = addressOfUrl(QueueUrl, context);
        allowOwner(deps, address, { action: "RemovePermission", context });
        await deps.store.write((tx) => {
          const queue = requireQueue(tx, address);
          storeQueue(tx, withoutStatement(queue, Label), queue);
        });
        return {};
      },
    ],
  };
}

/** What may be given to others. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html */
const grantable = new Set([
  "*",
  "ChangeMessageVisibility",
  "DeleteMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ListDeadLetterSourceQueues",
  "PurgeQueue",
  "ReceiveMessage",
  "SendMessage",
]);

function checkPermission({ Label, Actions, AWSAccountIds }: Input<"AddPermission">): void {
  if (!/^[\w-]{1,80}$/.test(Label)) {
    throw invalidValue(
      Label,
      "Label",
      "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
    );
  }
  for (const action of Actions) {
    if (grantable.has(action)) continue;
    throw invalidValue(
      `SQS:${action}`,
      "ActionName",
      "Please refer to the appropriate WSDL for a list of valid actions. ",
    );
  }
  if (Actions.length > permissionActionsMax) {
    throw overLimit(
      `${Actions.length} Actions were found, maximum allowed is ${permissionActionsMax}.`,
    );
  }
  const wrong = AWSAccountIds.find((id) => !/^\d{12}$/.test(id));
  if (wrong !== undefined) throw invalidValue(wrong, "PrincipalId", "Unable to verify.");
  if (Actions.length === 0 || AWSAccountIds.length === 0)
    throw invalidParameter("A permission needs at least one account and one action.");
}

interface Policy {
  readonly Version: string;
  readonly Id: string;
  readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

function policyOf(queue: QueueRecord): Policy {
  const stored = jsonObject(queue.attributes["Policy"] ?? "");
  const fresh = { Version: "2012-10-17", Id: `${queueArn(queue)}/SQSDefaultPolicy`, Statement: [] };
  const statements: readonly unknown[] = [stored?.["Statement"] ?? []].flat();
  // What is stored has passed `checkAttributes`; one statement may stand without a list.
  return { ...fresh, ...stored, Statement: statements as Policy["Statement"] };
}

function withPolicy(queue: QueueRecord, policy: Policy): QueueRecord {
  const { Policy: _, ...others } = queue.attributes;
  const isEmpty = policy.Statement.length === 0;
  return { ...queue, attributes: isEmpty ? others : { ...others, Policy: JSON.stringify(policy) } };
}

function withStatement(queue: QueueRecord, input: Input<"AddPermission">): QueueRecord {
  const { Label: label, AWSAccountIds: accountIds, Actions: actions } = input;
  const policy = policyOf(queue);
  if (policy.Statement.some((statement) => statement["Sid"] === label))
    throw invalidValue(label, "Label", "Already exists.");
  if (policy.Statement.length >= policyStatementsMax) {
    throw overLimit(
      `${policy.Statement.length + 1} statements were found in the submitted policy, max allowed is ${policyStatementsMax}`,
    );
  }
  const statement = {
    Sid: label,
    Effect: "Allow",
    Principal: { AWS: oneOrAll(accountIds.map((id) => `arn:aws:iam::${id}:root`)) },
    Action: oneOrAll(actions.map((action) => `SQS:${action}`)),
    Resource: queueArn(queue),
  };
  return withPolicy(queue, { ...policy, Statement: [...policy.Statement, statement] });
}

function oneOrAll(values: readonly string[]): string | readonly string[] {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

function withoutStatement(queue: QueueRecord, label: string): QueueRecord {
  const policy = policyOf(queue);
  const left = policy.Statement.filter((statement) => statement["Sid"] !== label);
  if (left.length === policy.Statement.length)
    throw invalidValue(label, "Label", "can't find label.");
  return withPolicy(queue, { ...policy, Statement: left });
}
