import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, createExpressions, keyRangeOf, matches, project } from "./expressions.ts";
import type { ExpressionOperation, ExpressionParameters } from "./expressions.ts";
import type { Item } from "../values/values.ts";

const expressions = createExpressions();
const read: typeof expressions.read = (operation, request) => expressions.read(operation, request);

const item: Item = {
  pk: { S: "a" },
  n: { N: "5" },
  s: { S: "hello" },
  seq: { L: [{ N: "1" }, { S: "two" }, { M: { deep: { N: "3" } } }] },
  doc: { M: { x: { N: "1" }, "odd.name": { S: "o" } } },
  tags: { SS: ["red", "blue"] },
  bin: { B: Uint8Array.of(1, 2, 3) },
  flag: { BOOL: true },
};

const values = {
  ":n": { N: "5" },
  ":six": { N: "6" },
  ":s": { S: "hel" },
  ":S": { S: "S" },
  ":red": { S: "red" },
  ":b": { B: Uint8Array.of(1, 2) },
  ":two": { S: "two" },
  ":one": { N: "1.0" },
};

/** Only the values an expression uses may be sent. */
function used<T>(all: Readonly<Record<string, T>>, text: string): Record<string, T> | undefined {
  const names = Object.keys(all).filter((name) => new RegExp(`${name}\\b`).test(text));
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, all[name] as T])); // filtered from it above
}

const conditions: readonly (readonly [string, boolean])[] = [
  ["n = :n", true],
  ["n <> :n", false],
  ["n < :six AND n >= :n", true],
  ["absent <> :n", true],
  ["absent = :n", false],
  ["NOT absent < :n", true],
  ["n = :s OR n = :n AND s = :n", false],
  ["(n = :s OR n = :n) AND NOT s = :n", true],
  ["n between :n and :six", true],
  ["n IN (:s, :n)", true],
  ["n IN (:s, :six)", false],
  ["attribute_exists(doc.x) and attribute_not_exists(doc.y)", true],
  ["attribute_exists(seq[2].deep)", true],
  ["attribute_not_exists(seq[3])", true],
  ["attribute_type(s, :S)", true],
  ["begins_with(s, :s) AND begins_with(bin, :b)", true],
  ["contains(tags, :red)", true],
  ["contains(s, :s)", true],
  ["contains(seq, :two)", true],
  ["contains(bin, :b)", true],
  ["contains(n, :n)", false],
  ["size(s) = :n", true],
  ["size(n) = :n", false],
  ["size(seq) < :n", true],
  ["doc.x = :one", true],
  ["seq[0] = doc.x", true],
  [":n = n", true],
  ["(n) = (:n)", true],
  ["doc.#odd = :two", false],
];

for (const [text, expected] of conditions) {
  test(`the condition ${text} is ${expected}`, () => {
    const { condition } = read("PutItem", {
      ConditionExpression: text,
      ExpressionAttributeValues: used(values, text),
      ExpressionAttributeNames: text.includes("#odd") ? { "#odd": "odd.name" } : undefined,
    });
    assert.ok(condition);
    assert.equal(matches(condition, item), expected);
  });
}

test("attributes are the item's own, whatever their names", () => {
  const { condition } = read("PutItem", {
    ConditionExpression: "attribute_exists(toString) OR attribute_exists(doc.hasOwnProperty)",
  });
  assert.ok(condition);
  assert.equal(matches(condition, item), false);
});

const updates: readonly (readonly [string, Item])[] = [
  ["SET n = n + :six, m = n", { n: { N: "11" }, m: { N: "5" } }],
  ["SET n = n - :six", { n: { N: "-1" } }],
  ["set absent = if_not_exists(absent, :n) + :six", { absent: { N: "11" } }],
  [
    "SET doc.x = :s, doc.y = :n",
    { doc: { M: { x: { S: "hel" }, y: { N: "5" }, "odd.name": { S: "o" } } } },
  ],
  [
    "SET seq[1] = :n, seq[9] = :s, seq[7] = :six",
    {
      seq: { L: [{ N: "1" }, { N: "5" }, { M: { deep: { N: "3" } } }, { N: "6" }, { S: "hel" }] },
    },
  ],
  [
    "SET seq = list_append(seq, :l)",
    { seq: { L: [{ N: "1" }, { S: "two" }, { M: { deep: { N: "3" } } }, { S: "new" }] } },
  ],
  [
    "SET seq[2].deep = (seq[0] + :n)",
    { seq: { L: [{ N: "1" }, { S: "two" }, { M: { deep: { N: "6" } } }] } },
  ],
  ["REMOVE seq[0], seq[2]", { seq: { L: [{ S: "two" }] } }],
  ["REMOVE doc.x, absent, seq[7]", { doc: { M: { "odd.name": { S: "o" } } } }],
  [
    "ADD n :six, fresh :n, tags :green",
    { n: { N: "11" }, fresh: { N: "5" }, tags: { SS: ["red", "blue", "green"] } },
  ],
  ["DELETE tags :green, nothing :green", {}],
  ["REMOVE s SET x = s", { x: { S: "hello" } }],
];

