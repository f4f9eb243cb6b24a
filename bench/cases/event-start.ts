import {
  CreateEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
} from "@aws-sdk/client-lambda";
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { deploy } from "../../test/support/functions.ts";
import { type Finding, result, type Spread, spread } from "../harness.ts";
import { stealClock } from "../machine.ts";
import { type MeasuredServer, startMeasured } from "../server.ts";
import { sized } from "../settings.ts";
import type { TargetId } from "../targets.ts";

const events = sized(400, 5);
const warmUps = sized(50, 2);

/** Looks at the machine's monotonic clock first, and tells a queue what it saw. */
const stopwatch = `import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
const sqs = new SQSClient({});
export const handler = async () => {
  const MessageBody = String(process.hrtime.bigint());
  await sqs.send(new SendMessageCommand({ QueueUrl: process.env.EVIDENCE, MessageBody }));
};`;

/**
 * From the response that accepts a message or a row to the first line of the warm function it wakes, one
 * at a time on a platform that is idle otherwise. Beside it, a call of the same function.
 */
export async function eventStart(): Promise<readonly Finding[]> {
  await using server = await startMeasured();
  const clients = {
    endpoint: server.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const sqs = new SQSClient(clients);
  const findings: Finding[] = [];
  const finding = (what: string, target: TargetId, run: Run): Finding =>
    result({
      name: `${what} → function start, warm, one at a time`,
      unit: "ms",
      ours: run.afterResponse,
      referenceName: "a synchronous Invoke of the same function, from sending it",
      reference: run.invoke,
      stealPercentMax: run.stealPercent,
      notes: ["the function may begin before its sender has read the response: that counts as 0"],
      targets: [target, `${target}-p99` as TargetId], // both are in the table
    });

  const queue = await makeQueue(sqs, "events");
  const queueFunction = await stopwatchFor(server, sqs, "from-queue", {
    EventSourceArn: queue.arn,
  });
  const message = new SendMessageCommand({ QueueUrl: queue.url, MessageBody: "{}" });
  findings.push(
    finding("SQS", "event-queue", await measure(() => sqs.send(message), queueFunction)),
  );

  const dynamodb = new DynamoDBClient(clients);
  const { TableDescription } = await dynamodb.send(
    new CreateTableCommand({
      TableName: "events",
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
    }),
  );
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 60 }, { TableName: "events" });
  const streamFunction = await stopwatchFor(server, sqs, "from-stream", {
    EventSourceArn: TableDescription?.LatestStreamArn,
    StartingPosition: "LATEST",
  });
  let n = 0;
  const put = () =>
    dynamodb.send(new PutItemCommand({ TableName: "events", Item: { k: { S: `${n++}` } } }));
  findings.push(finding("DynamoDB stream", "event-stream", await measure(put, streamFunction)));
  return findings;
}

interface Run {
  readonly afterResponse: Spread;
  readonly invoke: Spread;
  readonly stealPercent: number;
}

interface Stopwatch {
  /** Resolves with what the monotonic clock showed the function at its next start, in nanoseconds. */
  readonly started: () => Promise<bigint>;
  readonly invoke: () => Promise<unknown>;
}

async function measure(
  cause: () => Promise<unknown>,
  { started, invoke }: Stopwatch,
): Promise<Run> {
  const afterResponse: number[] = [];
  const invokes: number[] = [];
  const steal = stealClock();
  for (let n = -warmUps; n < events; n++) {
    await cause();
    const acceptedNs = process.hrtime.bigint();
    const startedNs = await started();
    const askedNs = process.hrtime.bigint();
    const [invokedNs] = await Promise.all([started(), invoke()]);
    if (n < 0) continue;
    afterResponse.push(Math.max(0, Number(startedNs - acceptedNs) / 1e6));
    invokes.push(Number(invokedNs - askedNs) / 1e6);
  }
  return {
    afterResponse: spread(afterResponse),
    invoke: spread(invokes),
    stealPercent: steal.percent(),
  };
}

async function makeQueue(
  sqs: SQSClient,
  name: string,
): Promise<{ readonly url: string; readonly arn: string }> {
  const { QueueUrl: url = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }),
  );
  return { url, arn: Attributes?.["QueueArn"] ?? "" };
}

/** A function that is woken by the source. */
async function stopwatchFor(
  server: MeasuredServer,
  sqs: SQSClient,
  name: string,
  source: { readonly EventSourceArn: string | undefined; readonly StartingPosition?: "LATEST" },
): Promise<Stopwatch> {
  const { url } = await makeQueue(sqs, `${name}-evidence`);
  const Environment = { Variables: { EVIDENCE: url } };
  await deploy(server.lambda, name, { "index.mjs": stopwatch }, { Environment, MemorySize: 1769 });
  const { UUID } = await server.lambda.send(
    new CreateEventSourceMappingCommand({ ...source, FunctionName: name, BatchSize: 1 }),
  );
  for (;;) {
    const { State } = await server.lambda.send(new GetEventSourceMappingCommand({ UUID }));
    if (State === "Enabled") break;
  }
  return {
    invoke: () => server.lambda.send(new InvokeCommand({ FunctionName: name })),
    started: async () => {
      for (;;) {
        const { Messages } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }),
        );
        const [message] = Messages ?? [];
        if (!message) continue;
        const { ReceiptHandle } = message;
        await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
        return BigInt(message.Body ?? "0");
      }
    },
  };
}
