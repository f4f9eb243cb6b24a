import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  paginateListTables,
  ResourceNotFoundException,
  TransactionCanceledException,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { createClients, TableName } from "./testing/clients.ts";

async function createTable(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "owner", AttributeType: "S" },
        { AttributeName: "at", AttributeType: "N" },
        { AttributeName: "kind", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "owner", KeyType: "HASH" },
        { AttributeName: "at", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "by-kind",
          KeySchema: [
            { AttributeName: "kind", KeyType: "HASH" },
            { AttributeName: "at", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName });
}

test("the SDK's client makes, describes, lists and deletes tables, and its waiters return", async () => {
  await using made = await createClients();
  const { client } = made;
  await createTable(client);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  assert.equal(Table?.TableStatus, "ACTIVE");
  assert.equal(Table.GlobalSecondaryIndexes?.[0]?.IndexStatus, "ACTIVE");
  assert.equal(Table.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
  const names: string[] = [];
  for await (const page of paginateListTables({ client, pageSize: 1 }, {})) {
    names.push(...(page.TableNames ?? []));
  }
  assert.deepEqual(names, [TableName]);
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
  const protectedTable = client.send(new DeleteTableCommand({ TableName }));
  await assert.rejects(protectedTable, { name: "ValidationException" });
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
  await client.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists({ client, maxWaitTime: 60 }, { TableName });
  const missing = client.send(new DescribeTableCommand({ TableName }));
  await assert.rejects(missing, (error) => {
    assert.ok(error instanceof ResourceNotFoundException);
    assert.equal(error.message, `Requested resource not found: Table: ${TableName} not found`);
    return true;
  });
});

test("the document client puts, updates, reads, queries and deletes", async () => {
  await using made = await createClients();
  const { client } = made;
  await createTable(client);
  const documents = DynamoDBDocumentClient.from(client);
  const put = (at: number, more: object = {}) =>
    documents.send(new PutCommand({ TableName, Item: { owner: "ada", at, ...more } }));
  for (let at = 1; at <= 5; at++) await put(at, { kind: at % 2 === 0 ? "even" : "odd", at });
  const updated = await documents.send(
    new UpdateCommand({
      TableName,
      Key: { owner: "ada", at: 1 },
      UpdateExpression: "SET #n = if_not_exists(#n, :zero) + :one, tags = :tags",
      ExpressionAttributeNames: { "#n": "count" },
      ExpressionAttributeValues: { ":zero": 0, ":one": 1, ":tags": new Set(["a"]) },
      ReturnValues: "UPDATED_NEW",
    }),
  );
  assert.deepEqual(updated.Attributes, { count: 1, tags: new Set(["a"]) });
  const seen: unknown[] = [];
  const pages = paginateQuery(
    { client: documents, pageSize: 2 },
    {
      TableName,
      KeyConditionExpression: "#o = :o AND #a BETWEEN :low AND :high",
      ExpressionAttributeNames: { "#o": "owner", "#a": "at" },
      ExpressionAttributeValues: { ":o": "ada", ":low": 2, ":high": 5 },
      ScanIndexForward: false,
    },
  );
  for await (const { Items = [] } of pages) seen.push(...Items.map((item) => item["at"]));
  assert.deepEqual(seen, [5, 4, 3, 2]);
  const odd = await documents.send(
    new QueryCommand({
      TableName,
      IndexName: "by-kind",
      KeyConditionExpression: "kind = :k AND #a > :a",
      ExpressionAttributeNames: { "#a": "at" },
      ExpressionAttributeValues: { ":k": "odd", ":a": 1 },
    }),
  );
  assert.deepEqual(odd.Items, [
    { owner: "ada", at: 3, kind: "odd" },
    { owner: "ada", at: 5, kind: "odd" },
  ]);
  const guarded = documents.send(
    new DeleteCommand({
      TableName,
      Key: { owner: "ada", at: 3 },
      ConditionExpression: "attribute_exists(nowhere)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    }),
  );
  await assert.rejects(guarded, (error) => {
    assert.ok(error instanceof ConditionalCheckFailedException);
    assert.equal(error.message, "The conditional request failed");
    assert.deepEqual(error.Item, { owner: { S: "ada" }, at: { N: "3" }, kind: { S: "odd" } });
    return true;
  });
  await documents.send(new DeleteCommand({ TableName, Key: { owner: "ada", at: 3 } }));
  assert.equal((await documents.send(new ScanCommand({ TableName }))).Count, 4);
});

test("batches and transactions go over the wire, with the reasons why one was cancelled", async () => {
  await using made = await createClients();
  const { client } = made;
  await createTable(client);
  const documents = DynamoDBDocumentClient.from(client);
  const item = (at: number) => ({ owner: "ada", at });
  const written = await documents.send(
    new BatchWriteCommand({
      RequestItems: { [TableName]: [1, 2].map((at) => ({ PutRequest: { Item: item(at) } })) },
      ReturnConsumedCapacity: "TOTAL",
    }),
  );
  assert.deepEqual(written.UnprocessedItems, {});
  assert.deepEqual(written.ConsumedCapacity, [{ TableName, CapacityUnits: 2 }]);
  const got = await documents.send(
    new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [item(1), item(2), item(3)] } } }),
  );
  assert.deepEqual(got.Responses?.[TableName], [item(1), item(2)]);
  const condition = {
    ConditionExpression: "attribute_not_exists(#o)",
    ExpressionAttributeNames: { "#o": "owner" },
  };
  const cancelled = documents.send(
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: item(3), ...condition } },
        { Put: { TableName, Item: item(1), ...condition } },
      ],
    }),
  );
  await assert.rejects(cancelled, (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.deepEqual(
      error.CancellationReasons?.map(({ Code }) => Code),
      ["None", "ConditionalCheckFailed"],
    );
    return true;
  });
  const ClientRequestToken = "the-same-token";
  for (let attempt = 0; attempt < 2; attempt++) {
    await documents.send(
      new TransactWriteCommand({
        ClientRequestToken,
        TransactItems: [
          {
            Update: {
              TableName,
              Key: item(4),
              UpdateExpression: "ADD visits :one",
              ExpressionAttributeValues: { ":one": 1 },
            },
          },
        ],
      }),
    );
  }
  const read = await documents.send(
    new TransactGetCommand({
      TransactItems: [{ Get: { TableName, Key: item(4) } }, { Get: { TableName, Key: item(3) } }],
    }),
  );
  assert.deepEqual(read.Responses, [{ Item: { ...item(4), visits: 1 } }, {}]);
  const other = documents.send(
    new TransactWriteCommand({
      ClientRequestToken,
      TransactItems: [{ Delete: { TableName, Key: item(4) } }],
    }),
  );
  await assert.rejects(other, { name: "IdempotentParameterMismatchException" });
  assert.deepEqual(
    (await documents.send(new GetCommand({ TableName, Key: item(9) }))).Item,
    undefined,
  );
});
