import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseCondition, parseProjection, parseUpdate } from "./parser.ts";
import type {
  Action,
  CallNode,
  Condition,
  Operand,
  PathNode,
  SetValue,
  Step,
  ValueNode,
} from "./tree.ts";

/** Any tree the parser can give; static checks and binding are not asked. */
const words = fc.constantFrom("alpha", "b2", "c_d", "Zeta", "x");
const steps: fc.Arbitrary<Step> = fc.oneof(
  words.map((name): Step => ({ kind: "name", name })),
  words.map((name): Step => ({ kind: "alias", alias: `#${name}` })),
);
const laterSteps = fc.oneof(
  steps,
  fc.nat(2_147_483_647).map((index): Step => ({ kind: "index", index })),
);
const paths = fc
  .tuple(steps, fc.array(laterSteps, { maxLength: 4 }))
  .map(([first, rest]): PathNode => ({ kind: "path", steps: [first, ...rest] }));
const placeholders = words.map((name): ValueNode => ({ kind: "value", placeholder: `:${name}` }));

const { operand } = fc.letrec<{ operand: Operand; call: CallNode }>((tie) => ({
  operand: fc.oneof({ maxDepth: 3 }, paths, placeholders, tie("call")),
  call: fc
    .tuple(words, fc.array(tie("operand"), { minLength: 1, maxLength: 3 }))
    .map(([name, operands]): CallNode => ({ kind: "call", name, operands })),
}));
const calls = operand.filter((node): node is CallNode => node.kind === "call");

const comparators = fc.constantFrom("=", "<>", "<", "<=", ">", ">=");

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5 },
    calls,
    fc.tuple(comparators, operand, operand).map(([comparator, left, right]): Condition => ({
      kind: "compare",
      comparator,
      left,
      right,
    })),
    fc
      .tuple(operand, operand, operand)
      .map(([of, low, high]): Condition => ({ kind: "between", operand: of, low, high })),
    fc
      .tuple(operand, fc.array(operand, { minLength: 1, maxLength: 3 }))
      .map(([of, among]): Condition => ({ kind: "in", operand: of, among })),
    tie("condition").map((negated): Condition => ({ kind: "not", negated })),
    fc
      .tuple(fc.constantFrom("and", "or"), tie("condition"), tie("condition"))
      .map(([kind, left, right]): Condition => ({ kind, left, right })),
  ),
}));

const setValues: fc.Arbitrary<SetValue> = fc.oneof(
  operand,
  fc
    .tuple(fc.constantFrom("+", "-"), operand, operand)
    .map(([sign, left, right]): SetValue => ({ kind: "sum", sign, left, right })),
);

function printPath({ steps: [first, ...rest] }: PathNode): string {
  const text = (step: Step | undefined): string => {
    if (step === undefined) return "";
    if (step.kind === "index") return `[${step.index}]`;
    return step.kind === "name" ? step.name : step.alias;
  };
  return text(first) + rest.map((step) => (step.kind === "index" ? "" : ".") + text(step)).join("");
}

function printOperand(node: Operand): string {
  if (node.kind === "path") return printPath(node);
  if (node.kind === "value") return node.placeholder;
  return `${node.name}(${node.operands.map(printOperand).join(", ")})`;
}

/** Parentheses only where the grammar needs them: doubled ones are refused. */
function printCondition(node: Condition): string {
  const part = (child: Condition, isLeft: boolean): string => {
    const isWeaker = node.kind === "and" && child.kind === "or";
    const isRightChain = !isLeft && (child.kind === "or" || child.kind === "and");
    const isUnderNot = node.kind === "not" && (child.kind === "and" || child.kind === "or");
    return isWeaker || isRightChain || isUnderNot
      ? `(${printCondition(child)})`
      : printCondition(child);
  };
  switch (node.kind) {
    case "and":
    case "or":
      return `${part(node.left, true)} ${node.kind} ${part(node.right, false)}`;
    case "not":
      return `NOT ${part(node.negated, true)}`;
    case "compare":
      return `${printOperand(node.left)} ${node.comparator} ${printOperand(node.right)}`;
    case "between":
      return `${printOperand(node.operand)} BETWEEN ${printOperand(node.low)} AND ${printOperand(node.high)}`;
    case "in":
      return `${printOperand(node.operand)} IN (${node.among.map(printOperand).join(",")})`;
    case "call":
      return printOperand(node);
    default:
      return assert.fail("every kind of condition is printed");
  }
}

function printSetValue(node: SetValue): string {
  if (node.kind !== "sum") return printOperand(node);
  return `${printOperand(node.left)} ${node.sign} ${printOperand(node.right)}`;
}

test("a printed condition is parsed to the same tree", () => {
  fc.assert(
    fc.property(condition, (tree) => {
      const text = printCondition(tree);
      assert.deepEqual(parseCondition(text, "ConditionExpression"), tree, text);
    }),
    { numRuns: 500 },
  );
});

test("a printed update is parsed to the same actions", () => {
  const sets = fc
    .tuple(paths, setValues)
    .map(([path, value]): Action => ({ kind: "set", path, value }));
  fc.assert(
    fc.property(
      fc.array(sets, { minLength: 1, maxLength: 4 }),
      fc.array(paths, { maxLength: 3 }),
      (given, removed) => {
        const removals = removed.map((path): Action => ({ kind: "remove", path }));
        const set = given.flatMap((action) =>
          action.kind === "set"
            ? [`${printPath(action.path)} = ${printSetValue(action.value)}`]
            : [],
        );
        const text = `SET ${set.join(", ")}${removed.length > 0 ? ` REMOVE ${removed.map(printPath).join(" , ")}` : ""}`;
        assert.deepEqual(parseUpdate(text), {
          actions: [...given, ...removals],
          repeatedSection: undefined,
        });
      },
    ),
  );
});

test("a printed projection is parsed to the same paths", () => {
  fc.assert(
    fc.property(fc.array(paths, { minLength: 1, maxLength: 5 }), (wanted) => {
      assert.deepEqual(parseProjection(wanted.map(printPath).join(", ")), { paths: wanted });
    }),
  );
});

test("no text makes the parser throw anything but its refusal", () => {
  const pieces = fc.constantFrom(
    ..."( ) [ ] , . + - = < > <> <= >= # : #a :b a b size( NOT AND OR BETWEEN IN SET REMOVE ADD DELETE 0 17 ? é \u0000 😀".split(
      " ",
    ),
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces).map((list) => list.join(" ")),
    fc.array(pieces).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const parse of [
        () => parseCondition(text, "FilterExpression"),
        () => parseUpdate(text),
        () => parseProjection(text),
      ]) {
        try {
          parse();
        } catch (error) {
          assert.ok(error instanceof Error && error.name === "ValidationException", String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

const hostile: readonly string[] = [
  "(".repeat(4_096),
  `${"(".repeat(2_000)}a${")".repeat(2_000)}`,
  "NOT ".repeat(1_024),
  "f(".repeat(2_048),
  `SET a = ${"(".repeat(4_000)}`,
  "a.".repeat(2_048),
];

for (const text of hostile) {
  test(`4 KB of ${text.slice(0, 12)} are refused`, () => {
    for (const parse of [
      () => parseCondition(text, "ConditionExpression"),
      () => parseUpdate(text),
    ]) {
      assert.throws(parse, { name: "ValidationException" });
    }
  });
}
