import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateTableInput } from "@aws-sdk/client-dynamodb";
import { keyParts } from "#storage/keys.ts";
import { decodeStreamRecord, streamCodec, streamKeys } from "./stream-records.ts";
import { accountId, key, notes, region, setUp, TableName, withNotes } from "./testing/set-up.ts";

const invalid = (message: string | RegExp) => ({ name: "ValidationException", message });

const simple = {
  TableName: "simple",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "h", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "h", KeyType: "HASH" }],
} satisfies CreateTableInput;

test("a table is described as it was made, and counts what is in it", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  await call("PutItem", { TableName, Item: { ...key("ada", "1"), kind: { S: "k" } } });
  const { Table } = await call("DescribeTable", { TableName });
  assert.equal(Table?.TableStatus, "ACTIVE");
  assert.equal(Table.TableArn, `arn:aws:dynamodb:${region}:${accountId}:table/${TableName}`);
  assert.match(Table.TableId ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(Table.ItemCount, 1);
  assert.equal(Table.TableSizeBytes, "owner".length + 3 + "at".length + 2 + "kind".length + 1);
  assert.equal(Table.GlobalSecondaryIndexes?.[0]?.ItemCount, 1);
  assert.equal(Table.LocalSecondaryIndexes?.[0]?.ItemCount, 0);
  assert.deepEqual(Table.AttributeDefinitions, notes.AttributeDefinitions);
  assert.deepEqual(Table.KeySchema, notes.KeySchema);
  assert.deepEqual(Table.ProvisionedThroughput, {
    NumberOfDecreasesToday: 0,
    ReadCapacityUnits: 0,
    WriteCapacityUnits: 0,
  });
  await assert.rejects(call("CreateTable", structuredClone(notes)), {
    name: "ResourceInUseException",
    message: `Table already exists: ${TableName}`,
  });
});

test("schemas that contradict themselves are refused in the words of the service", async () => {
  const { call, dynamodb } = setUp();
  await using _ = dynamodb;
  const cases: readonly (readonly [Partial<CreateTableInput>, string | RegExp])[] = [
    [
      { KeySchema: [{ AttributeName: "x", KeyType: "HASH" }] },
      /Some index key attributes are not defined in AttributeDefinitions. Keys: \[x\], AttributeDefinitions: \[h\]$/,
    ],
    [
      { KeySchema: [{ AttributeName: "h", KeyType: "RANGE" }] },
      "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ],
    [
      {
        KeySchema: [
          { AttributeName: "h", KeyType: "HASH" },
          { AttributeName: "h", KeyType: "RANGE" },
        ],
      },
      "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ],
    [
      {
        AttributeDefinitions: [
          { AttributeName: "h", AttributeType: "S" },
          { AttributeName: "x", AttributeType: "S" },
        ],
      },
      /Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions$/,
    ],
    [
      { BillingMode: "PROVISIONED" },
      /ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED$/,
    ],
    [
      { ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
      /Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST$/,
    ],
    [
      {
        LocalSecondaryIndexes: [
          { IndexName: "lsi", KeySchema: simple.KeySchema, Projection: { ProjectionType: "ALL" } },
        ],
      },
      /Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex$/,
    ],
    [{ GlobalSecondaryIndexes: [] }, /List of GlobalSecondaryIndexes is empty$/],
    [
      {
        GlobalSecondaryIndexes: [
          {
            IndexName: "gsi",
            KeySchema: simple.KeySchema,
            Projection: { ProjectionType: "ALL", NonKeyAttributes: ["a"] },
          },
        ],
      },
      /ProjectionType is ALL, but NonKeyAttributes is specified$/,
    ],
    [
      {
        GlobalSecondaryIndexes: [
          { IndexName: "g!", KeySchema: simple.KeySchema, Projection: { ProjectionType: "ALL" } },
        ],
      },
      /^2 validation errors detected: Value 'g!' at 'globalSecondaryIndexes.1.member.indexName'/,
    ],
    [
      { StreamSpecification: { StreamEnabled: true } },
      /StreamViewType must be specified when StreamEnabled is true$/,
    ],
  ];
  for (const [change, message] of cases) {
    const input = { ...simple, ...change, TableName: "simple" };
    await assert.rejects(call("CreateTable", input), invalid(message));
  }
});

test("the most indexes a table may have, and one more", async () => {
  const { call, dynamodb } = setUp();
  await using _ = dynamodb;
  const global = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      IndexName: `index-${at}`,
      KeySchema: simple.KeySchema,
      Projection: { ProjectionType: "ALL" as const },
    }));
  const local = (count: number) => ({
    AttributeDefinitions: [
      ...simple.AttributeDefinitions,
      { AttributeName: "r", AttributeType: "S" as const },
    ],
    KeySchema: [...simple.KeySchema, { AttributeName: "r", KeyType: "RANGE" as const }],
    LocalSecondaryIndexes: Array.from({ length: count }, (_, at) => ({
      IndexName: `index-${at}`,
      KeySchema: [...simple.KeySchema, { AttributeName: "r", KeyType: "RANGE" as const }],
      Projection: { ProjectionType: "ALL" as const },
    })),
  });
  await call("CreateTable", { ...simple, TableName: "global", GlobalSecondaryIndexes: global(20) });
  await assert.rejects(
    call("CreateTable", { ...simple, GlobalSecondaryIndexes: global(21) }),
    invalid(/GlobalSecondaryIndex count exceeds the per-table limit of 20$/),
  );
  await call("CreateTable", { ...simple, TableName: "local", ...local(5) });
  await assert.rejects(
    call("CreateTable", { ...simple, ...local(6) }),
    invalid(/Number of LocalSecondaryIndexes exceeds per-table limit of 5$/),
  );
});

