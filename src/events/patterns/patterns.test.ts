import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  compileFilterCriteria,
  compileFilterPolicy,
  compilePattern,
  EventTooComplexError,
  matches,
  PatternError,
  PatternIndex,
} from "./patterns.ts";
import { engineAnswers } from "./testing/engine-answers.ts";
import { naiveMatches } from "./testing/naive.ts";

test("patterns match and are refused as EventBridge's own engine does", () => {
  for (const [source, event, expected] of engineAnswers) {
    if (typeof expected === "boolean")
      assert.equal(matches(compilePattern(source), JSON.parse(event)), expected, source + event);
    else
      assert.throws(
        () => compilePattern(source),
        {
          name: "PatternError",
          reason: expected,
          message: /^Event pattern is not valid\. Reason: /,
        },
        source,
      );
  }
});

test("numbers in ranges lie between minus and plus five billion", () => {
  for (const operand of [5e9, -5e9])
    assert.ok(compilePattern(`{"a":[{"numeric":["=",${operand}]}]}`));
  for (const operand of ["5000000000.1", "-5e10"])
    assert.throws(
      () => compilePattern(`{"a":[{"numeric":[">",${operand}]}]}`),
      /Value must be between -5.0E9 and 5.0E9, inclusive/,
    );
  const positive = compilePattern('{"a":[{"numeric":[">",0]}]}');
  assert.equal(matches(positive, { a: 5e9 }), true);
  assert.equal(matches(positive, { a: 5.1e9 }), false);
  assert.equal(matches(positive, { a: Number.MIN_VALUE }), true);
});

test("an event that is no object matches nothing", () => {
  for (const event of [null, 1, "a", [], undefined])
    assert.equal(matches(compilePattern('{"a":[{"exists":false}]}'), event), false);
});

const text = fc.oneof(
  fc.constantFrom("a", "b", "ab", "aB", "ba", "aab", "10.0.0.1", "::1", "", "*"),
  fc.string({ maxLength: 4 }),
);
const scalar = fc.oneof(text, fc.integer({ min: -3, max: 3 }), fc.boolean(), fc.constant(null));
const name = fc.constantFrom("a", "b", "c", "b.c");
const glob = fc
  .array(fc.constantFrom("a", "b", "B", "*"), { maxLength: 6 })
  .map((parts) => parts.join("").replaceAll(/\*+/g, "*"));
const end = fc.constantFrom("a", "b", "ab", "B");
const textCondition = fc.oneof(
  end.map((value) => ({ prefix: value })),
  end.map((value) => ({ suffix: value })),
  text.map((value) => ({ "equals-ignore-case": value })),
  glob.map((value) => ({ wildcard: value })),
);
const condition = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 2, arbitrary: textCondition },
  end.map((value) => ({ prefix: { "equals-ignore-case": value } })),
  end.map((value) => ({ suffix: { "equals-ignore-case": value } })),
  fc.boolean().map((value) => ({ exists: value })),
  fc.constantFrom(
    { cidr: "10.0.0.0/8" },
    { cidr: "::/64" },
    { "anything-but": ["a", "b"] },
    { "anything-but": 1 },
    { "anything-but": { prefix: ["a", "b"] } },
    { "anything-but": { wildcard: "a*b" } },
  ),
  textCondition.map((value) => ({ "anything-but": value })),
  fc
    .tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom("<", "<=", ">", ">=", "="))
    .map(([value, operator]) => ({ numeric: [operator, value] })),
  fc.integer({ min: -3, max: 1 }).map((value) => ({ numeric: [">=", value, "<", value + 2] })),
);
const conditions = fc.array(condition, { minLength: 1, maxLength: 3 });
const { fields } = fc.letrec<{ fields: object }>((tie) => ({
  fields: fc.dictionary(
    name,
    fc.oneof({ depthSize: "small" }, { weight: 3, arbitrary: conditions }, tie("fields")),
    { minKeys: 1, maxKeys: 3 },
  ),
}));
const alternatives = fc.array(fc.dictionary(name, conditions, { minKeys: 1, maxKeys: 2 }), {
  minLength: 2,
  maxLength: 3,
});
const pattern = fc
  .tuple(fields, fc.option(alternatives, { freq: 2 }))
  .map(([fields, or]) => (or ? { ...fields, $or: or } : fields));
