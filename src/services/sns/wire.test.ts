import assert from "node:assert/strict";
import { test } from "node:test";
import * as sns from "@aws-sdk/client-sns";
import { serve } from "#protocol/testing/serve.ts";
import { accountId, queueArnOf, region, setUp } from "./testing/set-up.ts";

test("the SDK's client makes a topic, subscribes, publishes and reads back, over Query", async () => {
  const made = setUp();
  await using _ = made.outbox;
  const loader = {
    name: "sns",
    signingName: "sns",
    endpointPrefix: "sns",
    load: async () => made.sns.service,
  };
  await using server = await serve([loader], {
    mode: "open",
    keys: { find: async () => undefined },
  });
  const client = new sns.SNSClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: accountId, secretAccessKey: "x" },
    maxAttempts: 1,
  });
  const { TopicArn } = await client.send(
    new sns.CreateTopicCommand({
      Name: "t",
      Attributes: { DisplayName: "Topic & more" },
      Tags: [{ Key: "team", Value: "a" }],
    }),
  );
  assert.equal(TopicArn, `arn:aws:sns:${region}:${accountId}:t`);
  const { SubscriptionArn } = await client.send(
    new sns.SubscribeCommand({
      TopicArn,
      Protocol: "sqs",
      Endpoint: queueArnOf("q"),
      Attributes: { RawMessageDelivery: "true", FilterPolicy: '{"kind":["<a>"]}' },
    }),
  );
  const MessageAttributes = { kind: { DataType: "String", StringValue: "<a>" } };
  await client.send(
    new sns.PublishCommand({ TopicArn, Message: "naïve ✓ <&>", MessageAttributes }),
  );
  const batch = await client.send(
    new sns.PublishBatchCommand({
      TopicArn,
      PublishBatchRequestEntries: [
        { Id: "1", Message: "not wanted" },
        { Id: "2", Message: "wanted", MessageAttributes },
      ],
    }),
  );
  assert.equal(batch.Successful?.length, 2);
  assert.deepEqual(
    (await made.arrivals()).map(({ text }) => text),
    ["naïve ✓ <&>", "wanted"],
  );
  const { Attributes } = await client.send(new sns.GetTopicAttributesCommand({ TopicArn }));
  assert.equal(Attributes?.["DisplayName"], "Topic & more");
  const subscription = await client.send(
    new sns.GetSubscriptionAttributesCommand({ SubscriptionArn }),
  );
  assert.equal(subscription.Attributes?.["FilterPolicy"], '{"kind":["<a>"]}');
  const { Topics } = await client.send(new sns.ListTopicsCommand({}));
  assert.deepEqual(Topics, [{ TopicArn }]);
  await assert.rejects(
    client.send(new sns.PublishCommand({ TopicArn: `${TopicArn}x`, Message: "x" })),
    (error) => {
      assert.ok(error instanceof sns.NotFoundException);
      assert.equal(error.$metadata.httpStatusCode, 404);
      return true;
    },
  );
  await assert.rejects(
    client.send(new sns.ConfirmSubscriptionCommand({ TopicArn, Token: "x" })),
    /ConfirmSubscription/,
  );
  client.destroy();
});