test("a new index is filled with what was there, is not read before, and goes again", async () => {
  const { call, dynamodb, settle } = await withNotes();
  await using _ = dynamodb;
  for (let at = 0; at < 600; at += 25) {
    const requests = Array.from({ length: 25 }, (_, one) => ({
      PutRequest: {
        Item: {
          ...key(`o${at + one}`, "1"),
          ...(one > 0 && { color: one === 1 ? { N: "1" } : { S: "red" } }),
        },
      },
    }));
    await call("BatchWriteItem", { RequestItems: { [TableName]: requests } });
  }
  const { TableDescription } = await call("UpdateTable", {
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
  });
  const made = TableDescription?.GlobalSecondaryIndexes?.find(
    ({ IndexName }) => IndexName === "by-color",
  );
  assert.deepEqual(
    [TableDescription?.TableStatus, made?.IndexStatus, made?.Backfilling],
    ["UPDATING", "CREATING", true],
  );
  const ask = {
    TableName,
    IndexName: "by-color",
    KeyConditionExpression: "color = :c",
    ExpressionAttributeValues: { ":c": { S: "red" } },
    Select: "COUNT",
  } as const;
  await assert.rejects(
    call("Query", ask),
    invalid("Cannot read from backfilling global secondary index: by-color"),
  );
  await call("PutItem", { TableName, Item: { ...key("late", "1"), color: { S: "red" } } });
  await settle();
  assert.equal(
    (await call("Query", ask)).Count,
    24 * 23 + 1,
    "what does not fit the index is not in it",
  );
  await call("UpdateTable", {
    TableName,
    GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: "by-color" } }],
  });
  await assert.rejects(call("Query", ask), invalid(/does not have the specified index/));
  const { Table } = await call("DescribeTable", { TableName });
  assert.equal(
    Table?.AttributeDefinitions?.some(({ AttributeName }) => AttributeName === "color"),
    false,
  );
});

