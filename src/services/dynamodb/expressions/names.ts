import { unreachable } from "#base/assert.ts";
import type { BoundCondition, BoundOperand, BoundUpdate, Path } from "./bound.ts";

/** Every path a condition reads, in the order it is written. */
export function pathsOfCondition(condition: BoundCondition): readonly Path[] {
  switch (condition.kind) {
    case "and":
    case "or":
      return [...pathsOfCondition(condition.left), ...pathsOfCondition(condition.right)];
    case "not":
      return pathsOfCondition(condition.negated);
    case "compare":
      return [condition.left, condition.right].flatMap(pathsOfOperand);
    case "between":
      return [condition.operand, condition.low, condition.high].flatMap(pathsOfOperand);
    case "in":
      return [condition.operand, ...condition.among].flatMap(pathsOfOperand);
    case "attribute_exists":
    case "attribute_not_exists":
      return [condition.path];
    case "attribute_type":
    case "begins_with":
    case "contains":
      return [condition.operand, condition.argument].flatMap(pathsOfOperand);
  }
  return unreachable(condition);
}

/** The paths an update writes. */
export function pathsWritten(update: BoundUpdate): readonly Path[] {
  return update.actions.map(({ path }) => path);
}

function pathsOfOperand(operand: BoundOperand): readonly Path[] {
  if (operand.kind === "path") return [operand.path];
  return operand.kind === "size" ? pathsOfOperand(operand.of) : [];
}
