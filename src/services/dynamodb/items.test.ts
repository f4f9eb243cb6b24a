import assert from "node:assert/strict";
import { test } from "node:test";
import { key, notes, setUp, TableName, withNotes } from "./testing/set-up.ts";
import type { Item } from "./values/values.ts";

const invalid = (message: string | RegExp) => ({ name: "ValidationException", message });

test("an item is read back as it was put, whatever is in it", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const Item: Item = {
    ...key("ada", "1"),
    text: { S: `naïve ✓ ${"x".repeat(100)}` },
    empty: { S: "" },
    bytes: { B: Uint8Array.of(0, 255, 1) },
    no: { BOOL: false },
    nothing: { NULL: true },
    words: { SS: ["a", "b"] },
    numbers: { NS: ["1", "-2.5"] },
    blobs: { BS: [Uint8Array.of(1), Uint8Array.of()] },
    map: { M: { ["__proto__"]: { L: [{ M: {} }, { N: "1" }] } } },
  };
  await call("PutItem", { TableName, Item });
  const found = await call("GetItem", { TableName, Key: key("ada", "1.0") });
  assert.deepEqual(found.Item, Item);
  assert.deepEqual(await call("GetItem", { TableName, Key: key("ada", "2") }), {});
  const arn = `arn:aws:dynamodb:us-east-1:123456789012:table/${TableName}`;
  assert.deepEqual((await call("GetItem", { TableName: arn, Key: key("ada", "1") })).Item, Item);
});

test("keys that do not fit the schema are refused in the words of the service", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const wrongKeys: Item[] = [
    { owner: { S: "a" } },
    { owner: { S: "a" }, at: { S: "1" } },
    { ...key("a", "1"), more: { S: "x" } },
  ];
  for (const Key of wrongKeys) {
    const mismatch = invalid("The provided key element does not match the schema");
    await assert.rejects(call("GetItem", { TableName, Key }), mismatch);
    await assert.rejects(call("DeleteItem", { TableName, Key }), mismatch);
    await assert.rejects(call("UpdateItem", { TableName, Key }), mismatch);
  }
  const put = (Item: Item) => call("PutItem", { TableName, Item });
  await assert.rejects(
    put({ owner: { S: "a" } }),
    invalid("One or more parameter values were invalid: Missing the key at in the item"),
  );
  await assert.rejects(
    put({ owner: { N: "1" }, at: { N: "1" } }),
    invalid(
      "One or more parameter values were invalid: Type mismatch for key owner expected: S actual: N",
    ),
  );
  await assert.rejects(
    put(key("", "1")),
    invalid(
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: owner",
    ),
  );
  await assert.rejects(
    put({ ...key("a", "1"), kind: { N: "1" } }),
    invalid(
      "One or more parameter values were invalid: Type mismatch for Index Key kind Expected: S Actual: N IndexName: by-kind",
    ),
  );
  await assert.rejects(
    put({ ...key("a", "1"), kind: { S: "" } }),
    invalid(/^One or more parameter values are not valid. A value specified for a secondary index/),
  );
});

