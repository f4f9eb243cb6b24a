import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
  PutItemCommand,
  UpdateTableCommand,
} from "@aws-sdk/client-dynamodb";
import { up } from "../cli/program.ts";
import { workerAsked } from "./asking.ts";

const TableName = "shared";

test("two workers know the same tables, and an index added under load holds all of them wrote", async () => {
  await using server = await up(["--workers=2"]);
  const asked = new Set<number>();
  while (asked.size < 2) asked.add(await workerAsked(server.url));
  // Whichever worker the kernel gives the next connection to is asked: none is kept open.
  const client = new DynamoDBClient({
    endpoint: server.url,
    region: "us-east-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) },
  });
  const put = (id: string) =>
    client.send(
      new PutItemCommand({ TableName, Item: { id: { S: id }, color: { S: `c${id.length}` } } }),
    );
  const get = (id: string) =>
    client.send(new GetItemCommand({ TableName, Key: { id: { S: id } } }));

  for (let round = 0; round < 3; round++) {
    await create(client);
    await put("kept");
    for (let read = 0; read < 8; read++) assert.ok((await get("kept")).Item);
    await client.send(new DeleteTableCommand({ TableName }));
    for (let read = 0; read < 8; read++) {
      await assert.rejects(get("kept"), { name: "ResourceNotFoundException" });
    }
  }

  await create(client);
  let isAdded = false;
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    let count = 0;
    for (let left = 20; left > 0; left -= isAdded ? 1 : 0) await put(`${writer}.${count++}`);
    return count;
  });
  await client.send(
    new UpdateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: "color", AttributeType: "S" }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: "by-color",
            KeySchema: [{ AttributeName: "color", KeyType: "HASH" }],
            Projection: { ProjectionType: "KEYS_ONLY" },
          },
        },
      ],
    }),
  );
  isAdded = true;
  const counts = await Promise.all(writers);
  while (!(await isActive(client)));
  const written = counts.reduce((sum, count) => sum + count, 0);
  assert.equal((await ids(client, undefined)).size, written);
  assert.deepEqual(await ids(client, "by-color"), await ids(client, undefined));
  client.destroy();
});

async function create(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
}

async function isActive(client: DynamoDBClient): Promise<boolean> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  return Table?.GlobalSecondaryIndexes?.[0]?.IndexStatus === "ACTIVE";
}

async function ids(client: DynamoDBClient, index: string | undefined): Promise<Set<string>> {
  const found = new Set<string>();
  const asked = { TableName, ...(index !== undefined && { IndexName: index }) };
  for await (const { Items = [] } of paginateScan({ client }, asked)) {
    for (const item of Items) found.add(item["id"]?.S ?? "");
  }
  return found;
}