const updateValues = { ...values, ":l": { L: [{ S: "new" }] }, ":green": { SS: ["green", "red"] } };

for (const [text, changes] of updates) {
  test(`the update ${text}`, () => {
    const before = structuredClone(item);
    const { update } = read("UpdateItem", {
      UpdateExpression: text,
      ExpressionAttributeValues: used(updateValues, text),
    });
    assert.ok(update);
    const { s: _, ...rest } = item;
    const expected: Item = { ...(text.includes("REMOVE s SET") ? rest : { ...item }), ...changes };
    if (text.startsWith("DELETE")) expected["tags"] = { SS: ["blue"] };
    assert.deepEqual(applyUpdate(update, item), expected);
    assert.deepEqual(item, before);
  });
}

const failingUpdates: readonly (readonly [string, string])[] = [
  [
    "SET n = absent",
    "The provided expression refers to an attribute that does not exist in the item",
  ],
  [
    "SET n = n + absent",
    "The provided expression refers to an attribute that does not exist in the item",
  ],
  ["SET n = s + :n", "An operand in the update expression has an incorrect data type"],
  ["SET n = list_append(n, n)", "An operand in the update expression has an incorrect data type"],
  ["ADD s :n", "An operand in the update expression has an incorrect data type"],
  ["DELETE s :green", "An operand in the update expression has an incorrect data type"],
  [
    "SET absent.x = :n",
    "The document path provided in the update expression is invalid for update",
  ],
  ["SET n.x = :n", "The document path provided in the update expression is invalid for update"],
  ["SET doc[0] = :n", "The document path provided in the update expression is invalid for update"],
  ["REMOVE absent.x", "The document path provided in the update expression is invalid for update"],
];

for (const [text, message] of failingUpdates) {
  test(`the update ${text} is refused for this item`, () => {
    const { update } = read("UpdateItem", {
      UpdateExpression: text,
      ExpressionAttributeValues: used(updateValues, text),
    });
    assert.ok(update);
    assert.throws(() => applyUpdate(update, item), { name: "ValidationException", message });
  });
}

test("a projection keeps maps around what it leads to, and elements in their order", () => {
  const { projection } = read("GetItem", {
    ProjectionExpression: "seq[2].deep, #m.x, seq[0], absent, seq[1].nothing, tags",
    ExpressionAttributeNames: { "#m": "doc" },
  });
  assert.ok(projection);
  assert.deepEqual(project(projection, item), {
    seq: { L: [{ N: "1" }, { M: { deep: { N: "3" } } }] },
    doc: { M: { x: { N: "1" } } },
    tags: { SS: ["red", "blue"] },
  });
});

function rangeOf(text: string, given: Record<string, string>): object {
  const { keyConditions } = read("Query", {
    KeyConditionExpression: text,
    ExpressionAttributeValues: Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, { S: value }]),
    ),
  });
  assert.ok(keyConditions);
  const { partition, sort } = keyRangeOf(keyConditions, [
    { name: "pk", type: "S" },
    { name: "sk", type: "S" },
  ]);
  const shown = (bytes: Uint8Array | undefined): string | undefined =>
    bytes && Buffer.from(bytes).toString("latin1");
  return [partition.S, sort && [shown(sort.start), shown(sort.end), sort.isSingle]];
}

test("key conditions become ranges of key bytes", () => {
  assert.deepEqual(rangeOf("pk = :p", { ":p": "a" }), ["a", undefined]);
  const p = { ":p": "a", ":x": "m" };
  assert.deepEqual(rangeOf("pk = :p AND sk = :x", p), ["a", ["m", "m\0", true]]);
  assert.deepEqual(rangeOf("sk < :x AND :p = pk", p), ["a", [undefined, "m", false]]);
  assert.deepEqual(rangeOf("(pk = :p) AND (:x < sk)", p), ["a", ["m\0", undefined, false]]);
  assert.deepEqual(rangeOf("pk = :p AND sk <= :x", p), ["a", [undefined, "m\0", false]]);
  assert.deepEqual(rangeOf("pk = :p AND sk >= :x", p), ["a", ["m", undefined, false]]);
  assert.deepEqual(rangeOf("pk = :p AND begins_with(sk, :x)", p), ["a", ["m", "n", false]]);
  assert.deepEqual(rangeOf("pk = :p AND sk BETWEEN :x AND :y", { ...p, ":y": "z" }), [
    "a",
    ["m", "z\0", false],
  ]);
});

