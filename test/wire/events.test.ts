import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
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
  DeleteMessageCommand,
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

/** A function that tells a queue, in order, what it was called with: `seen` of each record, and its trace. */
const witness = (seen: string, answer: string): string => `
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
const sqs = new SQSClient({});
export const handler = async (event, context) => {
  const seen = event.Records.map((record) => ${seen});
  await sqs.send(new SendMessageCommand({
    QueueUrl: process.env.EVIDENCE,
    MessageBody: JSON.stringify({ seen, trace: process.env._X_AMZN_TRACE_ID }),
    MessageGroupId: "all",
    MessageDeduplicationId: context.awsRequestId,
  }));
  return ${answer};
};`;

/** Reports the messages that want it as failed. */
const consumer = witness(
  "record.body",
  `{ batchItemFailures: event.Records.filter((record) => record.body.startsWith("bad"))
      .map((record) => ({ itemIdentifier: record.messageId })) }`,
);

interface Evidence {
  readonly seen: readonly string[];
  readonly trace: string;
}

describe("events over the wire", { skip, timeout: 240_000 }, () => {
  let platform: Platform;
  let lambda: LambdaClient;
  let sqs: SQSClient;

  before(async () => {
    platform = await startPlatform();
    lambda = new LambdaClient(platform.client);
    sqs = new SQSClient(platform.client);
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

  /** A function with a queue of its own for what it has seen; resolves with how to wait for that. */
  async function deployWitness(
    name: string,
    code: string,
    timeoutSeconds = 10,
  ): Promise<() => Promise<Evidence>> {
    const { url } = await queue(`${name}-evidence.fifo`, { FifoQueue: "true" });
    const Environment = { Variables: { EVIDENCE: url } };
    await deploy(lambda, name, { "index.mjs": code }, { Timeout: timeoutSeconds, Environment });
    return async () => {
      const { Body = "", ReceiptHandle } = await received(url);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
      return JSON.parse(Body) as Evidence; // as the witness writes it
    };
  }

  test("a message reaches the function in the trace it was sent in, and is gone afterwards", async () => {
    const work = await queue("work");
    const next = await deployWitness("worker", consumer);
    await enabled({ EventSourceArn: work.arn, FunctionName: "worker" });
    await sqs.send(new SendMessageCommand({ QueueUrl: work.url, MessageBody: "hello" }));
    const { seen, trace } = await next();
    assert.deepEqual(seen, ["hello"]);
    const traceId = /Root=([^;]+)/.exec(trace)?.[1] ?? "";
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
      VisibilityTimeout: "5",
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: "2" }),
    });
    await deployWitness("part", consumer, 5);
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
    const next = await deployWitness("ordered", consumer);
    for (let n = 0; n < 20; n++)
      await sqs.send(
        new SendMessageCommand({ QueueUrl: work.url, MessageBody: `m${n}`, MessageGroupId: "g" }),
      );
    await enabled({ EventSourceArn: work.arn, FunctionName: "ordered", BatchSize: 3 });
    const bodies: string[] = [];
    while (bodies.at(-1) !== "m19") bodies.push(...(await next()).seen);
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
    const next = await deployWitness(
      "changes",
      witness(
        `[record.eventName, record.dynamodb.Keys.k.S, record.dynamodb.NewImage.n.N].join(":")`,
        `event.Records.some((record) => record.dynamodb.Keys.k.S === "poison") ? missing : null`,
      ),
    );
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
    assert.deepEqual((await next()).seen, ["INSERT:a:1"]);
    await put("a", 2);
    assert.deepEqual((await next()).seen, ["MODIFY:a:2"]);
    await put("poison", 1);
    const told = JSON.parse((await received(failures.url)).Body ?? "") as {
      requestContext: { condition: string };
      DDBStreamBatchInfo: { batchSize: number };
    }; // an on-failure record
    assert.equal(told.requestContext.condition, "RetryAttemptsExhausted");
    assert.equal(told.DDBStreamBatchInfo.batchSize, 1);
    assert.deepEqual((await next()).seen, ["INSERT:poison:1"]);
    await put("a", 3);
    assert.deepEqual((await next()).seen, ["MODIFY:a:3"]);
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