test("the longest keys are kept and found, one byte more is refused", async () => {
  const made = setUp();
  await using _ = made.dynamodb;
  const { call } = made;
  await call("CreateTable", {
    TableName: "keys",
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "h", AttributeType: "B" },
      { AttributeName: "r", AttributeType: "B" },
      { AttributeName: "gh", AttributeType: "B" },
      { AttributeName: "gr", AttributeType: "B" },
    ],
    KeySchema: [
      { AttributeName: "h", KeyType: "HASH" },
      { AttributeName: "r", KeyType: "RANGE" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: "index",
        KeySchema: [
          { AttributeName: "gh", KeyType: "HASH" },
          { AttributeName: "gr", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ],
  });
  const bytes = (count: number, last = 0) => {
    const all = new Uint8Array(count);
    all[count - 1] = last;
    return { B: all };
  };
  const item = (last: number): Item => ({
    h: bytes(2_048, last),
    r: bytes(1_024),
    gh: bytes(2_048),
    gr: bytes(1_024, last),
  });
  for (const last of [2, 0, 1]) await call("PutItem", { TableName: "keys", Item: item(last) });
  const found = await call("Query", {
    TableName: "keys",
    IndexName: "index",
    KeyConditionExpression: "gh = :h AND gr >= :r",
    ExpressionAttributeValues: { ":h": bytes(2_048), ":r": bytes(1_024, 1) },
  });
  assert.deepEqual(found.Items, [item(1), item(2)]);
  const { h, r } = item(1);
  assert.ok(h && r);
  assert.deepEqual((await call("GetItem", { TableName: "keys", Key: { h, r } })).Item, item(1));
  await assert.rejects(
    call("PutItem", { TableName: "keys", Item: { ...item(0), h: bytes(2_049) } }),
    invalid(/Size of hashkey has exceeded the maximum size limit of2048 bytes$/),
  );
  for (const name of ["r", "gr"]) {
    await assert.rejects(
      call("PutItem", { TableName: "keys", Item: { ...item(0), [name]: bytes(1_025) } }),
      invalid(/Aggregated size of all range keys has exceeded the size limit of 1024 bytes$/),
    );
  }
});

test("an item of 400 KB is kept, one byte more is refused, also when an update makes it", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  // owner + 3, at + 2 and the name of the attribute
  const room = 400 * 1_024 - "owner".length - 3 - "at".length - 2 - "text".length;
  const item = (more: number): Item => ({
    ...key("ada", "1"),
    text: { S: "x".repeat(room + more) },
  });
  await call("PutItem", { TableName, Item: item(0) });
  await assert.rejects(
    call("PutItem", { TableName, Item: item(1) }),
    invalid("Item size has exceeded the maximum allowed size"),
  );
  await assert.rejects(
    call("UpdateItem", {
      TableName,
      Key: key("ada", "1"),
      UpdateExpression: "SET b = :b",
      ExpressionAttributeValues: { ":b": { S: "" } },
    }),
    invalid("Item size to update has exceeded the maximum allowed size"),
  );
});

test("each operation returns what ReturnValues asks for", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const Key = key("ada", "1");
  const old = { ...Key, n: { N: "1" }, list: { L: [{ S: "a" }, { S: "b" }] } };
  assert.deepEqual(await call("PutItem", { TableName, Item: old, ReturnValues: "ALL_OLD" }), {});
  const update = async (ReturnValues: "ALL_OLD" | "ALL_NEW" | "UPDATED_OLD" | "UPDATED_NEW") => {
    await call("PutItem", { TableName, Item: old });
    const { Attributes } = await call("UpdateItem", {
      TableName,
      Key,
      UpdateExpression: "SET n = n + :one, #l[1] = :c",
      ExpressionAttributeNames: { "#l": "list" },
      ExpressionAttributeValues: { ":one": { N: "1" }, ":c": { S: "c" } },
      ReturnValues,
    });
    return Attributes;
  };
  const next = { ...Key, n: { N: "2" }, list: { L: [{ S: "a" }, { S: "c" }] } };
  assert.deepEqual(await update("ALL_OLD"), old);
  assert.deepEqual(await update("ALL_NEW"), next);
  assert.deepEqual(await update("UPDATED_OLD"), { n: { N: "1" }, list: { L: [{ S: "b" }] } });
  assert.deepEqual(await update("UPDATED_NEW"), { n: { N: "2" }, list: { L: [{ S: "c" }] } });
  const gone = await call("DeleteItem", { TableName, Key, ReturnValues: "ALL_OLD" });
  assert.deepEqual(gone.Attributes, next);
  await assert.rejects(
    call("PutItem", { TableName, Item: old, ReturnValues: "ALL_NEW" }),
    invalid("ReturnValues can only be ALL_OLD or NONE"),
  );
});

test("an update makes the item it does not find, unless it is an older one that only deletes", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const get = async (at: string) => (await call("GetItem", { TableName, Key: key("a", at) })).Item;
  await call("UpdateItem", { TableName, Key: key("a", "1") });
  await call("UpdateItem", { TableName, Key: key("a", "2"), UpdateExpression: "REMOVE x" });
  await call("UpdateItem", {
    TableName,
    Key: key("a", "3"),
    AttributeUpdates: { x: { Action: "DELETE" } },
  });
  await call("UpdateItem", {
    TableName,
    Key: key("a", "4"),
    AttributeUpdates: { x: { Action: "ADD", Value: { N: "2" } } },
  });
  assert.deepEqual(await get("1"), key("a", "1"));
  assert.deepEqual(await get("2"), key("a", "2"));
  assert.deepEqual(await get("3"), undefined);
  assert.deepEqual(await get("4"), { ...key("a", "4"), x: { N: "2" } });
  await assert.rejects(
    call("UpdateItem", {
      TableName,
      Key: key("a", "1"),
      UpdateExpression: "REMOVE #a",
      ExpressionAttributeNames: { "#a": "at" },
    }),
    invalid(
      "One or more parameter values were invalid: Cannot update attribute at. This attribute is part of the key",
    ),
  );
});

