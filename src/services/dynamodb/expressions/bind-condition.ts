import { unreachable } from "#base/assert.ts";
import { compareValues, typeOf, validation, valueTypes } from "../values/values.ts";
import type { ValueType } from "../values/values.ts";
import type { BoundCondition, BoundOperand, Path } from "./bound.ts";
import { inOperandsMax, pathStepsMax } from "./limits.ts";
import type { ExpressionParameter } from "./parser.ts";
import { isSamePath, pathText, saidOf } from "./paths.ts";
import type { Placeholders } from "./placeholders.ts";
import type { CallNode, Condition, Operand, PathNode } from "./tree.ts";

/** What names and values of one request are looked up in, and the parameter that errors begin with, if any. */
export interface Binding {
  readonly placeholders: Placeholders;
  readonly parameter: ExpressionParameter | undefined;
}

/**
 * The condition with its names and values in place. `ValidationException` for what is not defined, numbers
 * and types of operands, bounds out of order; conditions are looked at one after the other, as production does:
 * https://github.com/architect/dynalite/blob/main/db/conditionParser.pegjs (seen 2026-11).
 */
export function bindCondition(condition: Condition, binding: Binding): BoundCondition {
  const operand = (node: Operand): BoundOperand => bindOperand(node, binding);
  switch (condition.kind) {
    case "and":
    case "or": {
      const left = bindCondition(condition.left, binding);
      return { kind: condition.kind, left, right: bindCondition(condition.right, binding) };
    }
    case "not":
      return { kind: "not", negated: bindCondition(condition.negated, binding) };
    case "compare": {
      const { comparator } = condition;
      const [left, right] = [operand(condition.left), operand(condition.right)];
      checkDistinct(comparator, [left, right], binding);
      if (comparator !== "=" && comparator !== "<>") {
        checkTypes(comparator, [left, right], ordered, binding);
      }
      return { kind: "compare", comparator, left, right };
    }
    case "between": {
      const [of, low, high] = [condition.operand, condition.low, condition.high].map(operand) as [
        BoundOperand,
        BoundOperand,
        BoundOperand,
      ]; // three in, three out
      checkDistinct("BETWEEN", [of, low, high], binding);
      checkTypes("BETWEEN", [of, low, high], ordered, binding);
      checkBounds(low, high, binding);
      return { kind: "between", operand: of, low, high };
    }
    case "in": {
      const [of, among] = [operand(condition.operand), condition.among.map(operand)];
      if (among.length > inOperandsMax) {
        throw refuse(
          binding,
          `The IN operator is provided with too many operands; number of operands: ${among.length}`,
        );
      }
      checkDistinct("IN", [of, ...among], binding);
      return { kind: "in", operand: of, among };
    }
    case "call":
      return bindCall(condition, binding);
  }
  return unreachable(condition);
}

export function refuse({ parameter }: Binding, sentence: string): Error {
  return validation(saidOf(parameter, sentence));
}

export function bindPath(node: PathNode, binding: Binding): Path {
  const steps = node.steps.map((step) => {
    if (step.kind === "index") return step.index;
    return step.kind === "name"
      ? step.name
      : binding.placeholders.name(step.alias, binding.parameter);
  });
  if (steps.length > pathStepsMax) {
    throw refuse(
      binding,
      `The document path has too many nesting levels; nesting levels: ${steps.length}`,
    );
  }
  return steps as unknown as Path; // the parser begins every path with a name
}

function bindOperand(node: Operand, binding: Binding): BoundOperand {
  if (node.kind === "path") return { kind: "path", path: bindPath(node, binding) };
  if (node.kind === "value") {
    return {
      kind: "value",
      value: binding.placeholders.value(node.placeholder, binding.parameter),
    };
  }
  const [of] = bindOperands(node, binding, 1); // only `size` is left: static checks refuse the others here
  checkTypes("size", [of], sized, binding);
  return { kind: "size", of };
}

/** The operands of a function, which must be as many as it takes. */
function bindOperands(call: CallNode, binding: Binding, count: 1): readonly [BoundOperand];
function bindOperands(
  call: CallNode,
  binding: Binding,
  count: 2,
): readonly [BoundOperand, BoundOperand];
function bindOperands(call: CallNode, binding: Binding, count: number): readonly BoundOperand[] {
  const operands = call.operands.map((node) => bindOperand(node, binding));
  if (operands.length === count) return operands;
  throw wrongCount(call, binding);
}

