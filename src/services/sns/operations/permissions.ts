import { AddPermission$, RemovePermission$ } from "@aws-sdk/client-sns";
import type { OperationTable } from "#protocol/service/service.ts";
import { defaultPolicy, type Statement } from "../attributes.ts";
import type { Sns, SnsDeps } from "../deps.ts";
import { invalidParameter } from "../errors.ts";
import { keys, topicArn, topicCodec, type TopicRecord } from "../records.ts";
import { allow, readTopicArn, requireTopic } from "../topics.ts";

/** Statements of a topic's policy, added and removed by label. */
export function permissionOperations(deps: SnsDeps): OperationTable<Sns> {
  return {
    AddPermission: [
      AddPermission$,
      async ({ TopicArn, Label, AWSAccountId, ActionName }, context) => {
        const address = readTopicArn(TopicArn);
        if (ActionName.some((action) => !grantable.has(action)))
          throw invalidParameter("Policy statement action out of service scope!");
        await deps.store.write((tx) => {
          const topic = requireTopic(tx, address);
          allow(deps, topic, { action: "AddPermission", context });
          const before = statementsOf(topic);
          if (before.some(({ Sid: sid }) => sid === Label))
            throw invalidParameter("Statement already exists");
          const principals = AWSAccountId.map((id) => `arn:aws:iam::${id}:root`);
          const statement = {
            Sid: Label,
            Effect: "Allow",
            Principal: { AWS: principals },
            Action: ActionName.map((action) => `SNS:${action}`),
            Resource: topicArn(topic),
          };
          tx.put(
            keys.topic(address),
            topicCodec.encode(withStatements(topic, [...before, statement])),
          );
        });
        return {};
      },
    ],
    RemovePermission: [
      RemovePermission$,
      async ({ TopicArn, Label }, context) => {
        const address = readTopicArn(TopicArn);
        await deps.store.write((tx) => {
          const topic = requireTopic(tx, address);
          allow(deps, topic, { action: "RemovePermission", context });
          const left = statementsOf(topic).filter(({ Sid: sid }) => sid !== Label);
          tx.put(keys.topic(address), topicCodec.encode(withStatements(topic, left)));
        });
        return {};
      },
    ],
  };
}

const grantable = new Set([
  "AddPermission",
  "DeleteTopic",
  "GetDataProtectionPolicy",
  "GetTopicAttributes",
  "ListSubscriptionsByTopic",
  "ListTagsForResource",
  "Publish",
  "PutDataProtectionPolicy",
  "RemovePermission",
  "SetTopicAttributes",
  "Subscribe",
]);

interface Policy {
  readonly Statement?: Statement | readonly Statement[];
}

function policyOf(topic: TopicRecord): Policy {
  const stored = topic.attributes["Policy"];
  return stored === undefined ? defaultPolicy(topic) : (JSON.parse(stored) as Policy); // checked before it was stored
}

function statementsOf(topic: TopicRecord): readonly Statement[] {
  return [policyOf(topic).Statement ?? []].flat();
}

function withStatements(topic: TopicRecord, statements: readonly object[]): TopicRecord {
  const policy = { ...policyOf(topic), Statement: statements };
  return { ...topic, attributes: { ...topic.attributes, Policy: JSON.stringify(policy) } };
}
