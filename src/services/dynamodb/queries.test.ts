import assert from "node:assert/strict";
import { test } from "node:test";
import { key, TableName, withNotes } from "./testing/set-up.ts";
import type { Item } from "./values/values.ts";

const invalid = (message: string | RegExp) => ({ name: "ValidationException", message });
const conditions = {
  KeyConditionExpression: "#o = :o",
  ExpressionAttributeNames: { "#o": "owner" },
  ExpressionAttributeValues: { ":o": { S: "ada" } },
};

async function withItems() {
  const made = await withNotes();
  // Put in another order than they are found in.
  for (const at of ["10", "-1", "2", "1.5", "0"]) {
    const Item = {
      ...key("ada", at),
      kind: { S: at.length > 1 ? "long" : "short" },
      title: { S: `t${at}` },
    };
    await made.call("PutItem", {
      TableName,
      Item: { ...Item, rank: { N: `-${at.replace("-", "")}` } },
    });
  }
  await made.call("PutItem", { TableName, Item: key("bob", "5") });
  return made;
}

interface Page {
  readonly Items?: Item[] | undefined;
  readonly Count?: number | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
}

const times = (items: readonly Item[] | undefined) => items?.map((item) => item["at"]?.N);

test("a partition is read in order of its numbers, in both directions, and only it", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const forward = await call("Query", { TableName, ...conditions });
  assert.deepEqual(times(forward.Items), ["-1", "0", "1.5", "2", "10"]);
  assert.deepEqual([forward.Count, forward.ScannedCount], [5, 5]);
  assert.equal(forward.LastEvaluatedKey, undefined);
  const backward = await call("Query", { TableName, ...conditions, ScanIndexForward: false });
  assert.deepEqual(times(backward.Items), ["10", "2", "1.5", "0", "-1"]);
});

test("every operator on the range key finds what it says", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const find = async (condition: string, ...values: string[]) => {
    const asked = Object.fromEntries(values.map((N, at) => [`:${at}`, { N }]));
    const { Items } = await call("Query", {
      TableName,
      KeyConditionExpression: `#o = :o AND ${condition}`,
      ExpressionAttributeNames: { "#o": "owner", "#a": "at" },
      ExpressionAttributeValues: { ":o": { S: "ada" }, ...asked },
    });
    return times(Items);
  };
  assert.deepEqual(await find("#a = :0", "2.0"), ["2"]);
  assert.deepEqual(await find("#a < :0", "1.5"), ["-1", "0"]);
  assert.deepEqual(await find("#a <= :0", "1.5"), ["-1", "0", "1.5"]);
  assert.deepEqual(await find("#a > :0", "1.5"), ["2", "10"]);
  assert.deepEqual(await find("#a >= :0", "1.5"), ["1.5", "2", "10"]);
  assert.deepEqual(await find("#a BETWEEN :0 AND :1", "0", "2"), ["0", "1.5", "2"]);
});

test("pages go on where the last one ended, also when its end was the end", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  for (const ScanIndexForward of [true, false]) {
    const seen: (string | undefined)[] = [];
    let ExclusiveStartKey: Item | undefined;
    const sizes: number[] = [];
    do {
      const page: Page = await call("Query", {
        TableName,
        ...conditions,
        Limit: 2,
        ScanIndexForward,
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      });
      seen.push(...(times(page.Items) ?? []));
      sizes.push(page.Count ?? 0);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    const ascending = ["-1", "0", "1.5", "2", "10"];
    assert.deepEqual(seen, ScanIndexForward ? ascending : ascending.toReversed());
    assert.deepEqual(sizes, [2, 2, 1]);
  }
  const exact = await call("Query", { TableName, ...conditions, Limit: 5 });
  assert.deepEqual(exact.LastEvaluatedKey, key("ada", "10"));
  const start = (ExclusiveStartKey: Item) =>
    call("Query", { TableName, ...conditions, ExclusiveStartKey });
  assert.deepEqual((await start(key("ada", "10"))).Items, []);
  assert.deepEqual(times((await start(key("ada", "1"))).Items), ["1.5", "2", "10"]);
  await assert.rejects(start(key("bob", "1")), invalid(/outside query boundaries/));
  await assert.rejects(
    start({ owner: { S: "ada" } }),
    invalid("The provided starting key is invalid"),
  );
});

test("a page ends at a mebibyte of items, before the filter", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const text = { S: "x".repeat(300_000) };
  for (let at = 0; at < 6; at++) {
    await call("PutItem", { TableName, Item: { ...key("ada", String(at)), text } });
  }
  const first = await call("Query", { TableName, ...conditions });
  assert.equal(first.Count, 4);
  assert.deepEqual(first.LastEvaluatedKey, key("ada", "3"));
  const filtered = await call("Scan", {
    TableName,
    FilterExpression: "#a > :a",
    ExpressionAttributeNames: { "#a": "at" },
    ExpressionAttributeValues: { ":a": { N: "2" } },
    ReturnConsumedCapacity: "TOTAL",
  });
  assert.deepEqual([filtered.Count, filtered.ScannedCount], [1, 4]);
  assert.equal(filtered.ConsumedCapacity?.CapacityUnits, Math.ceil((4 * 300_020) / 4_096) / 2);
});

