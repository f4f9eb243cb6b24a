import { unreachable } from "#base/assert.ts";
import { compareBytes, compareValues, isEqual, typeOf } from "../values/values.ts";
import type { AttributeValue, Item } from "../values/values.ts";
import type { BoundCondition, BoundOperand } from "./bound.ts";
import type { Comparator } from "./lexer.ts";
import { valueAt } from "./paths.ts";

/**
 * Whether the condition holds for the item (for `{}` when there is none). Pure; never throws. A comparison
 * with something that is not there is false, except `<>`.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
export function matches(condition: BoundCondition, item: Item): boolean {
  switch (condition.kind) {
    case "and":
      return matches(condition.left, item) && matches(condition.right, item);
    case "or":
      return matches(condition.left, item) || matches(condition.right, item);
    case "not":
      return !matches(condition.negated, item);
    case "compare": {
      const [left, right] = [valueOf(condition.left, item), valueOf(condition.right, item)];
      return isTrue(condition.comparator, left, right);
    }
    case "between": {
      const value = valueOf(condition.operand, item);
      return (
        isTrue(">=", value, valueOf(condition.low, item)) &&
        isTrue("<=", value, valueOf(condition.high, item))
      );
    }
    case "in": {
      const value = valueOf(condition.operand, item);
      return condition.among.some((operand) => isTrue("=", value, valueOf(operand, item)));
    }
    case "attribute_exists":
      return valueAt(item, condition.path) !== undefined;
    case "attribute_not_exists":
      return valueAt(item, condition.path) === undefined;
    case "attribute_type":
    case "begins_with":
    case "contains": {
      const value = valueOf(condition.operand, item);
      const argument = valueOf(condition.argument, item);
      if (value === undefined || argument === undefined) return false;
      return isTrueOf[condition.kind](value, argument);
    }
  }
  return unreachable(condition);
}

function valueOf(operand: BoundOperand, item: Item): AttributeValue | undefined {
  if (operand.kind === "value") return operand.value;
  if (operand.kind === "path") return valueAt(item, operand.path);
  const of = valueOf(operand.of, item);
  const size = of && sizeOf(of);
  return size === undefined ? undefined : { N: String(size) };
}

/** Characters of a string, bytes of a binary, elements of the others; numbers, booleans and nulls have none. */
function sizeOf(value: AttributeValue): number | undefined {
  if (value.M !== undefined) return Object.keys(value.M).length;
  return (value.S ?? value.SS ?? value.NS ?? value.BS ?? value.L ?? value.B)?.length;
}

function isTrue(
  comparator: Comparator,
  left: AttributeValue | undefined,
  right: AttributeValue | undefined,
): boolean {
  if (left === undefined || right === undefined) return comparator === "<>";
  if (comparator === "=") return isEqual(left, right);
  if (comparator === "<>") return !isEqual(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
  return unreachable(comparator);
}

type Test = (value: AttributeValue, argument: AttributeValue) => boolean;

const isTrueOf: Readonly<Record<"attribute_type" | "begins_with" | "contains", Test>> = {
  attribute_type: (value, argument) => typeOf(value) === argument.S,
  begins_with(value, argument) {
    if (value.S !== undefined) return argument.S !== undefined && value.S.startsWith(argument.S);
    if (value.B === undefined || argument.B === undefined) return false;
    return compareBytes(value.B.subarray(0, argument.B.length), argument.B) === 0;
  },
  contains(value, argument) {
    if (value.S !== undefined) return argument.S !== undefined && value.S.includes(argument.S);
    if (value.B !== undefined) {
      return argument.B !== undefined && Buffer.from(value.B).includes(argument.B);
    }
    if (value.L !== undefined) return value.L.some((element) => isEqual(element, argument));
    if (value.SS !== undefined) return argument.S !== undefined && value.SS.includes(argument.S);
    if (value.NS !== undefined) return argument.N !== undefined && value.NS.includes(argument.N);
    const { B: wanted } = argument;
    if (value.BS === undefined || wanted === undefined) return false;
    return value.BS.some((member) => compareBytes(member, wanted) === 0);
  },
};
