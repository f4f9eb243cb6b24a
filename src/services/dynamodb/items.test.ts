import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp } from "./testing/set-up.ts";

const TableName = "notes";

async function withTable() {
  const made = setUp();
  await made.call("CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "owner", AttributeType: "S" },
      { AttributeName: "at", AttributeType: "N" },
    ],
    KeySchema: [
      { AttributeName: "owner", KeyType: "HASH" },
      { AttributeName: "at", KeyType: "RANGE" },
    ],
  });
  return made;
}

const key = (owner: string, at: string) => ({ owner: { S: owner }, at: { N: at } });

test("an item is read back as it was put, whatever is in it", async () => {
  const { call, dynamodb } = await withTable();
  await using _ = dynamodb;
  const Item = {
    ...key("ada", "1"),
    text: { S: "naïve ✓ " + "x".repeat(100) },
    empty: { S: "" },
    bytes: { B: Uint8Array.of(0, 255, 1) },
    no: { BOOL: false },
    nothing: { NULL: true as const },
    words: { SS: ["a", "b"] },
    numbers: { NS: ["1", "-2.5"] },
    blobs: { BS: [Uint8Array.of(1), Uint8Array.of()] },
    map: { M: { __proto__: { L: [{ M: {} }, { N: "1" }] } } },
  };
  await call("PutItem", { TableName, Item });
  const found = await call("GetItem", { TableName, Key: key("ada", "1.0") });
  assert.deepEqual(found.Item, Item);
  assert.deepEqual(await call("GetItem", { TableName, Key: key("ada", "2") }), {});
});