test("legacy parameters mean what expressions mean", () => {
  const { condition } = read("PutItem", {
    Expected: {
      n: { ComparisonOperator: "GT", AttributeValueList: [{ N: "4.0" }] },
      absent: { Exists: false },
      s: { Value: { S: "hello" } },
    },
  });
  assert.ok(condition);
  assert.ok(matches(condition, item));
  const { filter } = read("Scan", {
    ConditionalOperator: "OR",
    ScanFilter: {
      absent: { ComparisonOperator: "NOT_CONTAINS", AttributeValueList: [{ S: "x" }] },
      tags: { ComparisonOperator: "CONTAINS", AttributeValueList: [{ S: "red" }] },
    },
  });
  assert.ok(filter);
  assert.ok(matches(filter, item));
  assert.ok(!matches(filter, {}));
  const { update } = read("UpdateItem", {
    AttributeUpdates: {
      n: { Action: "ADD", Value: { N: "1" } },
      s: { Action: "DELETE" },
      seq: { Action: "ADD", Value: { L: [{ S: "end" }] } },
      tags: { Action: "DELETE", Value: { SS: ["red", "blue"] } },
    },
  });
  assert.ok(update);
  const after = applyUpdate(update, item);
  assert.deepEqual([after["n"], after["s"], after["tags"]], [{ N: "6" }, undefined, undefined]);
  assert.equal(after["seq"]?.L?.length, 4);
});

test("a text that was read before is bound to the values of its own request", () => {
  const ask = (n: string): boolean => {
    const { condition } = read("PutItem", {
      ConditionExpression: "n = :x",
      ExpressionAttributeValues: { ":x": { N: n } },
    });
    return condition !== undefined && matches(condition, item);
  };
  assert.deepEqual([ask("5"), ask("6"), ask("5.0")], [true, false, true]);
});

