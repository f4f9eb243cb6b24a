import { typeOf } from "../values/values.ts";
import type { AttributeValue, ValueType } from "../values/values.ts";
import { bindPath, needsPath, refuse, wrongCount, wrongType } from "./bind-condition.ts";
import type { Binding } from "./bind-condition.ts";
import type { BoundAction, BoundSetValue, BoundUpdate, Path } from "./bound.ts";
import { checkDistinctPaths } from "./paths.ts";
import type { Action, CallNode, Operand, Projection, SetValue, Update } from "./tree.ts";

/**
 * The update with its names and values in place. `ValidationException` for what is not defined, then paths
 * that overlap or conflict, then types and numbers of operands, in production's order:
 * https://github.com/architect/dynalite/blob/main/db/updateParser.pegjs (seen 2026-11).
 */
export function bindUpdate(update: Update, binding: Binding): BoundUpdate {
  const paths = update.actions.map((action) => bindPath(action.path, binding));
  for (const action of update.actions) lookUp(action, binding);
  checkDistinctPaths(paths, binding.parameter);
  for (const action of update.actions) checkOperand(action, binding);
  const actions = update.actions.map((action) => bindAction(action, binding));
  return { actions, isLegacy: false };
}

/** The paths of a projection. `ValidationException` when two of them overlap or conflict. */
export function bindProjection(projection: Projection, binding: Binding): readonly Path[] {
  const paths = projection.paths.map((path) => bindPath(path, binding));
  checkDistinctPaths(paths, binding.parameter);
  return paths;
}

/** Finds out what is not defined before anything else is said about the operands. */
function lookUp(action: Action, binding: Binding): void {
  if (action.kind === "remove") return;
  const visit = (operand: Operand): void => {
    if (operand.kind === "path") bindPath(operand, binding);
    else if (operand.kind === "value") {
      binding.placeholders.value(operand.placeholder, binding.parameter);
    } else operand.operands.forEach(visit);
  };
  if (action.value.kind !== "sum") visit(action.value);
  else [action.value.left, action.value.right].forEach(visit);
}

const longNames: Readonly<Partial<Record<ValueType, string>>> = {
  S: "STRING",
  N: "NUMBER",
  B: "BINARY",
  NULL: "NULL",
  BOOL: "BOOLEAN",
  L: "LIST",
  M: "MAP",
};

function checkOperand(action: Action, binding: Binding): void {
  if (action.kind !== "add" && action.kind !== "delete") return;
  const value = binding.placeholders.value(action.value.placeholder, binding.parameter);
  const type = typeOf(value);
  const name = longNames[type];
  if (name === undefined || (action.kind === "add" && type === "N")) return;
  const operator = action.kind.toUpperCase();
  throw refuse(
    binding,
    `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${name}, typeSet: ALLOWED_FOR_${operator}_OPERAND`,
  );
}

function bindAction(action: Action, binding: Binding): BoundAction {
  const path = bindPath(action.path, binding);
  if (action.kind === "remove") return { kind: "remove", path };
  if (action.kind === "set") return { kind: "set", path, value: bindSum(action.value, binding) };
  const value = binding.placeholders.value(action.value.placeholder, binding.parameter);
  return { kind: action.kind, path, value };
}

function bindSum(value: SetValue, binding: Binding): BoundSetValue {
  if (value.kind !== "sum") return bindSetOperand(value, binding);
  const [left, right] = [bindSetOperand(value.left, binding), bindSetOperand(value.right, binding)];
  for (const side of [left, right]) checkType(value.sign, side, "N", binding);
  return { kind: value.sign, left, right };
}

function bindSetOperand(operand: Operand, binding: Binding): BoundSetValue {
  if (operand.kind === "path") return { kind: "path", path: bindPath(operand, binding) };
  if (operand.kind === "call") return bindFunction(operand, binding);
  const value = binding.placeholders.value(operand.placeholder, binding.parameter);
  return { kind: "value", value };
}

function bindFunction(call: CallNode, binding: Binding): BoundSetValue {
  const [first, second, ...more] = call.operands;
  if (first === undefined || second === undefined || more.length > 0) {
    throw wrongCount(call, binding);
  }
  if (call.name === "if_not_exists") {
    if (first.kind !== "path") throw needsPath(call.name, binding);
    const otherwise = bindSetOperand(second, binding);
    return { kind: call.name, path: bindPath(first, binding), otherwise };
  }
  const [left, right] = [bindSetOperand(first, binding), bindSetOperand(second, binding)];
  for (const side of [left, right]) checkType("list_append", side, "L", binding);
  return { kind: "list_append", left, right };
}

/** Of what is known before there is an item. */
function checkType(
  name: string,
  value: BoundSetValue,
  wanted: keyof AttributeValue,
  binding: Binding,
): void {
  if (value.kind !== "value" || value.value[wanted] !== undefined) return;
  throw wrongType(name, typeOf(value.value), binding);
}
