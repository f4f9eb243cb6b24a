import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
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
  };
  const counts = async () => ({
    lambda: (await lambda.send(new ListFunctionsCommand({}))).Functions?.length ?? 0,
    sqs: (await sqs.send(new ListQueuesCommand({}))).QueueUrls?.length ?? 0,
    s3: (await s3.send(new ListBucketsCommand({}))).Buckets?.length ?? 0,
    dynamodb: (await dynamodb.send(new ListTablesCommand({}))).TableNames?.length ?? 0,
  });
  const full = { lambda: 1, sqs: 1, s3: 1, dynamodb: 1 };
  const reset = (service: string) =>
    fetch(`${platform.endpoint}/_skerry/reset/${service}`, { method: "POST" });
  await fill();
  for (const service of ["lambda", "sqs", "s3", "dynamodb"] as const) {
    assert.deepEqual(await counts(), full);
    assert.equal((await reset(service)).status, 200);
    assert.deepEqual(await counts(), { ...full, [service]: 0 }, service);
    await reset("lambda");
    await reset("sqs");
    await reset("s3");
    await reset("dynamodb");
    await fill(); // names are free again, and nothing of before is remembered
  }
  const unknown = await reset("nobody");
  assert.equal(unknown.status, 404);
  assert.match(await unknown.text(), /there is no service nobody; one of lambda/);
  for (const client of [lambda, sqs, s3, dynamodb]) client.destroy();
});