/** What is refused before there is an item: parameters, and the sentence. */
const refusals: readonly (readonly [ExpressionOperation, ExpressionParameters, string])[] = [
  [
    "PutItem",
    { ConditionExpression: "" },
    "Invalid ConditionExpression: The expression can not be empty;",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "INVALID SYNTAX HERE" },
    'Invalid UpdateExpression: Syntax error; token: "INVALID", near: "INVALID SYNTAX"',
  ],
  [
    "GetItem",
    { ProjectionExpression: "!!! INVALID !!!" },
    'Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"',
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = :b, c = :d," },
    'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: ","',
  ],
  [
    "PutItem",
    { ConditionExpression: "attribute_exists([1])" },
    'Invalid ConditionExpression: Syntax error; token: "[", near: "([1"',
  ],
  [
    "PutItem",
    { ConditionExpression: "_hidden = :v" },
    'Invalid ConditionExpression: Syntax error; token: "_", near: "_hidden"',
  ],
  [
    "PutItem",
    { ConditionExpression: "((a = :b))" },
    "Invalid ConditionExpression: The expression has redundant parentheses;",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = ((:b))" },
    "Invalid ConditionExpression: The expression has redundant parentheses;",
  ],
  [
    "PutItem",
    { ConditionExpression: "abOrt = :a" },
    "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: abOrt",
  ],
  [
    "PutItem",
    { ConditionExpression: "starts_with(a, :v)" },
    "Invalid ConditionExpression: Invalid function name; function: starts_with",
  ],
  [
    "PutItem",
    { ConditionExpression: "size(a)" },
    "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: size",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = contains(b, :c)" },
    "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: contains",
  ],
  [
    "PutItem",
    { ConditionExpression: "attribute_exists(a, b)" },
    "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
  ],
  [
    "PutItem",
    { ConditionExpression: "#a = b" },
    "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #a",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = :b" },
    "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :b",
  ],
  [
    "PutItem",
    { ConditionExpression: "a.b = a.b" },
    "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a, b]",
  ],
  [
    "PutItem",
    { ConditionExpression: "begins_with(a, :n)", ExpressionAttributeValues: { ":n": { N: "1" } } },
    "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
  ],
  [
    "PutItem",
    { ConditionExpression: "a < :n", ExpressionAttributeValues: { ":n": { BOOL: true } } },
    "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
  ],
  [
    "PutItem",
    {
      ConditionExpression: "attribute_type(a, :n)",
      ExpressionAttributeValues: { ":n": { S: "X" } },
    },
    "Invalid ConditionExpression: Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
  ],
  [
    "PutItem",
    {
      ConditionExpression: "a between :x and :y",
      ExpressionAttributeValues: { ":x": { N: "2" }, ":y": { N: "1" } },
    },
    "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
  ],
  [
    "PutItem",
    {
      ConditionExpression: "a between :x and :y",
      ExpressionAttributeValues: { ":x": { N: "2" }, ":y": { S: "1" } },
    },
    "Invalid ConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {S:1}",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = b", ExpressionAttributeNames: { "#x": "x" } },
    "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = b", ExpressionAttributeValues: { ":x": { S: "x" } } },
    "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = b", ExpressionAttributeNames: {} },
    "ExpressionAttributeNames must not be empty",
  ],
  [
    "PutItem",
    { ConditionExpression: "a = b", ExpressionAttributeNames: { a: "x" } },
    'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
  ],
  [
    "PutItem",
    { ConditionExpression: "a = b", ExpressionAttributeValues: { a: { S: "x" } } },
    'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"',
  ],
  [
    "PutItem",
    { ConditionExpression: "a = :b", ExpressionAttributeValues: { ":b": { SS: [] } } },
    "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :b",
  ],
  [
    "PutItem",
    { ExpressionAttributeNames: { "#a": "a" } },
    "ExpressionAttributeNames can only be specified when using expressions",
  ],
  [
    "UpdateItem",
    { ExpressionAttributeValues: { ":a": { S: "a" } } },
    "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = b", AttributeUpdates: {}, Expected: {} },
    "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: {UpdateExpression}",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = b SET c = d" },
    'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = b, a.c = d" },
    "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, c]",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "REMOVE a.c SET a[1] = d" },
    "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, c], path two: [a, [1]]",
  ],
  [
    "UpdateItem",
    {
      UpdateExpression: "SET a = list_append(:s, a)",
      ExpressionAttributeValues: { ":s": { S: "a" } },
    },
    "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = a + :s", ExpressionAttributeValues: { ":s": { S: "a" } } },
    "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "ADD a :s", ExpressionAttributeValues: { ":s": { M: {} } } },
    "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: MAP, typeSet: ALLOWED_FOR_ADD_OPERAND",
  ],
  [
    "UpdateItem",
    {
      UpdateExpression: "SET a = if_not_exists(:s, a)",
      ExpressionAttributeValues: { ":s": { S: "a" } },
    },
    "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = if_not_exists(c)" },
    "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
  ],
  [
    "UpdateItem",
    { UpdateExpression: "SET a = size(c)" },
    "Invalid UpdateExpression: The function is not allowed in an update expression; function: size",
  ],
  [
    "GetItem",
    { ProjectionExpression: "a, b, a" },
    "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
  ],
  [
    "GetItem",
    { AttributesToGet: ["a", "b", "a"] },
    "One or more parameter values were invalid: Duplicate value in attribute name: a",
  ],
  [
    "Query",
    {},
    "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
  ],
  [
    "Query",
    { KeyConditionExpression: "a = b OR c = d" },
    "Invalid operator used in KeyConditionExpression: OR",
  ],
  [
    "Query",
    { KeyConditionExpression: "a.b = :c", ExpressionAttributeValues: { ":c": { S: "c" } } },
    "KeyConditionExpressions cannot have conditions on nested attributes",
  ],
  [
    "Query",
    {
      KeyConditionExpression: "a = :c AND a = :c",
      ExpressionAttributeValues: { ":c": { S: "c" } },
    },
    "KeyConditionExpressions must only contain one condition per key",
  ],
  [
    "UpdateItem",
    { AttributeUpdates: { a: { Action: "ADD", Value: { S: "x" } } } },
    "One or more parameter values were invalid: ADD action is not supported for the type S",
  ],
  [
    "PutItem",
    { Expected: { a: {} } },
    "One or more parameter values were invalid: Value must be provided when Exists is null for Attribute: a",
  ],
  [
    "PutItem",
    { ConditionExpression: `a IN (${Array.from({ length: 101 }, (_, at) => `b${at}`).join(",")})` },
    "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101",
  ],
  [
    "PutItem",
    { ConditionExpression: `a = ${"b".repeat(4_093)}` },
    "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097",
  ],
];

for (const [operation, parameters, message] of refusals) {
  test(`${operation} refuses ${JSON.stringify(parameters).slice(0, 110)}`, () => {
    assert.throws(() => read(operation, parameters), { name: "ValidationException", message });
  });
}

test("300 operators are allowed and one more is not", () => {
  const chain = (count: number): string => Array.from({ length: count }, () => "a=b").join(" OR ");
  assert.doesNotThrow(() => read("PutItem", { ConditionExpression: `NOT ${chain(150)}` }));
  assert.throws(() => read("PutItem", { ConditionExpression: chain(151) }), {
    name: "ValidationException",
    message: /too many operators; operator count: 301/,
  });
});
