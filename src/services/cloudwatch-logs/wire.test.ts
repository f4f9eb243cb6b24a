import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  PutLogEventsCommand,
  PutSubscriptionFilterCommand,
  ResourceAlreadyExistsException,
  StartLiveTailCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { serve } from "#protocol/testing/serve.ts";
import { createMemoryStore } from "#storage/drivers/memory/memory.ts";
import { createCloudwatchLogs } from "./cloudwatch-logs.ts";
import { region } from "./testing/set-up.ts";

const logGroupName = "/aws/lambda/f";
const logStreamName = "2026/03/01/[$LATEST]abc";

async function setUp() {
  const logs = createCloudwatchLogs({
    store: createMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    log: { event: () => undefined },
  });
  const loader = {
    name: "cloudwatch-logs",
    signingName: "logs",
    endpointPrefix: "logs",
    targetPrefix: "Logs_20140328",
    load: async () => logs.service,
  };
  const server = await serve([loader], { mode: "open", keys: { find: async () => undefined } });
  const client = new CloudWatchLogsClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: "123456789012", secretAccessKey: "x" },
    maxAttempts: 1,
    disableHostPrefix: true,
  });
  return { logs, server, client };
}

test("the SDK's client writes, reads, filters and pages", async () => {
  const { logs, server, client } = await setUp();
  await using _ = server;
  await using __ = logs;
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  await assert.rejects(client.send(new CreateLogGroupCommand({ logGroupName })), (error) => {
    assert.ok(error instanceof ResourceAlreadyExistsException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });
  const timestamp = systemClock.nowMs();
  const messages = ["START", 'naïve ✓ "quoted"', "END"];
  await client.send(
    new PutLogEventsCommand({
      logGroupName,
      logStreamName,
      logEvents: messages.map((message, index) => ({ message, timestamp: timestamp + index })),
    }),
  );
  const got = await client.send(
    new GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true }),
  );
  assert.deepEqual(
    got.events?.map(({ message }) => message),
    messages,
  );
  const seen: (string | undefined)[] = [];
  const pages = paginateFilterLogEvents({ client, pageSize: 1 }, { logGroupName });
  for await (const { events = [] } of pages) seen.push(...events.map(({ message }) => message));
  assert.deepEqual(seen, messages);
  const names: (string | undefined)[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {})) {
    names.push(...logGroups.map(({ logGroupName }) => logGroupName));
  }
  assert.deepEqual(names, [logGroupName]);
  await assert.rejects(
    client.send(new FilterLogEventsCommand({ logGroupName, filterPattern: "[a" })),
    { name: "InvalidParameterException", message: "Invalid filter pattern" },
  );
});

test("what is not supported names itself", async () => {
  const { logs, server, client } = await setUp();
  await using _ = server;
  await using __ = logs;
  await assert.rejects(
    client.send(
      new PutSubscriptionFilterCommand({
        logGroupName,
        filterName: "f",
        filterPattern: "",
        destinationArn: "arn:aws:lambda:us-east-1:123456789012:function:f",
      }),
    ),
    /PutSubscriptionFilter/,
  );
});

test("the SDK's client follows a group live", async () => {
  const { logs, server, client } = await setUp();
  await using _ = server;
  await using __ = logs;
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  const { responseStream } = await client.send(
    new StartLiveTailCommand({
      logGroupIdentifiers: [`arn:aws:logs:${region}:123456789012:log-group:${logGroupName}`],
    }),
  );
  assert.ok(responseStream);
  const group = { accountId: "123456789012", region, name: logGroupName };
  let isStarted = false;
  for await (const event of responseStream) {
    if (event.sessionStart) {
      isStarted = true;
      logs.sink.open(group, logStreamName).write(systemClock.nowMs(), "hello");
    }
    const [first] = event.sessionUpdate?.sessionResults ?? [];
    if (first?.message === "hello") {
      assert.equal(first.logStreamName, logStreamName);
      break;
    }
  }
  assert.ok(isStarted);
  client.destroy();
});
