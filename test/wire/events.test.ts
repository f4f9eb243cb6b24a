import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  CreateEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from "@aws-sdk/client-lambda";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";
import { deploy } from "../support/functions.ts";
import { type Platform, startPlatform } from "./platform.ts";

const skip = findBubblewrap() === undefined && "bubblewrap is not installed";

/** Says which messages it got, fails for those that want it, and whole batches that want that. */
const consumer = `export const handler = async (event) => {
  const bodies = event.Records.map((record) => record.body);
  console.log("got " + JSON.stringify(bodies) + " " + process.env._X_AMZN_TRACE_ID);
  if (bodies.includes("throw")) throw new Error("as asked");
  const failed = event.Records.filter((record) => record.body.startsWith("bad"));
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
};`;

describe("events over the wire", { skip, timeout: 240_000 }, () => {
  let platform: Platform;
  let lambda: LambdaClient;
  let sqs: SQSClient;
  let logs: CloudWatchLogsClient;

  before(async () => {
    platform = await startPlatform();
    lambda = new LambdaClient(platform.client);
    sqs = new SQSClient(platform.client);
    logs = new CloudWatchLogsClient(platform.client);
  });
  after(() => platform.stop());

  async function queue(
    name: string,
    attributes: Record<string, string> = {},
  ): Promise<{ readonly url: string; readonly arn: string }> {
    const { QueueUrl = "" } = await sqs.send(
      new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
    );
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
    );
    return { url: QueueUrl, arn: Attributes?.["QueueArn"] ?? "" };
  }

  async function enabled(
    input: ConstructorParameters<typeof CreateEventSourceMappingCommand>[0],
  ): Promise<void> {
    const { UUID } = await lambda.send(new CreateEventSourceMappingCommand(input));
    for (;;) {
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
      if (State === "Enabled") return;
    }
  }

  /** The first message of a queue, waited for with long polls. */
  async function received(url: string): Promise<Message> {
    for (;;) {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          WaitTimeSeconds: 20,
          MessageAttributeNames: ["All"],
          MessageSystemAttributeNames: ["All"],
        }),
      );
      if (Messages?.[0]) return Messages[0];
    }
  }

  async function logged(name: string, pattern: RegExp): Promise<string> {
    for (;;) {
      const { events } = await logs
        .send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }))
        .catch(() => ({ events: [] })); // no line yet, no group
      const found = events?.find((event) => pattern.test(event.message ?? ""));
      if (found?.message !== undefined) return found.message;
    }
  }

  test("a message reaches the function in the trace it was sent in, and is gone afterwards", async () => {
    const work = await queue("work");
    await deploy(lambda, "worker", { "index.mjs": consumer }, { Timeout: 10 });
    await enabled({ EventSourceArn: work.arn, FunctionName: "worker" });
    await sqs.send(new SendMessageCommand({ QueueUrl: work.url, MessageBody: "hello" }));
    const line = await logged("worker", /got \["hello"\]/);
    const traceId = /Root=([^;]+)/.exec(line)?.[1] ?? "";
    for (;;) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: work.url,
          AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        }),
      );
      if (Object.values(Attributes ?? {}).every((count) => count === "0")) break;
    }
    const answer = await fetch(`${platform.endpoint}/_skerry/traces/${traceId}`);
    const { spans } = (await answer.json()) as { spans: { name: string }[] }; // the platform's own page
    const names = spans.map((span) => span.name);
    assert.ok(
      names.some((name) => name.includes("SendMessage")),
      names.join(),
    );
    assert.ok(
      names.some((name) => /invo/i.test(name)),
      names.join(),
    );
  });

  test("what a function reports as failed comes back until the queue gives it up", async () => {
    const dead = await queue("part-dead");
    const work = await queue("part", {
      VisibilityTimeout: "1",
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: "2" }),
    });
    await deploy(lambda, "part", { "index.mjs": consumer }, { Timeout: 1 });
    await enabled({
      EventSourceArn: work.arn,
      FunctionName: "part",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
    const Entries = ["good-1", "bad-1", "good-2"].map((MessageBody, n) => ({
      Id: `${n}`,
      MessageBody,
    }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: work.url, Entries }));
    const message = await received(dead.url);
    assert.equal(message.Body, "bad-1");
  });

  test("a FIFO queue's messages of one group arrive in order", async () => {
    const work = await queue("ordered.fifo", {
      FifoQueue: "true",
      ContentBasedDeduplication: "true",
    });
    await deploy(lambda, "ordered", { "index.mjs": consumer }, { Timeout: 10 });
    for (let n = 0; n < 20; n++)
      await sqs.send(
        new SendMessageCommand({ QueueUrl: work.url, MessageBody: `m${n}`, MessageGroupId: "g" }),
      );
    await enabled({ EventSourceArn: work.arn, FunctionName: "ordered", BatchSize: 3 });
    await logged("ordered", /"m19"/);
    const { events } = await logs.send(
      new FilterLogEventsCommand({ logGroupName: "/aws/lambda/ordered" }),
    );
    const bodies = (events ?? [])
      .toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))
      .flatMap((event) => /got (\[[^\]]*\])/.exec(event.message ?? "")?.[1] ?? [])
      .flatMap((list) => JSON.parse(list) as string[]); // as the function printed it
    assert.deepEqual(
      bodies,
      Array.from({ length: 20 }, (_, n) => `m${n}`),
    );
  });

  test("changes of a table reach the function in order, a poison one the destination", async () => {
    const failures = await queue("stream-failures");
    const dynamodb = new DynamoDBClient(platform.client);
    const { TableDescription } = await dynamodb.send(
      new CreateTableCommand({
        TableName: "things",
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
        StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
      }),
    );
    await waitUntilTableExists(
      { client: dynamodb, maxWaitTime: 30, minDelay: 0.1 },
      { TableName: "things" },
    );
    await deploy(lambda, "changes", {
      "index.mjs": `export const handler = async (event) => {
        const seen = event.Records.map(({ eventName, dynamodb }) =>
          eventName + ":" + dynamodb.Keys.k.S + ":" + (dynamodb.NewImage?.n?.N ?? ""));
        console.log("changed " + JSON.stringify(seen));
        if (seen.some((one) => one.includes("poison"))) throw new Error("as asked");
      };`,
    });
    const put = (k: string, n: number) =>
      dynamodb.send(
        new PutItemCommand({ TableName: "things", Item: { k: { S: k }, n: { N: String(n) } } }),
      );
    await put("a", 1);
    await enabled({
      EventSourceArn: TableDescription?.LatestStreamArn,
      FunctionName: "changes",
      StartingPosition: "TRIM_HORIZON",
      MaximumRetryAttempts: 0,
      BisectBatchOnFunctionError: true,
      DestinationConfig: { OnFailure: { Destination: failures.arn } },
    });
    await logged("changes", /INSERT:a:1/);
    await put("a", 2);
    await logged("changes", /MODIFY:a:2/);
    await put("poison", 1);
    const told = JSON.parse((await received(failures.url)).Body ?? "") as {
      requestContext: { condition: string };
      DDBStreamBatchInfo: { batchSize: number };
    }; // an on-failure record
    assert.equal(told.requestContext.condition, "RetryAttemptsExhausted");
    assert.equal(told.DDBStreamBatchInfo.batchSize, 1);
    await put("a", 3);
    await logged("changes", /MODIFY:a:3/);
  });

  test("what becomes of an asynchronous invocation is told to the queues it names", async () => {
    const good = await queue("succeeded");
    const bad = await queue("failed");
    await deploy(lambda, "async", {
      "index.mjs": `export const handler = async (event) => {
        if (event.fail) throw new Error("as asked");
        return { done: event.n };
      };`,
    });
    await lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: "async",
        MaximumRetryAttempts: 0,
        DestinationConfig: {
          OnSuccess: { Destination: good.arn },
          OnFailure: { Destination: bad.arn },
        },
      }),
    );
    const send = (payload: unknown) =>
      lambda.send(
        new InvokeCommand({
          FunctionName: "async",
          InvocationType: "Event",
          Payload: JSON.stringify(payload),
        }),
      );
    await send({ n: 7 });
    await send({ fail: true });
    const succeeded = JSON.parse((await received(good.url)).Body ?? "") as Record<string, unknown>; // a destination's record
    assert.deepEqual(succeeded["requestPayload"], { n: 7 });
    assert.deepEqual(succeeded["responsePayload"], { done: 7 });
    const failed = JSON.parse((await received(bad.url)).Body ?? "") as {
      requestContext: { condition: string };
    }; // a destination's record
    assert.equal(failed.requestContext.condition, "RetriesExhausted");
  });
});