test("what a deleted table held is removed, and a new one of its name starts empty at once", async () => {
  const { call, dynamodb, store, settle } = await withNotes();
  await using _ = dynamodb;
  await call("PutItem", { TableName, Item: { ...key("ada", "1"), kind: { S: "k" } } });
  const { TableDescription } = await call("DeleteTable", { TableName });
  assert.equal(TableDescription?.TableStatus, "DELETING");
  await assert.rejects(call("DescribeTable", { TableName }), { name: "ResourceNotFoundException" });
  await call("CreateTable", structuredClone(notes));
  assert.deepEqual((await call("Scan", { TableName })).Items, []);
  await call("DeleteTable", { TableName });
  await settle();
  const left = await store.read((reader) => {
    const all = reader.list({ start: Uint8Array.of(0), end: Uint8Array.of(0xff) });
    return Array.from(all, ({ key }) => keyParts(key).join("/"));
  });
  assert.deepEqual(left, []);
});

test("items leave when their time to live has passed, with a record that says who did it", async () => {
  const { call, dynamodb, clock, store, settle } = await withNotes();
  await using _ = dynamodb;
  const nowSeconds = clock.nowMs() / 1_000;
  const put = (at: string, expires: string | undefined) =>
    call("PutItem", {
      TableName,
      Item: {
        ...key("ada", at),
        kind: { S: "k" },
        ...(expires !== undefined && { expires: { N: expires } }),
      },
    });
  await put("1", String(nowSeconds + 60));
  await put("2", String(nowSeconds + 600));
  await put("3", undefined);
  await put("4", "1");
  const specification = { AttributeName: "expires", Enabled: true };
  await call("UpdateTimeToLive", { TableName, TimeToLiveSpecification: specification });
  await assert.rejects(
    call("UpdateTimeToLive", { TableName, TimeToLiveSpecification: specification }),
    invalid("TimeToLive is already enabled"),
  );
  const { TimeToLiveDescription } = await call("DescribeTimeToLive", { TableName });
  assert.deepEqual(TimeToLiveDescription, {
    TimeToLiveStatus: "ENABLED",
    AttributeName: "expires",
  });
  await call("UpdateTable", {
    TableName,
    StreamSpecification: { StreamEnabled: true, StreamViewType: "OLD_IMAGE" },
  });
  await settle();
  await put("5", String(nowSeconds + 30));
  await put("5", String(nowSeconds + 3_000));
  await clock.advance(60_000);
  await settle();
  const left = async () =>
    (await call("Scan", { TableName })).Items?.map((item) => item["at"]?.N).toSorted();
  assert.deepEqual(await left(), ["2", "3", "4", "5"]);
  const indexed = await call("Scan", { TableName, IndexName: "by-kind", Select: "COUNT" });
  assert.equal(indexed.Count, 4);
  const records = await store.read((reader) => {
    const [stream] = Array.from(reader.list(streamKeys.everyStream()));
    assert.ok(stream);
    const { streamId } = streamCodec.decode(stream.value);
    const entries = reader.list(streamKeys.records(streamId));
    return Array.from(entries, ({ value }) => decodeStreamRecord(0, value));
  });
  assert.deepEqual(
    records.map(({ eventName, isExpiry, keys }) => [eventName, isExpiry, keys["at"]?.N]),
    [
      ["INSERT", false, "5"],
      ["MODIFY", false, "5"],
      ["REMOVE", true, "1"],
    ],
  );
  await call("UpdateTimeToLive", {
    TableName,
    TimeToLiveSpecification: { AttributeName: "expires", Enabled: false },
  });
  await clock.advance(600_000);
  await settle();
  assert.deepEqual(await left(), ["2", "3", "4", "5"]);
});

