import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ExecuteStatementCommand,
  PutItemCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import {
  CreateEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import { findBubblewrap } from "#functions/sandbox/drivers/bubblewrap/probe.ts";
import { find, run } from "../support/commands.ts";
import { deploy } from "../support/functions.ts";
import { type Platform, startPlatform } from "./platform.ts";

const python = find("python3");
const isContained = findBubblewrap() !== undefined;

async function createTable(client: DynamoDBClient, TableName: string): Promise<string> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.LatestStreamArn ?? "";
}

test(
  "boto3 runs PartiQL and reads what it changed from the stream",
  { skip: python ? false : "no python3" },
  async () => {
    await using platform = await startPlatform();
    const script = fileURLToPath(new URL("dynamodb-streams.py", import.meta.url));
    const output = await run(python ?? "", [script, platform.endpoint]);
    const steps = output
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    assert.deepEqual(steps, [
      { step: "duplicate", code: "DuplicateItemException" },
      { step: "selected", items: [{ id: { S: "a" }, n: { N: "2.5" } }] },
      { step: "batch", codes: ["ok", "ValidationError"] },
      { step: "cancelled", reasons: ["None", "ConditionalCheckFailed"] },
      { step: "resource", n: true },
      {
        step: "changes",
        status: "ENABLED",
        changes: [
          ["INSERT", "a", null, "1.5"],
          ["INSERT", "b", null, "2"],
          ["MODIFY", "a", "1.5", "2.5"],
          ["REMOVE", "b", "2", null],
        ],
      },
      { step: "forged", code: "ValidationException" },
    ]);
  },
);

test("the SDK's clients page through statements and streams", async () => {
  await using platform = await startPlatform();
  const client = new DynamoDBClient(platform.client);
  const streams = new DynamoDBStreamsClient(platform.client);
  const StreamArn = await createTable(client, "events");
  for (const id of ["a", "b", "c"]) {
    await client.send(
      new ExecuteStatementCommand({
        Statement: `INSERT INTO "events" VALUE {'id': ?, 'bytes': ?}`,
        Parameters: [{ S: id }, { B: Uint8Array.of(1, 2) }],
      }),
    );
  }
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ExecuteStatementCommand({
        Statement: `SELECT id FROM "events" WHERE id IN ['a', 'b', 'c']`,
        Limit: 1,
        NextToken,
      }),
    );
    found.push(...(page.Items ?? []).map(({ id }) => id?.S ?? ""));
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  assert.deepEqual(found, ["a", "b", "c"]);
  const { Streams } = await streams.send(new ListStreamsCommand({}));
  assert.deepEqual(
    Streams?.map((one) => one.StreamArn),
    [StreamArn],
  );
  const described = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = described.StreamDescription?.Shards?.[0]?.ShardId;
  const { ShardIterator } = await streams.send(
    new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
  );
  const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
  assert.deepEqual(
    Records?.map(({ dynamodb }) => dynamodb?.NewImage),
    ["a", "b", "c"].map((id) => ({ id: { S: id }, bytes: { B: Uint8Array.of(1, 2) } })),
  );
});

/** Prints what came, in its trace. */
const consumer = `export const handler = async (event) => {
  const seen = event.Records.map(({ eventName, dynamodb, eventSourceARN }) =>
    [eventName, dynamodb.Keys.id.S, dynamodb.NewImage?.bytes?.B, eventSourceARN.split(":")[5]]);
  console.log("got " + JSON.stringify(seen) + " " + process.env._X_AMZN_TRACE_ID);
};`;

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
  }
}

async function logged(platform: Platform, name: string, pattern: RegExp): Promise<string> {
  const logs = new CloudWatchLogsClient(platform.client);
  return until(async () => {
    const { events } = await logs
      .send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }))
      .catch(() => ({ events: [] })); // no line yet, no group
    return events?.find((event) => pattern.test(event.message ?? ""))?.message;
  });
}

test(
  "a put item wakes the function that is mapped to its table's stream, in one trace",
  { skip: isContained ? false : "bubblewrap is not installed", timeout: 240_000 },
  async () => {
    await using platform = await startPlatform();
    const client = new DynamoDBClient(platform.client);
    const lambda = new LambdaClient(platform.client);
    const EventSourceArn = await createTable(client, "uploads");
    await deploy(lambda, "watcher", { "index.mjs": consumer });
    const { UUID } = await lambda.send(
      new CreateEventSourceMappingCommand({
        EventSourceArn,
        FunctionName: "watcher",
        StartingPosition: "TRIM_HORIZON",
      }),
    );
    await until(async () => {
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
      return State === "Enabled" ? true : undefined;
    });
    await client.send(
      new PutItemCommand({
        TableName: "uploads",
        Item: { id: { S: "x" }, bytes: { B: Uint8Array.of(1, 2) } },
      }),
    );
    const line = await logged(
      platform,
      "watcher",
      /got \[\["INSERT","x","AQI=","table\/uploads\/stream\//,
    );
    const traceId = /Root=([^;]+)/.exec(line)?.[1] ?? "";
    const answer = await fetch(`${platform.endpoint}/_skerry/traces/${traceId}`);
    const { spans } = (await answer.json()) as { spans: { name: string }[] }; // the platform's own page
    assert.ok(
      spans.some(({ name }) => name.includes("PutItem")),
      spans.map(({ name }) => name).join(),
    );
  },
);