const { event } = fc.letrec<{ event: object; value: unknown }>((tie) => ({
  event: fc.dictionary(name, tie("value"), { maxKeys: 3 }),
  value: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    scalar,
    tie("event"),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
}));

test("an index finds what trying every combination finds, also after patterns have gone", () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 8 }),
      fc.array(event, { minLength: 1, maxLength: 6 }),
      (patterns, events) => {
        const compiled = patterns.map((one) => compilePattern(JSON.stringify(one)));
        const index = new PatternIndex<number>();
        for (const [key, one] of compiled.entries()) index.add(key, one);
        for (let gone = 0; gone < 2; gone++) {
          for (const one of events) {
            const expected = [...compiled.keys()].filter(
              (key) =>
                (gone === 0 || key % 2 === 1) && naiveMatches(compiled[key]?.branches ?? [], one),
            );
            assert.deepEqual(
              index.matching(one).toSorted((a, b) => a - b),
              expected,
            );
          }
          for (const key of compiled.keys()) if (key % 2 === 0) index.delete(key);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("random text is a pattern or refused, never anything else", () => {
  const piece = fc.constantFrom(
    ...'{}[]:,"\\*'.split(""),
    '"a"',
    '"$or"',
    '{"a":[',
    "]}",
    '"numeric"',
    '"anything-but"',
    '"wildcard"',
    '"prefix"',
    '"exists"',
    '"cidr"',
    "1",
    "-0.5e3",
    "null",
    '"<"',
    '"__proto__"',
    "\ud800",
  );
  const source = fc.oneof(
    fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join("")),
    fc.array(piece, { maxLength: 12 }).map((pieces) => `{"a":[${pieces.join("")}]}`),
    fc.string(),
    fc.json(),
  );
  fc.assert(
    fc.property(source, (one) => {
      try {
        compilePattern(one);
      } catch (error) {
        assert.ok(error instanceof PatternError, String(error));
      }
    }),
    { numRuns: 3_000 },
  );
  assert.throws(() => compilePattern("[".repeat(100_000)), PatternError);
  assert.throws(() => compilePattern('{"a":'.repeat(100_000)), PatternError);
});

test("names that objects inherit are names like any other", () => {
  const pattern = compilePattern('{"__proto__":{"a":[1]},"constructor":[2]}');
  assert.equal(matches(pattern, JSON.parse('{"__proto__":{"a":1},"constructor":2}')), true);
  assert.equal(matches(pattern, { constructor: 2 }), false);
  assert.equal(matches(compilePattern('{"toString":[{"exists":false}]}'), { a: 1 }), true);
});

test("wildcards take linear time, whatever they and the values are", () => {
  const stars = compilePattern(`{"a":[{"wildcard":"${"*a".repeat(900)}*c"}]}`);
  assert.equal(matches(stars, { a: "a".repeat(200_000) }), false);
  const overlap = compilePattern(`{"a":[{"wildcard":"*b${"a".repeat(1_500)}*"}]}`);
  assert.equal(matches(overlap, { a: "a".repeat(200_000) }), false);
  assert.equal(matches(overlap, { a: `${"a".repeat(9_000)}b${"a".repeat(1_500)}` }), true);
});

test("events with entangled arrays are answered or refused, not pondered", () => {
  const pattern = compilePattern('{"a":{"x":[1]},"b":{"x":[1]},"c":{"x":[1]},"d":[1]}');
  const many = Array.from({ length: 3_000 }, () => ({ x: 1 }));
  assert.equal(matches(pattern, { a: many, b: many, c: many, d: 1 }), true);
  const entangled = compilePattern('{"a":{"x":[1],"y":[1],"z":[1]}}');
  const apart = Array.from({ length: 9_000 }, (_, n) =>
    n % 3 === 0 ? { x: 1 } : n % 3 === 1 ? { y: 1 } : { z: 1 },
  );
  assert.throws(() => matches(entangled, { a: apart }), EventTooComplexError);
  const deep = JSON.parse(`{"a":${"[".repeat(5_000)}1${"]".repeat(5_000)}}`) as object;
  assert.throws(() => matches(compilePattern('{"a":[1]}'), deep), EventTooComplexError);
});

test("the alternatives of $or multiply to a maximum", () => {
  const or = `"$or":[${Array.from({ length: 10 }, (_, n) => `{"a${n}":[1]}`).join()}]`;
  const nested = (depth: number): string =>
    depth === 0 ? '"z":[1]' : `"f${depth}":{${or}},${nested(depth - 1)}`;
  assert.equal(compilePattern(`{${nested(3)}}`).branches.length, 1_000);
  assert.throws(() => compilePattern(`{${nested(4)}}`), /too complex/);
});

test("SNS policies look at attributes by type, or into the body", () => {
  const policy = compileFilterPolicy(
    '{"store":["a",{"prefix":"b"}],"price":[{"numeric":[">",10]}],"tags":["x"]}',
    "MessageAttributes",
  );
  const message = (price: string, tags = '["y","x"]') => ({
    body: "text",
    attributes: {
      store: { type: "String", value: "bc" },
      price: { type: "Number", value: price },
      tags: { type: "String.Array", value: tags },
    } as const,
  });
  assert.equal(policy.matches(message("10.5")), true);
  assert.equal(policy.matches(message("10")), false);
  assert.equal(policy.matches(message("11", '["y"]')), false);
  const body = compileFilterPolicy('{"a":{"b":[1]}}', "MessageBody");
  assert.equal(body.matches({ body: '{"a":{"b":1}}', attributes: {} }), true);
  assert.equal(body.matches({ body: "no JSON", attributes: {} }), false);
});

test("SNS policies have limits of their own", () => {
  const keys = (count: number, values = 1): string =>
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: count }, (_, n) => [
          `k${n}`,
          Array.from({ length: values }, (_, v) => v),
        ]),
      ),
    );
  assert.ok(compileFilterPolicy(keys(5), "MessageAttributes"));
  assert.throws(() => compileFilterPolicy(keys(6), "MessageAttributes"), {
    reason: "Filter policy can not have more than 5 keys",
  });
  assert.ok(compileFilterPolicy(keys(1, 150), "MessageAttributes"));
  assert.throws(() => compileFilterPolicy(keys(1, 151), "MessageAttributes"), {
    reason: "Filter policy is too complex",
  });
  assert.throws(() => compileFilterPolicy('{"a":{"b":[1]}}', "MessageAttributes"), /nested/);
});

