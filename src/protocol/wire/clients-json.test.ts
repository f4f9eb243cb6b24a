import assert from "node:assert/strict";
import { test } from "node:test";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as sqs from "@aws-sdk/client-sqs";
import { AwsSmithyRpcV2CborProtocol } from "@aws-sdk/core/protocols";
import { defineService } from "#protocol/service/service.ts";
import { clientConfig, startTestServer } from "./test-server.ts";

test("awsJson1_1: CloudWatch Logs, with an initial response before its live tail", async () => {
  async function* tail(): AsyncGenerator<logs.StartLiveTailResponseStream> {
    yield { sessionStart: { requestId: "r", logGroupIdentifiers: ["g"] } };
    yield { sessionUpdate: { sessionResults: [{ message: "hello", timestamp: 5 }] } };
    throw new logs.SessionTimeoutException({ message: "over", $metadata: {} });
  }
  const service = defineService<typeof logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1"],
      targetPrefix: "Logs_20140328",
      apiVersion: "2014-03-28",
      operationNames: ["DeleteDestination"],
    },
    {
      PutLogEvents: [
        logs.PutLogEvents$,
        async (input) => ({ nextSequenceToken: JSON.stringify(input.logEvents) }),
      ],
      CreateLogGroup: [
        logs.CreateLogGroup$,
        async (input) => {
          if (input.logGroupName !== "taken") return {};
          throw new logs.ResourceAlreadyExistsException({
            message: "The specified log group already exists",
            $metadata: {},
          });
        },
      ],
      StartLiveTail: [logs.StartLiveTail$, async () => ({ responseStream: tail() })],
    },
  );
  await using server = await startTestServer(service);
  const client = new logs.CloudWatchLogsClient({
    ...clientConfig(server.endpoint),
    disableHostPrefix: true,
  });
  const logEvents = [{ timestamp: 1_700_000_000_000, message: "line \u{1f30a}" }];
  const put = await client.send(
    new logs.PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }),
  );
  assert.deepEqual(JSON.parse(put.nextSequenceToken ?? ""), logEvents);
  await client.send(new logs.CreateLogGroupCommand({ logGroupName: "new", tags: { a: "b" } }));
  await assert.rejects(
    client.send(new logs.CreateLogGroupCommand({ logGroupName: "taken" })),
    logs.ResourceAlreadyExistsException,
  );
  await assert.rejects(
    client.send(new logs.CreateLogGroupCommand({ logGroupName: undefined })),
    (error: unknown) => {
      assert(error instanceof Error);
      assert.equal(error.name, "ValidationException");
      assert.equal(
        error.message,
        "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
      );
      return true;
    },
  );
  await assert.rejects(client.send(new logs.DeleteDestinationCommand({ destinationName: "d" })), {
    name: "NotImplementedException",
  });
  await assert.rejects(client.send(new logs.ListAnomaliesCommand({})), {
    name: "UnknownOperationException",
  });

  const live = await client.send(new logs.StartLiveTailCommand({ logGroupIdentifiers: ["g"] }));
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const event of live.responseStream ?? []) {
      seen.push(
        event.sessionStart?.requestId ?? event.sessionUpdate?.sessionResults?.[0]?.message ?? "?",
      );
    }
  }, logs.SessionTimeoutException);
  assert.deepEqual(seen, ["r", "hello"]);
});

