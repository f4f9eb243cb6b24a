import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CreateTopicCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { startPlatform } from "./platform.ts";

test("what is published to a topic wakes the receiver of a queue, in the trace of the publisher", async () => {
  await using platform = await startPlatform();
  const settings = {
    endpoint: platform.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const [sns, sqs] = [new SNSClient(settings), new SQSClient(settings)];
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q" }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
  );
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "t" }));
  const Endpoint = Attributes?.QueueArn;
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint }));
  const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Message: "ahoy" }));
  const { Messages } = await waiting;
  const envelope = JSON.parse(Messages?.[0]?.Body ?? "") as Record<string, string>; // our own
  assert.deepEqual([envelope["Message"], envelope["MessageId"]], ["ahoy", MessageId]);
  const response = await fetch(`${platform.endpoint}/_skerry/traces`);
  const { traces } = (await response.json()) as { traces: { traceId: string }[] }; // the platform's own route
  const names = await Promise.all(
    traces.map(async ({ traceId }) => {
      const answer = await fetch(`${platform.endpoint}/_skerry/traces/${traceId}`);
      const { spans } = (await answer.json()) as { spans: { name: string }[] }; // as above
      return spans.map(({ name }) => name);
    }),
  );
  assert.ok(
    names.some((each) => each.includes("aws.sns.Publish") && each.includes("deliver")),
    JSON.stringify(names),
  );
  sns.destroy();
  sqs.destroy();
});
