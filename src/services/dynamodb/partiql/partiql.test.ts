import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { applyUpdate, matches } from "../expressions/expressions.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import { nameOf, parseStatement } from "./parser.ts";
import { planKey, planRead } from "./plan.ts";

const item: Item = {
  pk: { S: "a" },
  sk: { N: "1" },
  n: { N: "5" },
  s: { S: "hello" },
  tags: { SS: ["red"] },
  doc: { M: { x: { L: [{ N: "1" }] } } },
  nothing: { NULL: true },
};

const conditions: readonly (readonly [string, boolean, AttributeValue[]?])[] = [
  ["n = 5", true],
  ["n != 5", false],
  ["n <> 6 AND n > 4.5e0", true],
  ["n BETWEEN 5 AND 6", true],
  ["n NOT BETWEEN 5 AND 6", false],
  ["n IN [1, 5]", true],
  ["n NOT IN (1, 5)", false],
  ["n IN ?", true, [{ L: [{ N: "5" }] }]],
  ["n IN <<5>>", true],
  ["s = 'hello' OR s = 'it''s'", true],
  ["(n = 1 OR n = 5) AND NOT (s = 'x')", true],
  ["((n) = (5))", true],
  ["doc.x[0] = 1", true],
  [`"doc"."x"[0] = ?`, true, [{ N: "1" }]],
  ["absent IS MISSING", true],
  ["n IS NOT MISSING", true],
  ["nothing IS NULL", true],
  ["n IS NUMERIC AND doc IS TUPLE", true],
  ["BEGINS_WITH(s, 'he')", true],
  ["contains(tags, 'red')", true],
  ["size(s) = 5", true],
  ["attribute_type(s, 'S')", true],
  ["attribute_exists(doc.x) AND attribute_not_exists(doc.y)", true],
  ["tags = <<'red'>>", true],
  ["doc = {'x': [1]}", true],
  ["n = -5", false],
  ["n = 5 -- a comment", true],
];

for (const [where, expected, parameters] of conditions) {
  test(`WHERE ${where} is ${expected}`, () => {
    const statement = parseStatement(`SELECT * FROM "t" WHERE ${where}`, parameters);
    assert.ok(statement.kind === "select" && statement.where);
    assert.equal(matches(statement.where, item), expected);
  });
}

test("an INSERT is an item", () => {
  assert.deepEqual(
    parseStatement(`INSERT INTO "t" VALUE {'pk': ?, 'l': [1.0, true, null, {"k": <<1, 2>>}]}`, [
      { S: "a" },
    ]),
    {
      kind: "insert",
      source: { table: "t", index: undefined },
      item: {
        pk: { S: "a" },
        l: { L: [{ N: "1" }, { BOOL: true }, { NULL: true }, { M: { k: { NS: ["1", "2"] } } }] },
      },
      ignoresDuplicate: false,
    },
  );
});

const updates: readonly (readonly [string, Item])[] = [
  ["SET n = 6", { ...item, n: { N: "6" } }],
  ["SET n = n + 1, s = 'x'", { ...item, n: { N: "6" }, s: { S: "x" } }],
  ["SET n = n - 1 SET m = n", { ...item, n: { N: "4" }, m: { N: "5" } }],
  [
    "SET doc.x = list_append(doc.x, ['y'])",
    { ...item, doc: { M: { x: { L: [{ N: "1" }, { S: "y" }] } } } },
  ],
  ["SET doc.x[0] = if_not_exists(absent, 9)", { ...item, doc: { M: { x: { L: [{ N: "9" }] } } } }],
  ["SET tags = set_add(tags, <<'blue'>>)", { ...item, tags: { SS: ["red", "blue"] } }],
];

for (const [actions, expected] of updates) {
  test(`UPDATE ${actions}`, () => {
    const statement = parseStatement(`UPDATE "t" ${actions} WHERE pk = 'a' RETURNING ALL NEW *`);
    assert.ok(statement.kind === "update");
    assert.deepEqual(applyUpdate(statement.update, item), expected);
    assert.deepEqual(statement.returning, { attributes: "ALL", image: "NEW" });
  });
}