test("global indexes hold what they project, and give pages with keys of both", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const ask = {
    TableName,
    IndexName: "by-kind",
    KeyConditionExpression: "kind = :k",
    ExpressionAttributeValues: { ":k": { S: "long" } },
  };
  const first = await call("Query", { ...ask, Limit: 1 });
  assert.deepEqual(first.Items, [
    { ...key("ada", "-1"), kind: { S: "long" }, title: { S: "t-1" } },
  ]);
  assert.deepEqual(first.LastEvaluatedKey, { ...key("ada", "-1"), kind: { S: "long" } });
  const { LastEvaluatedKey: ExclusiveStartKey } = first;
  const rest = await call("Query", { ...ask, ...(ExclusiveStartKey && { ExclusiveStartKey }) });
  assert.deepEqual(times(rest.Items), ["1.5", "10"]);
  await assert.rejects(
    call("Query", { ...ask, ConsistentRead: true }),
    invalid("Consistent reads are not supported on global secondary indexes"),
  );
  await assert.rejects(
    call("Query", { ...ask, Select: "ALL_ATTRIBUTES" }),
    invalid(
      /^One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index by-kind because its projection type is not ALL$/,
    ),
  );
  await assert.rejects(
    call("Query", { ...ask, IndexName: "nothing" }),
    invalid("The table does not have the specified index: nothing"),
  );
  const scanned = await call("Scan", { TableName, IndexName: "by-kind", Select: "COUNT" });
  assert.deepEqual([scanned.Count, scanned.Items], [5, undefined]);
});

test("local indexes fetch from the table what they do not hold", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const ask = { TableName, IndexName: "by-rank", ...conditions };
  const held = await call("Query", ask);
  assert.deepEqual(
    held.Items?.map((item) => item["rank"]?.N),
    ["-10", "-2", "-1.5", "-1", "0"],
  );
  assert.equal(held.Items?.[0]?.["title"], undefined);
  const whole = await call("Query", { ...ask, Select: "ALL_ATTRIBUTES" });
  assert.deepEqual(whole.Items?.[0]?.["title"], { S: "t10" });
  const part = await call("Query", { ...ask, ProjectionExpression: "title", Limit: 1 });
  assert.deepEqual(part.Items, [{ title: { S: "t10" } }]);
});

test("segments of a parallel scan hold every item once", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const total = 7;
  for (let at = 0; at < 200; at += 25) {
    const requests = Array.from({ length: 25 }, (_, one) => ({
      PutRequest: { Item: key(`owner-${at + one}`, "1") },
    }));
    await call("BatchWriteItem", { RequestItems: { [TableName]: requests } });
  }
  const owners: (string | undefined)[] = [];
  const counts: number[] = [];
  for (let Segment = 0; Segment < total; Segment++) {
    const before = owners.length;
    let ExclusiveStartKey: Item | undefined;
    do {
      const page: Page = await call("Scan", {
        TableName,
        Segment,
        TotalSegments: total,
        Limit: 10,
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      });
      owners.push(...(page.Items ?? []).map((item) => item["owner"]?.S));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    counts.push(owners.length - before);
  }
  assert.deepEqual([owners.length, new Set(owners).size], [200, 200]);
  assert.ok(
    counts.every((count) => count > 10),
    `about a seventh each: ${counts.join(", ")}`,
  );
  await assert.rejects(
    call("Scan", { TableName, Segment: 1, TotalSegments: 1 }),
    invalid(
      "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 1 is not less than TotalSegments: 1",
    ),
  );
  await assert.rejects(
    call("Scan", { TableName, Segment: 1 }),
    invalid(/^The TotalSegments parameter is required/),
  );
});

test("what Select and the filter may not ask for", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const ask = { TableName, ...conditions };
  await assert.rejects(
    call("Query", { ...ask, Select: "SPECIFIC_ATTRIBUTES" }),
    invalid(/^Must specify the AttributesToGet or ProjectionExpression/),
  );
  await assert.rejects(
    call("Query", { ...ask, Select: "COUNT", ProjectionExpression: "title" }),
    invalid("Cannot specify the ProjectionExpression when choosing to get only the Count"),
  );
  await assert.rejects(
    call("Query", { ...ask, Select: "ALL_PROJECTED_ATTRIBUTES" }),
    invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
  );
  await assert.rejects(
    call("Query", { ...ask, FilterExpression: "#o = :o" }),
    invalid(
      "Filter Expression can only contain non-primary key attributes: Primary key attribute: owner",
    ),
  );
  await assert.rejects(
    call("Query", { TableName, Limit: 0 }),
    invalid(/'limit' failed to satisfy/),
  );
});

test("the older parameters find the same", async () => {
  const { call, dynamodb } = await withItems();
  await using _ = dynamodb;
  const found = await call("Query", {
    TableName,
    KeyConditions: {
      owner: { ComparisonOperator: "EQ", AttributeValueList: [{ S: "ada" }] },
      at: { ComparisonOperator: "GT", AttributeValueList: [{ N: "0" }] },
    },
    QueryFilter: { kind: { ComparisonOperator: "EQ", AttributeValueList: [{ S: "long" }] } },
    AttributesToGet: ["at"],
  });
  assert.deepEqual(found.Items, [{ at: { N: "1.5" } }, { at: { N: "10" } }]);
  assert.equal(found.ScannedCount, 3);
  const scanned = await call("Scan", {
    TableName,
    ScanFilter: { title: { ComparisonOperator: "NULL" } },
  });
  assert.deepEqual(scanned.Items, [key("bob", "5")]);
});