export function wrongCount(call: CallNode, binding: Binding): Error {
  return refuse(
    binding,
    `Incorrect number of operands for operator or function; operator or function: ${call.name}, number of operands: ${call.operands.length}`,
  );
}

function bindCall(call: CallNode, binding: Binding): BoundCondition {
  switch (call.name) {
    case "attribute_exists":
    case "attribute_not_exists": {
      const [of] = bindOperands(call, binding, 1);
      return { kind: call.name, path: pathOf(of, call.name, binding) };
    }
    case "attribute_type": {
      const [of, argument] = bindOperands(call, binding, 2);
      checkDistinct(call.name, [of, argument], binding);
      pathOf(of, call.name, binding);
      checkTypeName(argument, binding);
      return { kind: call.name, operand: of, argument };
    }
    case "begins_with": {
      const [of, argument] = bindOperands(call, binding, 2);
      checkDistinct(call.name, [of, argument], binding);
      checkTypes(call.name, [of, argument], ["S", "B"], binding);
      return { kind: call.name, operand: of, argument };
    }
    default: {
      const [of, argument] = bindOperands(call, binding, 2); // `contains`: static checks refuse the others here
      checkDistinct(call.name, [of, argument], binding);
      return { kind: "contains", operand: of, argument };
    }
  }
}

function pathOf(operand: BoundOperand, name: string, binding: Binding): Path {
  if (operand.kind === "path") return operand.path;
  throw needsPath(name, binding);
}

export function needsPath(name: string, binding: Binding): Error {
  return refuse(
    binding,
    `Operator or function requires a document path; operator or function: ${name}`,
  );
}

const ordered: readonly ValueType[] = ["S", "N", "B"];
const sized: readonly ValueType[] = ["S", "B", "SS", "NS", "BS", "L", "M"];

/** The type an operand has whatever the item is. */
function typeOfOperand(operand: BoundOperand): ValueType | undefined {
  if (operand.kind === "value") return typeOf(operand.value);
  return operand.kind === "size" ? "N" : undefined;
}

function checkTypes(
  name: string,
  operands: readonly BoundOperand[],
  allowed: readonly ValueType[],
  binding: Binding,
): void {
  for (const operand of operands) {
    const type = typeOfOperand(operand);
    if (type !== undefined && !allowed.includes(type)) throw wrongType(name, type, binding);
  }
}

export function wrongType(name: string, type: string, binding: Binding): Error {
  return refuse(
    binding,
    `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
  );
}

function checkTypeName(argument: BoundOperand, binding: Binding): void {
  const type = typeOfOperand(argument);
  if (argument.kind !== "value" || argument.value.S === undefined) {
    throw wrongType("attribute_type", type ?? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", binding);
  }
  const name = argument.value.S;
  if (valueTypes.some((known) => known === name)) return;
  throw refuse(
    binding,
    `Invalid attribute type name found; type: ${name}, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}`,
  );
}

function checkDistinct(name: string, operands: readonly BoundOperand[], binding: Binding): void {
  const [first, ...rest] = operands;
  if (first?.kind !== "path") return;
  if (!rest.some((other) => other.kind === "path" && isSamePath(first.path, other.path))) return;
  throw refuse(
    binding,
    `The first operand must be distinct from the remaining operands for this operator or function; operator: ${name}, first operand: ${pathText(first.path)}`,
  );
}

function checkBounds(low: BoundOperand, high: BoundOperand, binding: Binding): void {
  if (low.kind !== "value" || high.kind !== "value") return;
  const shown = [low, high].map(({ value: { S, N, B } }) => {
    if (S !== undefined) return `AttributeValue: {S:${S}}`;
    if (N !== undefined) return `AttributeValue: {N:${N}}`;
    return `AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=${B?.length} cap=${B?.length}]}`;
  });
  const bounds = `lower bound operand: ${shown[0]}, upper bound operand: ${shown[1]}`;
  const order = compareValues(low.value, high.value);
  if (order === undefined) {
    throw refuse(
      binding,
      `The BETWEEN operator requires same data type for lower and upper bounds; ${bounds}`,
    );
  }
  if (order <= 0) return;
  throw refuse(
    binding,
    `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${bounds}`,
  );
}