test("UPDATE REMOVE and SET_DELETE take away", () => {
  const statement = parseStatement(
    `UPDATE t REMOVE s SET tags = SET_DELETE(tags, <<'red'>>) WHERE pk = 'a'`,
  );
  assert.ok(statement.kind === "update");
  const { s: _s, tags: _tags, ...rest } = item;
  assert.deepEqual(applyUpdate(statement.update, item), rest);
});

const keys = { hash: { name: "pk", type: "S" }, range: { name: "sk", type: "N" } } as const;

function planOf(rest: string): { partitions: unknown; hasFilter: boolean; isDescending: boolean } {
  const statement = parseStatement(`SELECT * FROM "t" ${rest}`);
  assert.ok(statement.kind === "select");
  const { partitions, filter, isDescending } = planRead(statement, keys);
  const shown = partitions?.map((conditions) =>
    [...conditions].map(([name, { operator, values }]) => [
      name,
      operator,
      ...values.map(({ S, N }) => S ?? N),
    ]),
  );
  return { partitions: shown, hasFilter: filter !== undefined, isDescending };
}

const plans: readonly (readonly [string, unknown, boolean, boolean])[] = [
  ["", undefined, false, false],
  ["WHERE n = 1", undefined, true, false],
  ["WHERE pk > 'a'", undefined, true, false],
  ["WHERE pk = 'a' OR n = 1", undefined, true, false],
  ["WHERE pk = 1", undefined, true, false],
  ["WHERE pk = 'a'", [[["pk", "EQ", "a"]]], false, false],
  ["WHERE 'a' = pk AND n = 1", [[["pk", "EQ", "a"]]], true, false],
  ["WHERE pk IN ['b', 'a', 'b']", [[["pk", "EQ", "b"]], [["pk", "EQ", "a"]]], false, false],
  [
    "WHERE pk = 'b' OR pk = 'a' ORDER BY pk",
    [[["pk", "EQ", "a"]], [["pk", "EQ", "b"]]],
    false,
    false,
  ],
  [
    "WHERE pk = 'a' AND sk = 1",
    [
      [
        ["pk", "EQ", "a"],
        ["sk", "EQ", "1"],
      ],
    ],
    false,
    false,
  ],
  [
    "WHERE pk = 'a' AND 1 < sk AND sk < 9",
    [
      [
        ["pk", "EQ", "a"],
        ["sk", "GT", "1"],
      ],
    ],
    true,
    false,
  ],
  [
    "WHERE sk BETWEEN 1 AND 2 AND pk = 'a' ORDER BY sk DESC",
    [
      [
        ["pk", "EQ", "a"],
        ["sk", "BETWEEN", "1", "2"],
      ],
    ],
    false,
    true,
  ],
];

for (const [rest, partitions, hasFilter, isDescending] of plans) {
  test(`SELECT ${rest || "everything"} reads what it must`, () => {
    assert.deepEqual(planOf(rest), { partitions, hasFilter, isDescending });
  });
}

test("a write finds its key among the conditions", () => {
  const statement = parseStatement(
    `DELETE FROM t WHERE n = 5 AND sk = 1 AND pk = 'a' RETURNING ALL OLD *`,
  );
  assert.ok(statement.kind === "delete");
  const plan = planKey(statement.where, keys);
  assert.deepEqual(plan?.key, { pk: { S: "a" }, sk: { N: "1" } });
  assert.ok(plan?.rest && matches(plan.rest, item));
  const partial = parseStatement(`DELETE FROM t WHERE pk = 'a'`);
  assert.ok(partial.kind === "delete");
  assert.equal(planKey(partial.where, keys), undefined);
});

test("a selected path is named by its end", () => {
  const statement = parseStatement(`SELECT a.b[1], c[0], "d" FROM "t"."index"`);
  assert.ok(statement.kind === "select" && statement.paths);
  assert.deepEqual(statement.paths.map(nameOf), ["b[1]", "c[0]", "d"]);
  assert.deepEqual(statement.source, { table: "t", index: "index" });
});

