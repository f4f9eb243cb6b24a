import assert from "node:assert/strict";
import { test } from "node:test";
import { key, notes, TableName, withNotes } from "./testing/set-up.ts";
import type { Item } from "./values/values.ts";

const invalid = (message: string | RegExp) => ({ name: "ValidationException", message });
const puts = (count: number, make = (at: number): Item => key(`o${at}`, "1")) => ({
  [TableName]: Array.from({ length: count }, (_, at) => ({ PutRequest: { Item: make(at) } })),
});
const keys = (count: number) => Array.from({ length: count }, (_, at) => key(`o${at}`, "1"));

test("a batch writes 25 items and reads 100, and neither one more", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  assert.deepEqual(await call("BatchWriteItem", { RequestItems: puts(25) }), {
    UnprocessedItems: {},
  });
  await assert.rejects(
    call("BatchWriteItem", { RequestItems: puts(26) }),
    invalid("Too many items requested for the BatchWriteItem call"),
  );
  await assert.rejects(call("BatchWriteItem", { RequestItems: {} }), invalid(/at 'requestItems'/));
  const twice = puts(2, () => key("same", "1"));
  const duplicates = invalid("Provided list of item keys contains duplicates");
  await assert.rejects(call("BatchWriteItem", { RequestItems: twice }), duplicates);
  const got = await call("BatchGetItem", { RequestItems: { [TableName]: { Keys: keys(100) } } });
  assert.equal(got.Responses?.[TableName]?.length, 25);
  assert.deepEqual(Object.keys(got.UnprocessedKeys ?? {}), []);
  await assert.rejects(
    call("BatchGetItem", { RequestItems: { [TableName]: { Keys: keys(101) } } }),
    invalid(/less than or equal to 100$/),
  );
  await assert.rejects(
    call("BatchGetItem", {
      RequestItems: { [TableName]: { Keys: [key("a", "1"), key("a", "1.0")] } },
    }),
    duplicates,
  );
});

test("what does not fit into 16 MiB is handed back unprocessed, and is there the next time", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const text = { S: "x".repeat(390_000) };
  for (let part = 0; part < 2; part++) {
    const make = (at: number): Item => ({ ...key(`o${part * 25 + at}`, "1"), text });
    await call("BatchWriteItem", { RequestItems: puts(25, make) });
  }
  const asked = { ProjectionExpression: "#o", ExpressionAttributeNames: { "#o": "owner" } };
  const first = await call("BatchGetItem", {
    RequestItems: { [TableName]: { Keys: keys(50), ...asked } },
  });
  const left = first.UnprocessedKeys?.[TableName];
  assert.ok(left);
  assert.equal(left.ProjectionExpression, "#o");
  const fit = Math.floor((16 * 1_024 * 1_024) / 390_020);
  assert.equal(first.Responses?.[TableName]?.length, fit);
  const rest = await call("BatchGetItem", { RequestItems: { [TableName]: left } });
  assert.equal(rest.Responses?.[TableName]?.length, 50 - fit);
});

test("a table may be called __proto__", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const name = "__proto__";
  await call("CreateTable", { ...structuredClone(notes), TableName: name });
  const under = <T>(value: T) => Object.fromEntries([[name, value]]);
  const Item = key("a", "1");
  await call("BatchWriteItem", { RequestItems: under([{ PutRequest: { Item } }]) });
  const { Responses } = await call("BatchGetItem", { RequestItems: under({ Keys: [Item] }) });
  assert.deepEqual(Object.entries(Responses ?? {}), [[name, [Item]]]);
});

test("a transaction does all of it or nothing, and each item says why", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  await call("PutItem", { TableName, Item: { ...key("a", "1"), n: { N: "1" }, s: { S: "s" } } });
  const update = (owner: string, UpdateExpression: string) => ({
    Update: {
      TableName,
      Key: key(owner, "1"),
      UpdateExpression,
      ExpressionAttributeValues: { ":v": { N: "1" } },
    },
  });
  const check = {
    ConditionCheck: {
      TableName,
      Key: key("c", "1"),
      ConditionExpression: "attribute_exists(n)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
    },
  };
  await assert.rejects(
    call("TransactWriteItems", {
      TransactItems: [
        update("b", "SET n = :v"),
        check,
        update("a", "SET s = s + :v"),
        { Put: { TableName, Item: { owner: { S: "d" } } } },
      ],
    }),
    (error: Error & { CancellationReasons?: unknown }) => {
      assert.equal(error.name, "TransactionCanceledException");
      assert.equal(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError, ValidationError]",
      );
      assert.deepEqual(error.CancellationReasons, [
        { Code: "None" },
        { Code: "ConditionalCheckFailed", Message: "The conditional request failed" },
        {
          Code: "ValidationError",
          Message: "An operand in the update expression has an incorrect data type",
        },
        {
          Code: "ValidationError",
          Message: "One or more parameter values were invalid: Missing the key at in the item",
        },
      ]);
      return true;
    },
  );
  assert.equal((await call("Scan", { TableName })).Count, 1);
  await call("TransactWriteItems", {
    TransactItems: [update("b", "SET n = :v"), { Delete: { TableName, Key: key("a", "1") } }],
  });
  assert.deepEqual((await call("Scan", { TableName })).Items, [
    { ...key("b", "1"), n: { N: "1" } },
  ]);
});

test("a transaction has 100 items, each once, of one kind", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const write = (count: number) =>
    call("TransactWriteItems", {
      TransactItems: keys(count).map((Item) => ({ Put: { TableName, Item } })),
    });
  await write(100);
  await assert.rejects(write(101), invalid(/at 'transactItems' .* less than or equal to 100$/));
  const Item = key("a", "1");
  await assert.rejects(
    call("TransactWriteItems", {
      TransactItems: [{ Put: { TableName, Item } }, { Delete: { TableName, Key: Item } }],
    }),
    invalid("Transaction request cannot include multiple operations on one item"),
  );
  await assert.rejects(
    call("TransactWriteItems", {
      TransactItems: [{ Put: { TableName, Item }, Delete: { TableName, Key: Item } }],
    }),
    invalid("TransactItems can only contain one of Check, Put, Update or Delete"),
  );
  const read = await call("TransactGetItems", {
    TransactItems: keys(100).map((Key) => ({ Get: { TableName, Key } })),
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.equal(read.Responses?.filter(({ Item }) => Item).length, 100);
  assert.deepEqual(read.ConsumedCapacity, [{ TableName, CapacityUnits: 200 }]);
});

test("a token does its work once for ten minutes, and again after them", async () => {
  const { call, dynamodb, clock, settle } = await withNotes();
  await using _ = dynamodb;
  const add = () =>
    call("TransactWriteItems", {
      ClientRequestToken: "token",
      TransactItems: [
        {
          Update: {
            TableName,
            Key: key("a", "1"),
            UpdateExpression: "ADD n :v",
            ExpressionAttributeValues: { ":v": { N: "1" } },
          },
        },
      ],
    });
  const count = async () =>
    (await call("GetItem", { TableName, Key: key("a", "1") })).Item?.["n"]?.N;
  await Promise.all([add(), add(), add()]);
  assert.equal(await count(), "1");
  await assert.rejects(
    call("TransactWriteItems", {
      ClientRequestToken: "token",
      TransactItems: [{ Delete: { TableName, Key: key("a", "1") } }],
    }),
    { name: "IdempotentParameterMismatchException" },
  );
  await clock.advance(10 * 60 * 1_000 + 1_000);
  await settle();
  await add();
  assert.equal(await count(), "2");
});