test("Lambda's criteria look into data that is JSON and keep the types of items", () => {
  const queue = (body: string) => ({ eventSource: "aws:sqs", messageId: "m", body });
  const json = compileFilterCriteria(['{"body":{"a":[1]}}']);
  assert.equal(json.matches(queue('{"a":1}')), true);
  assert.equal(json.matches(queue("a")), false);
  const plain = compileFilterCriteria(['{"body":["a"]}', '{"body":["b"]}']);
  assert.equal(plain.matches(queue("b")), true);
  assert.equal(plain.matches(queue('{"a":1}')), false);
  assert.equal(compileFilterCriteria([]).matches(queue("x")), true);
  const items = compileFilterCriteria(['{"dynamodb":{"NewImage":{"n":{"N":["5"]}}}}']);
  const record = (type: object) => ({
    eventSource: "aws:dynamodb",
    dynamodb: { NewImage: { n: type } },
  });
  assert.equal(items.matches(record({ N: "5" })), true);
  assert.equal(items.matches(record({ S: "5" })), false);
  const data = Buffer.from('{"a":1}').toString("base64");
  const stream = compileFilterCriteria(['{"data":{"a":[1]}}']);
  assert.equal(stream.matches({ eventSource: "aws:kinesis", kinesis: { data } }), true);
});
