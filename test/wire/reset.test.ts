import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, ListRulesCommand, PutRuleCommand } from "@aws-sdk/client-eventbridge";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import {
  CreateScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { CreateTopicCommand, ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { CreateBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { deploy } from "../support/functions.ts";
import { startPlatform } from "./platform.ts";

test("one service is emptied, and the others keep what they have", async () => {
  await using platform = await startPlatform({ sandbox: "process" });
  const lambda = new LambdaClient(platform.client);
  const sqs = new SQSClient(platform.client);
  const s3 = new S3Client({ ...platform.client, forcePathStyle: true });
  const dynamodb = new DynamoDBClient(platform.client);
  const sns = new SNSClient(platform.client);
  const eventbridge = new EventBridgeClient(platform.client);
  const scheduler = new SchedulerClient(platform.client);
  const fill = async (): Promise<void> => {
    await deploy(lambda, "kept", { "index.mjs": "export const handler = async () => 1;" });
    await sqs.send(new CreateQueueCommand({ QueueName: "kept" }));
    await s3.send(new CreateBucketCommand({ Bucket: "kept" }));
    await dynamodb.send(
      new CreateTableCommand({
        TableName: "kept",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    await sns.send(new CreateTopicCommand({ Name: "kept" }));
    await eventbridge.send(new PutRuleCommand({ Name: "kept", EventPattern: '{"source":["a"]}' }));
    await scheduler.send(
      new CreateScheduleCommand({
        Name: "kept",
        ScheduleExpression: "rate(1 day)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: "arn:aws:sqs:us-east-1:000000000000:kept",
          RoleArn: "arn:aws:iam::000000000000:role/kept",
        },
      }),
    );
  };
  const counts = async () => ({
    lambda: (await lambda.send(new ListFunctionsCommand({}))).Functions?.length ?? 0,
    sqs: (await sqs.send(new ListQueuesCommand({}))).QueueUrls?.length ?? 0,
    s3: (await s3.send(new ListBucketsCommand({}))).Buckets?.length ?? 0,
    dynamodb: (await dynamodb.send(new ListTablesCommand({}))).TableNames?.length ?? 0,
    sns: (await sns.send(new ListTopicsCommand({}))).Topics?.length ?? 0,
    eventbridge: (await eventbridge.send(new ListRulesCommand({}))).Rules?.length ?? 0,
    scheduler: (await scheduler.send(new ListSchedulesCommand({}))).Schedules?.length ?? 0,
  });
  const services = ["lambda", "sqs", "s3", "dynamodb", "sns", "eventbridge", "scheduler"] as const;
  const full = Object.fromEntries(services.map((service) => [service, 1]));
  const reset = (service: string) =>
    fetch(`${platform.endpoint}/_skerry/reset/${service}`, { method: "POST" });
  await fill();
  for (const service of services) {
    assert.deepEqual(await counts(), full);
    assert.equal((await reset(service)).status, 200);
    assert.deepEqual(await counts(), { ...full, [service]: 0 }, service);
    for (const one of services) await reset(one);
    await fill(); // names are free again, and nothing of before is remembered
  }
  const unknown = await reset("nobody");
  assert.equal(unknown.status, 404);
  assert.match(await unknown.text(), /there is no service nobody; one of lambda/);
  for (const client of [lambda, sqs, s3, dynamodb, sns, eventbridge, scheduler]) client.destroy();
});