const malformed = "Statement wasn't well formed, can't be processed: ";
const refusals: readonly (readonly [string, string, AttributeValue[]?])[] = [
  ["SLECT * FROM t", `${malformed}Expected data manipulation`],
  ["SELECT * FROM t garbage", `${malformed}Unexpected token after expression`],
  ['SELECT * FROM "', `${malformed}Expected identifier`],
  [`SELECT * FROM "" WHERE pk = 'x'`, "Path component cannot be an empty string"],
  [`SELECT * FROM "a"."b"."c"`, "A path may contain at most 2 components in the FROM clause"],
  ["SELECT * FROM t LIMIT 1", "Unsupported clause: LIMIT"],
  [
    "SELECT *, a FROM t",
    "Other attributes should not be present in the projection when '*' is used.",
  ],
  ["SELECT a.z, b.z FROM t", "Duplicate identifiers in select clause: z"],
  ["SELECT a AS b FROM t", "Aliasing is not supported"],
  [
    "SELECT * FROM t WHERE a < true",
    "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
  ],
  [
    "SELECT * FROM t WHERE attribute_exists('ss')",
    "Operator or function requires a document path; operator or function: attribute_exists",
  ],
  [
    "SELECT * FROM t WHERE attribute_exists()",
    "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 0",
  ],
  ["SELECT * FROM t WHERE exists(ss)", "Unrecognized function: exists at 1:23:6"],
  ["SELECT * FROM t WHERE a = ?", "Number of parameters in request and statement don't match."],
  [
    "SELECT * FROM t WHERE a = ?",
    "Number of parameters in request and statement don't match.",
    [{ S: "a" }, { S: "b" }],
  ],
  ["SELECT * FROM t WHERE a = MISSING", "MISSING must be compared using IS operator"],
  [
    "INSERT INTO t VALUES {'a': 1}",
    'Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead',
  ],
  ["INSERT INTO t VALUE {'a': <<>>}", "Empty bags are not supported"],
  ["INSERT INTO t VALUE {'a': 1, 'a': 2}", "Duplicate keys in tuple. Key: a under root"],
  [
    "UPDATE t SET ss = set_add(ss)  WHERE a = 1",
    "SET_ADD must have exactly two arguments at 1:19:7",
  ],
  [
    "UPDATE t SET t = set_add(ss, <<'x'>>)",
    "The first argument to SET_ADD must equal the assignment value at 1:18:7",
  ],
  [
    "UPDATE t SET ss = set_add(ss, 'x')",
    "The second argument to SET_ADD must be a value with type SET at 1:27:2",
  ],
  ["UPDATE t.i SET a = 1", "This operation is not supported on an index"],
  [
    "DELETE FROM t WHERE a = 1 RETURNING MODIFIED OLD *",
    "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
  ],
];

for (const [text, message, parameters] of refusals) {
  test(`${text} is refused`, () => {
    assert.throws(() => parseStatement(text, parameters), { name: "ValidationException", message });
  });
}

test("no text makes the parser throw anything but its refusal", () => {
  const pieces = fc.constantFrom(
    ..."SELECT INSERT INTO UPDATE DELETE FROM WHERE SET REMOVE VALUE AND OR NOT IN IS BETWEEN MISSING NULL * , . : ? ( ) [ ] { } << >> = < > <> - + 'a' \"b\" 1 .5 a b t -- /* RETURNING ALL OLD EXISTS ORDER BY".split(
      " ",
    ),
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 25 }).map((list) => list.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseStatement(text, [{ S: "x" }]);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === "ValidationException", String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});

for (const text of [
  `SELECT * FROM t WHERE ${"(".repeat(8_000)}`,
  `INSERT INTO t VALUE {'a': ${"[".repeat(8_000)}`,
  `SELECT * FROM t WHERE ${"NOT ".repeat(2_000)}a = 1`,
]) {
  test(`8 KB of ${text.slice(0, 40)} are refused`, () => {
    assert.throws(() => parseStatement(text), { name: "ValidationException" });
  });
}
