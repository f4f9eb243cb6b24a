import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttributeValue, ReturnConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { setUp } from "../testing/set-up.ts";

const TableName = "songs";

async function withSongs() {
  const made = setUp();
  await made.call("CreateTable", {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: ["artist", "title", "genre", "year"].map((AttributeName) => ({
      AttributeName,
      AttributeType: AttributeName === "year" ? ("N" as const) : ("S" as const),
    })),
    KeySchema: [
      { AttributeName: "artist", KeyType: "HASH" },
      { AttributeName: "title", KeyType: "RANGE" },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: "by-genre",
        KeySchema: [
          { AttributeName: "genre", KeyType: "HASH" },
          { AttributeName: "year", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ],
    LocalSecondaryIndexes: [
      {
        IndexName: "by-year",
        KeySchema: [
          { AttributeName: "artist", KeyType: "HASH" },
          { AttributeName: "year", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ],
  });
  const run = (
    Statement: string,
    {
      Parameters,
      ...rest
    }: {
      Parameters?: AttributeValue[];
      Limit?: number;
      NextToken?: string | undefined;
      ConsistentRead?: boolean;
      ReturnConsumedCapacity?: ReturnConsumedCapacity;
    } = {},
  ) => made.call("ExecuteStatement", { Statement, ...(Parameters && { Parameters }), ...rest });
  for (const [artist, title, genre, year] of [
    ["A", "one", "rock", 2001],
    ["A", "two", "pop", 2002],
    ["B", "one", "rock", 2003],
    ["C", "one", "jazz", 2004],
  ] as const) {
    await run(
      `INSERT INTO "songs" VALUE {'artist': ?, 'title': ?, 'genre': ?, 'year': ?, 'plays': 0}`,
      {
        Parameters: [{ S: artist }, { S: title }, { S: genre }, { N: String(year) }],
      },
    );
  }
  const titles = async (statement: string, options = {}) => {
    const { Items = [] } = await run(statement, options);
    return Items.map(({ artist, title }) => `${artist?.S ?? ""}${title?.S ?? ""}`);
  };
  return { ...made, run, titles };
}

const selects: readonly (readonly [string, readonly string[]])[] = [
  [`SELECT * FROM "songs" WHERE artist = 'A'`, ["Aone", "Atwo"]],
  [`SELECT * FROM "songs" WHERE artist = 'A' AND title = 'two'`, ["Atwo"]],
  [`SELECT * FROM "songs" WHERE artist = 'A' AND begins_with(title, 't')`, ["Atwo"]],
  [`SELECT * FROM "songs" WHERE artist = 'A' AND title <> 'two'`, ["Aone"]],
  [`SELECT * FROM "songs" WHERE artist = 'A' ORDER BY title DESC`, ["Atwo", "Aone"]],
  [`SELECT * FROM "songs" WHERE artist IN ['C', 'A'] AND plays = 0`, ["Cone", "Aone", "Atwo"]],
  [`SELECT * FROM "songs" WHERE artist IN ['C', 'A'] ORDER BY artist`, ["Aone", "Atwo", "Cone"]],
  [`SELECT artist, title FROM "songs"."by-genre" WHERE genre = 'rock' AND "year" > 2001`, ["Bone"]],
  [`SELECT * FROM "songs"."by-year" WHERE artist = 'A' ORDER BY "year" DESC`, ["Atwo", "Aone"]],
  [`SELECT * FROM "songs" WHERE "year" >= 2003 AND artist = 'B'`, ["Bone"]],
  [`SELECT * FROM songs WHERE artist = 'Z'`, []],
];

for (const [statement, expected] of selects) {
  test(statement, async () => {
    const { dynamodb, titles } = await withSongs();
    await using _ = dynamodb;
    assert.deepEqual(await titles(statement), expected);
  });
}

test("a SELECT without a partition looks at everything", async () => {
  const { dynamodb, titles } = await withSongs();
  await using _ = dynamodb;
  const found = await titles(`SELECT * FROM songs WHERE plays = 0 AND "year" > 2001`);
  assert.deepEqual(found.toSorted(), ["Atwo", "Bone", "Cone"]);
});

test("a local index reaches back to its table, a global one refuses", async () => {
  const { dynamodb, run } = await withSongs();
  await using _ = dynamodb;
  const { Items } = await run(`SELECT plays FROM "songs"."by-year" WHERE artist = 'B'`);
  assert.deepEqual(Items, [{ plays: { N: "0" } }]);
  await assert.rejects(run(`SELECT plays FROM "songs"."by-genre" WHERE genre = 'rock'`), {
    name: "ValidationException",
    message:
      "One or more parameter values were invalid: Global secondary index by-genre does not project [plays]",
  });
  await assert.rejects(
    run(`SELECT title FROM "songs"."by-year" WHERE artist = 'B' AND plays = 0`),
    {
      message:
        "One or more parameter values were invalid: Secondary index by-year does not project one or more filter attributes: [plays]",
    },
  );
  await assert.rejects(run(`SELECT * FROM "songs"."none"`), {
    message: "The table does not have the specified index",
  });
  await assert.rejects(
    run(`SELECT * FROM "songs"."by-genre" WHERE genre = 'x'`, { ConsistentRead: true }),
    {
      message: "Strongly consistent read is not supported on Global Secondary Indexes",
    },
  );
  await assert.rejects(run(`SELECT * FROM "others" WHERE a = 1`), {
    name: "ResourceNotFoundException",
  });
});

test("pages go on through all partitions, and tokens belong to their statement", async () => {
  const { dynamodb, run } = await withSongs();
  await using _ = dynamodb;
  const statement = `SELECT title, artist FROM songs WHERE artist IN ['A', 'B', 'C']`;
  const found: string[] = [];
  let token: string | undefined;
  let pages = 0;
  do {
    const page = await run(statement, {
      Limit: 1,
      ...(token !== undefined && { NextToken: token }),
    });
    found.push(...(page.Items ?? []).map(({ artist, title }) => `${artist?.S}${title?.S}`));
    token = page.NextToken;
    pages++;
  } while (token !== undefined && pages < 20);
  assert.deepEqual(found, ["Aone", "Atwo", "Bone", "Cone"]);
  const { NextToken } = await run(statement, { Limit: 1 });
  await assert.rejects(run(`SELECT * FROM songs`, { NextToken }), {
    message: "NextToken does not match request",
  });
  for (const forged of ["x", "bnVsbA", Buffer.from("[1,2,3]").toString("base64url")]) {
    await assert.rejects(run(statement, { NextToken: forged }), { message: "Invalid NextToken" });
  }
});

test("an INSERT is no overwrite", async () => {
  const { dynamodb, run } = await withSongs();
  await using _ = dynamodb;
  const statement = `INSERT INTO songs VALUE {'artist': 'A', 'title': 'one', 'x': 1}`;
  await assert.rejects(run(statement), {
    name: "DuplicateItemException",
    message: "Duplicate primary key exists in table",
  });
  assert.deepEqual(await run(`${statement} ON CONFLICT DO NOTHING`), { Items: [] });
});

test("an UPDATE changes what is there and shows what it is asked to", async () => {
  const { dynamodb, run } = await withSongs();
  await using _ = dynamodb;
  const where = `WHERE artist = 'A' AND title = 'one'`;
  const modified = await run(
    `UPDATE songs SET plays = plays + 1 SET label = 'x' ${where} RETURNING MODIFIED NEW *`,
  );
  assert.deepEqual(modified.Items, [{ plays: { N: "1" }, label: { S: "x" } }]);
  const old = await run(`UPDATE songs REMOVE label ${where} AND plays = 1 RETURNING ALL OLD *`);
  assert.deepEqual(old.Items?.[0]?.["label"], { S: "x" });
  assert.deepEqual(
    (await run(`UPDATE songs REMOVE gone ${where} RETURNING MODIFIED NEW *`)).Items,
    [],
  );
  await assert.rejects(run(`UPDATE songs SET plays = 9 ${where} AND plays = 7`), {
    name: "ConditionalCheckFailedException",
  });
  await assert.rejects(run(`UPDATE songs SET plays = 9 WHERE artist = 'A' AND title = 'none'`), {
    name: "ConditionalCheckFailedException",
  });
  await assert.rejects(run(`UPDATE songs SET plays = 9 WHERE artist = 'A'`), {
    message: "Where clause does not contain a mandatory equality on all key attributes",
  });
  await assert.rejects(run(`UPDATE songs SET title = 'x' ${where}`), {
    message: /This attribute is part of the key/,
  });
});

test("a DELETE asks nothing of an item that is not there", async () => {
  const { dynamodb, run, titles } = await withSongs();
  await using _ = dynamodb;
  const where = `WHERE artist = 'A' AND title = 'one'`;
  await assert.rejects(run(`DELETE FROM songs ${where} AND plays = 7`), {
    name: "ConditionalCheckFailedException",
  });
  const deleted = await run(`DELETE FROM songs ${where} RETURNING ALL OLD *`);
  assert.equal(deleted.Items?.[0]?.["year"]?.N, "2001");
  assert.deepEqual(
    (await run(`DELETE FROM songs ${where} AND plays = 7 RETURNING ALL OLD *`)).Items,
    [],
  );
  assert.deepEqual(await titles(`SELECT * FROM songs WHERE artist = 'A'`), ["Atwo"]);
});

test("statements cost what their operations cost", async () => {
  const { dynamodb, run } = await withSongs();
  await using _ = dynamodb;
  const units = async (statement: string, ConsistentRead = false) =>
    (await run(statement, { ReturnConsumedCapacity: "TOTAL", ConsistentRead })).ConsumedCapacity
      ?.CapacityUnits;
  assert.equal(await units(`SELECT * FROM songs WHERE artist = 'A'`), 0.5);
  assert.equal(await units(`SELECT * FROM songs WHERE artist = 'A'`, true), 1);
  assert.equal(await units(`UPDATE songs SET plays = 5 WHERE artist = 'A' AND title = 'one'`), 1);
});

test("in a batch each statement succeeds or fails for itself", async () => {
  const { dynamodb, call } = await withSongs();
  await using _ = dynamodb;
  const { Responses } = await call("BatchExecuteStatement", {
    Statements: [
      { Statement: `SELECT title FROM songs WHERE artist = 'A' AND title = 'one'` },
      { Statement: `SELECT title FROM songs WHERE artist = 'A' AND title = 'none'` },
      { Statement: `SLECT * FROM songs` },
      { Statement: `SELECT * FROM songs WHERE artist = 'A'` },
      { Statement: `SELECT * FROM nowhere WHERE pk = 'x'` },
      { Statement: `INSERT INTO songs VALUE {'artist': 'A', 'title': 'one'}` },
      { Statement: `DELETE FROM songs WHERE artist = 'C' AND title = 'one' RETURNING ALL OLD *` },
    ],
  });
  assert.deepEqual(
    Responses?.map(({ Item, Error: error }) => Item?.["title"]?.S ?? error?.Code),
    [
      "one",
      undefined,
      "ValidationError",
      "ValidationError",
      "ResourceNotFound",
      "DuplicateItem",
      "one",
    ],
  );
  assert.equal(
    Responses?.[2]?.Error?.Message,
    "Statement wasn't well formed, can't be processed: Expected data manipulation",
  );
  assert.equal(
    Responses?.[3]?.Error?.Message,
    "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
  );
});

test("a transaction writes all or nothing, once for each token", async () => {
  const { dynamodb, call, run } = await withSongs();
  await using _ = dynamodb;
  const where = (title: string) => `WHERE artist = 'A' AND title = '${title}'`;
  const playsOf = async () =>
    (await run(`SELECT plays FROM songs ${where("one")}`)).Items?.[0]?.["plays"]?.N;
  const statements = [
    { Statement: `UPDATE songs SET plays = plays + 1 ${where("one")}` },
    { Statement: `EXISTS(SELECT * FROM songs ${where("two")} AND plays = 0)` },
  ];
  for (const ClientRequestToken of ["t1", "t1"]) {
    await call("ExecuteTransaction", { TransactStatements: statements, ClientRequestToken });
  }
  assert.equal(await playsOf(), "1");
  const failing = call("ExecuteTransaction", {
    TransactStatements: [
      ...statements,
      { Statement: `INSERT INTO songs VALUE {'artist': 'B', 'title': 'one'}` },
    ],
  });
  await assert.rejects(failing, {
    name: "TransactionCanceledException",
    message:
      "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, DuplicateItem]",
  });
  assert.equal(await playsOf(), "1");
});

test("a transaction reads several items at one moment", async () => {
  const { dynamodb, call } = await withSongs();
  await using _ = dynamodb;
  const { Responses } = await call("ExecuteTransaction", {
    TransactStatements: [
      {
        Statement: `SELECT genre FROM songs WHERE artist = 'A' AND title = ?`,
        Parameters: [{ S: "two" }],
      },
      { Statement: `SELECT * FROM songs WHERE artist = 'Z' AND title = 'none'` },
    ],
  });
  assert.deepEqual(Responses, [{ Item: { genre: { S: "pop" } } }, {}]);
});

const transactionRefusals: readonly (readonly [string, string])[] = [
  [
    `UPDATE songs SET a = 1 WHERE artist = 'x' RETURNING ALL NEW *`,
    "RETURNING clause is not supported in ExecuteTransaction.",
  ],
  [
    `SELECT * FROM "songs"."by-genre" WHERE genre = 'x'`,
    "Reads on indices are not supported within transactions.",
  ],
  [
    `SELECT * FROM songs WHERE artist = 'x'`,
    "Select statements within ExecuteTransaction must specify the primary key in the where clause.",
  ],
  [
    `EXISTS(SELECT * FROM songs WHERE artist = 'A' AND title = 'one')`,
    "EXISTS() must contain a single item read with additional condition",
  ],
  [`SLECT`, "Statement wasn't well formed, can't be processed: Expected data manipulation"],
];

for (const [Statement, said] of transactionRefusals) {
  test(`in a transaction ${Statement} is refused`, async () => {
    const { dynamodb, call } = await withSongs();
    await using _ = dynamodb;
    await assert.rejects(call("ExecuteTransaction", { TransactStatements: [{ Statement }] }), {
      name: "ValidationException",
      message: `Validation failed in TransactStatements[0]: ${said}`,
    });
  });
}