test("tags, policies, backups and insights are told as they were set", async () => {
  const { call, dynamodb } = await withNotes();
  await using _ = dynamodb;
  const ResourceArn = `arn:aws:dynamodb:${region}:${accountId}:table/${TableName}`;
  const tag = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ Key: `k${at}`, Value: "v" }));
  await call("TagResource", { ResourceArn, Tags: tag(50) });
  await assert.rejects(
    call("TagResource", { ResourceArn, Tags: tag(51) }),
    invalid(/Too many tags/),
  );
  await call("UntagResource", { ResourceArn, TagKeys: tag(49).map(({ Key }) => Key) });
  assert.deepEqual((await call("ListTagsOfResource", { ResourceArn })).Tags, [
    { Key: "k49", Value: "v" },
  ]);
  await assert.rejects(call("GetResourcePolicy", { ResourceArn }), {
    name: "PolicyNotFoundException",
  });
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  const { RevisionId } = await call("PutResourcePolicy", { ResourceArn, Policy });
  assert.deepEqual(await call("GetResourcePolicy", { ResourceArn }), { Policy, RevisionId });
  await call("DeleteResourcePolicy", { ResourceArn });
  await assert.rejects(call("GetResourcePolicy", { ResourceArn }), {
    name: "PolicyNotFoundException",
  });
  const off = await call("DescribeContinuousBackups", { TableName });
  assert.equal(
    off.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus,
    "DISABLED",
  );
  await call("UpdateContinuousBackups", {
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const on = await call("DescribeContinuousBackups", { TableName });
  assert.equal(
    on.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.RecoveryPeriodInDays,
    35,
  );
  await call("UpdateContributorInsights", { TableName, ContributorInsightsAction: "ENABLE" });
  assert.equal(
    (await call("DescribeContributorInsights", { TableName })).ContributorInsightsStatus,
    "ENABLED",
  );
});

test("billing, class, protection and encryption change with an update", async () => {
  const { call, dynamodb } = setUp();
  await using _ = dynamodb;
  const units = (ReadCapacityUnits: number, WriteCapacityUnits: number) => ({
    ReadCapacityUnits,
    WriteCapacityUnits,
  });
  await call("CreateTable", {
    ...simple,
    BillingMode: "PROVISIONED",
    ProvisionedThroughput: units(5, 5),
  });
  const change = async (input: object) =>
    (await call("UpdateTable", { TableName: "simple", ...input })).TableDescription;
  await assert.rejects(change({}), invalid(/^At least one of ProvisionedThroughput/));
  await assert.rejects(
    change({ ProvisionedThroughput: units(5, 5) }),
    invalid(/^The provisioned throughput for the table will not change/),
  );
  const less = await change({ ProvisionedThroughput: units(4, 6) });
  assert.equal(less?.ProvisionedThroughput?.NumberOfDecreasesToday, 1);
  assert.ok(less.ProvisionedThroughput.LastIncreaseDateTime);
  const onDemand = await change({ BillingMode: "PAY_PER_REQUEST" });
  assert.equal(onDemand?.BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
  const rest = await change({
    TableClass: "STANDARD_INFREQUENT_ACCESS",
    DeletionProtectionEnabled: true,
    SSESpecification: { Enabled: true, SSEType: "KMS" },
  });
  assert.equal(rest?.TableClassSummary?.TableClass, "STANDARD_INFREQUENT_ACCESS");
  assert.equal(rest.SSEDescription?.Status, "ENABLED");
  await assert.rejects(
    call("DeleteTable", { TableName: "simple" }),
    invalid(/protected against deletion/),
  );
});

test("names of tables come in pages", async () => {
  const { call, dynamodb } = setUp();
  await using _ = dynamodb;
  for (const name of ["ccc", "aaa", "bbb"])
    await call("CreateTable", { ...simple, TableName: name });
  const first = await call("ListTables", { Limit: 2 });
  assert.deepEqual(first, { TableNames: ["aaa", "bbb"], LastEvaluatedTableName: "bbb" });
  assert.deepEqual(await call("ListTables", { ExclusiveStartTableName: "bbb" }), {
    TableNames: ["ccc"],
  });
  await assert.rejects(call("ListTables", { Limit: 101 }), invalid(/less than or equal to 100$/));
});