test("conditions guard writes, in both languages", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const Item = { ...key("ada", "1"), n: { N: "1" } };
  await call("PutItem", { TableName, Item, Expected: { owner: { Exists: false } } });
  const failed = {
    name: "ConditionalCheckFailedException",
    message: "The conditional request failed",
  };
  await assert.rejects(
    call("PutItem", { TableName, Item, Expected: { owner: { Exists: false } } }),
    failed,
  );
  await assert.rejects(
    call("DeleteItem", {
      TableName,
      Key: key("ada", "1"),
      ConditionExpression: "n > :n",
      ExpressionAttributeValues: { ":n": { N: "1" } },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    }),
    (error: Error & { Item?: unknown }) => {
      assert.equal(error.message, failed.message);
      assert.deepEqual(error.Item, Item);
      return true;
    },
  );
  await call("DeleteItem", {
    TableName,
    Key: key("ada", "1"),
    Expected: { n: { ComparisonOperator: "EQ", AttributeValueList: [{ N: "1" }] } },
  });
});

test("capacity is counted by size, kind of read, and index entries that change", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const text = { S: "x".repeat(5_000) };
  const Item = { ...key("ada", "1"), kind: { S: "k" }, rank: { N: "1" }, text };
  const put = (item: Item) =>
    call("PutItem", { TableName, Item: item, ReturnConsumedCapacity: "INDEXES" });
  assert.deepEqual((await put(Item)).ConsumedCapacity, {
    TableName,
    CapacityUnits: 7,
    Table: { CapacityUnits: 5 },
    GlobalSecondaryIndexes: { "by-kind": { CapacityUnits: 1 } },
    LocalSecondaryIndexes: { "by-rank": { CapacityUnits: 1 } },
  });
  const moved = await put({ ...key("ada", "1"), kind: { S: "other" }, rank: { N: "1" } });
  assert.equal(moved.ConsumedCapacity?.Table?.CapacityUnits, 5, "the larger of both items");
  assert.equal(moved.ConsumedCapacity?.GlobalSecondaryIndexes?.["by-kind"]?.CapacityUnits, 2);
  await put(Item);
  const read = async (ConsistentRead: boolean) => {
    const Key = key("ada", "1");
    const input = { TableName, Key, ConsistentRead, ReturnConsumedCapacity: "TOTAL" } as const;
    return (await call("GetItem", input)).ConsumedCapacity;
  };
  assert.deepEqual(await read(false), { TableName, CapacityUnits: 1 });
  assert.deepEqual(await read(true), { TableName, CapacityUnits: 2 });
  const none = await call("GetItem", {
    TableName,
    Key: key("nobody", "1"),
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.deepEqual(none.ConsumedCapacity, { TableName, CapacityUnits: 0.5 });
});

test("collections of tables with local indexes are measured when it is asked for", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const answer = await call("PutItem", {
    TableName,
    Item: key("ada", "1"),
    ReturnItemCollectionMetrics: "SIZE",
  });
  assert.deepEqual(answer.ItemCollectionMetrics, {
    ItemCollectionKey: { owner: { S: "ada" } },
    SizeEstimateRangeGB: [0, 1],
  });
});

test("a table that is not there, and names that cannot be one", async () => {
  const { call, dynamodb } = setUp();
  await using _ = dynamodb;
  const get = (name: string) => call("GetItem", { TableName: name, Key: key("a", "1") });
  await assert.rejects(get(TableName), {
    name: "ResourceNotFoundException",
    message: "Requested resource not found",
  });
  const length = "TableName must be at least 3 characters long and at most 255 characters long";
  await assert.rejects(get("ab"), invalid(length));
  await assert.rejects(get("a".repeat(256)), invalid(length));
  await assert.rejects(
    get("ab;"),
    invalid(/^1 validation error detected: Value 'ab;' at 'tableName'/),
  );
  await call("CreateTable", { ...notes, TableName: "a".repeat(255) });
  assert.deepEqual(await get("a".repeat(255)), {});
});

test("a thousand additions to one number at once are all counted", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const add = () =>
    call("UpdateItem", {
      TableName,
      Key: key("ada", "1"),
      UpdateExpression: "ADD n :one",
      ExpressionAttributeValues: { ":one": { N: "1" } },
    });
  await Promise.all(Array.from({ length: 1_000 }, add));
  const { Item } = await call("GetItem", { TableName, Key: key("ada", "1") });
  assert.deepEqual(Item?.["n"], { N: "1000" });
});
