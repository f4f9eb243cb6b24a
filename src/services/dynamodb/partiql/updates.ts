import type { Action, Operand, PathNode, SetValue, ValueNode } from "../expressions/expressions.ts";
import { validation } from "../values/values.ts";
import type { ConditionReader } from "./conditions.ts";
import { positionOf, type Reader } from "./reader.ts";

interface UpdateParts {
  readonly reader: Reader;
  readonly conditions: ConditionReader;
  readonly text: string;
}

/**
 * `SET path = value, …` and `REMOVE path, …`, any number of them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
 */
export function readActions(parts: UpdateParts): readonly Action[] {
  const { reader, conditions } = parts;
  const actions: Action[] = [];
  for (;;) {
    if (reader.acceptWord("SET")) {
      do actions.push(readAssignment(parts));
      while (reader.accept(","));
    } else if (reader.acceptWord("REMOVE")) {
      do actions.push({ kind: "remove", path: conditions.path() });
      while (reader.accept(","));
    } else if (actions.length > 0) {
      return actions;
    } else {
      return reader.fail("Expected SET or REMOVE");
    }
  }
}

function readAssignment(parts: UpdateParts): Action {
  const { reader, conditions } = parts;
  const path = conditions.path();
  reader.expect("=");
  for (const [name, kind] of [
    ["SET_ADD", "add"],
    ["SET_DELETE", "delete"],
  ] as const) {
    if (reader.isWord(name) && reader.peek(1).kind === "(") return readSetChange(parts, path, kind);
  }
  return { kind: "set", path, value: readSetValue(parts) };
}

function readSetValue(parts: UpdateParts): SetValue {
  const { reader } = parts;
  const left = readSetOperand(parts);
  const { kind: sign } = reader.peek();
  if (sign !== "+" && sign !== "-") return left;
  reader.next();
  return { kind: "sum", sign, left, right: readSetOperand(parts) };
}

const setFunctions = ["list_append", "if_not_exists"];

function readSetOperand(parts: UpdateParts): Operand {
  const { reader, conditions } = parts;
  const { kind, text } = reader.peek();
  const isCall = kind === "word" && reader.peek(1).kind === "(";
  if (!isCall || !setFunctions.includes(text.toLowerCase())) return conditions.operand();
  reader.next();
  return { kind: "call", name: text.toLowerCase(), operands: readArguments(parts) };
}

/** After the function's name. */
function readArguments(parts: UpdateParts): readonly Operand[] {
  const { reader } = parts;
  reader.expect("(");
  const operands: Operand[] = [];
  if (reader.accept(")")) return operands;
  do operands.push(reader.deeper(() => readSetOperand(parts)));
  while (reader.accept(","));
  reader.expect(")");
  return operands;
}

/** `path = SET_ADD(path, <<…>>)`: the sentences are https://github.com/nubo-db/dynamodb-conformance's (seen 2026-11). */
function readSetChange(parts: UpdateParts, path: PathNode, kind: "add" | "delete"): Action {
  const { reader, conditions, text } = parts;
  const token = reader.next();
  const name = token.text.toUpperCase();
  const position = positionOf(token, text);
  const first = reader.peek(1);
  const [target, change, ...more] = readArguments(parts);
  if (target === undefined || change === undefined || more.length > 0) {
    throw validation(`${name} must have exactly two arguments${position}`);
  }
  if (target.kind !== "path" || !isSame(target, path)) {
    throw validation(`The first argument to ${name} must equal the assignment value${position}`);
  }
  const value = isValue(change) ? conditions.values[change.placeholder] : undefined;
  if (!isValue(change) || !(value?.SS ?? value?.NS ?? value?.BS)) {
    throw validation(
      `The second argument to ${name} must be a value with type SET${positionOf(first, text)}`,
    );
  }
  return { kind, path, value: change };
}

function isValue(operand: Operand): operand is ValueNode {
  return operand.kind === "value";
}

function isSame(left: PathNode, right: PathNode): boolean {
  return JSON.stringify(left.steps) === JSON.stringify(right.steps);
}