test("rpcV2Cbor: the Logs client, told to speak CBOR, with dates, bytes, errors and its live tail", async () => {
  async function* tail(): AsyncGenerator<logs.StartLiveTailResponseStream> {
    yield { sessionStart: { sessionId: "s", logGroupIdentifiers: ["g"] } };
    yield { sessionUpdate: { sessionResults: [{ message: "hello \u{1f30a}", timestamp: 5 }] } };
  }
  const service = defineService<typeof logs>(
    {
      sdkId: "CloudWatch Logs",
      signingName: "logs",
      endpointPrefix: "logs",
      protocols: ["awsJson1_1", "rpcV2Cbor"],
      targetPrefix: "Logs_20140328",
      apiVersion: "2014-03-28",
    },
    {
      PutLogEvents: [
        logs.PutLogEvents$,
        async (input) => ({ nextSequenceToken: JSON.stringify(input.logEvents) }),
      ],
      CreateLogGroup: [logs.CreateLogGroup$, async () => ({})],
      DescribeLogGroups: [
        logs.DescribeLogGroups$,
        async (input) => {
          if (input.limit === undefined) return {};
          throw new logs.InvalidParameterException({ message: "limit", $metadata: {} });
        },
      ],
      StartLiveTail: [logs.StartLiveTail$, async () => ({ responseStream: tail() })],
    },
  );
  await using server = await startTestServer(service);
  const client = new logs.CloudWatchLogsClient({
    ...clientConfig(server.endpoint),
    disableHostPrefix: true,
    protocol: AwsSmithyRpcV2CborProtocol,
  });
  const logEvents = [{ timestamp: 1_700_000_000_123, message: "line" }];
  const put = await client.send(
    new logs.PutLogEventsCommand({ logGroupName: "g", logStreamName: "s", logEvents }),
  );
  assert.deepEqual(JSON.parse(put.nextSequenceToken ?? ""), logEvents);
  assert.match(server.seen[0]?.path ?? "", /^\/service\/[^/]+\/operation\/PutLogEvents$/);
  await client.send(new logs.CreateLogGroupCommand({ logGroupName: "new", tags: { a: "b" } }));
  await assert.rejects(
    client.send(new logs.DescribeLogGroupsCommand({ limit: 1 })),
    logs.InvalidParameterException,
  );
  await assert.rejects(client.send(new logs.ListAnomaliesCommand({})), {
    name: "UnknownOperationException",
  });
  const live = await client.send(new logs.StartLiveTailCommand({ logGroupIdentifiers: ["g"] }));
  const seen: unknown[] = [];
  for await (const event of live.responseStream ?? []) {
    seen.push(event.sessionStart?.sessionId ?? event.sessionUpdate?.sessionResults?.[0]?.message);
  }
  assert.deepEqual(seen, ["s", "hello \u{1f30a}"]);
});

test("awsJson1_0: SQS, with the old error code in x-amzn-query-error", async () => {
  const service = defineService<typeof sqs>(
    {
      sdkId: "SQS",
      signingName: "sqs",
      endpointPrefix: "sqs",
      protocols: ["awsJson1_0"],
      targetPrefix: "AmazonSQS",
      apiVersion: "2012-11-05",
      isQueryCompatible: true,
      missingMembers: () => ({
        code: "MissingParameter",
        message: "The request must contain the parameter QueueName.",
      }),
    },
    {
      CreateQueue: [
        sqs.CreateQueue$,
        async (input) => ({ QueueUrl: `${input.QueueName}?${JSON.stringify(input.Attributes)}` }),
      ],
      GetQueueUrl: [
        sqs.GetQueueUrl$,
        async () => {
          throw new sqs.QueueDoesNotExist({
            message: "The specified queue does not exist.",
            $metadata: {},
          });
        },
      ],
    },
  );
  await using server = await startTestServer(service);
  const client = new sqs.SQSClient(clientConfig(server.endpoint));
  const created = await client.send(
    new sqs.CreateQueueCommand({ QueueName: "q", Attributes: { DelaySeconds: "5" } }),
  );
  assert.equal(created.QueueUrl, 'q?{"DelaySeconds":"5"}');
  await assert.rejects(client.send(new sqs.CreateQueueCommand({ QueueName: undefined })), {
    name: "MissingParameter",
    message: "The request must contain the parameter QueueName.",
  });
  await assert.rejects(
    client.send(new sqs.GetQueueUrlCommand({ QueueName: "q" })),
    (error: unknown) => {
      assert(error instanceof sqs.QueueDoesNotExist);
      assert.equal(error.message, "The specified queue does not exist.");
      return true;
    },
  );
  const raw = await fetch(server.endpoint, {
    method: "POST",
    headers: {
      "x-amz-target": "AmazonSQS.GetQueueUrl",
      "content-type": "application/x-amz-json-1.0",
    },
    body: '{"QueueName":"q"}',
  });
  assert.equal(
    raw.headers.get("x-amzn-query-error"),
    "AWS.SimpleQueueService.NonExistentQueue;Sender",
  );
  assert.deepEqual(await raw.json(), {
    __type: "com.amazonaws.sqs#QueueDoesNotExist",
    message: "The specified queue does not exist.",
  });
});
