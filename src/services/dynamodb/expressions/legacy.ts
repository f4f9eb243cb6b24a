import {
  checkedValue,
  compareValues,
  invalidParameters,
  typeOf,
  validation,
} from "../values/values.ts";
import type { AttributeValue, ValueType } from "../values/values.ts";
import type { BoundAction, BoundCondition, BoundUpdate, Path, ValueOperand } from "./bound.ts";
import type { KeyConditions } from "./key-conditions.ts";

/** A condition of `KeyConditions`, `QueryFilter` or `ScanFilter`. */
export interface LegacyCondition {
  readonly ComparisonOperator?: string | undefined;
  readonly AttributeValueList?: readonly AttributeValue[] | undefined;
}

export interface LegacyExpectation extends LegacyCondition {
  readonly Value?: AttributeValue | undefined;
  readonly Exists?: boolean | undefined;
}

export interface LegacyUpdate {
  readonly Action?: string | undefined;
  readonly Value?: AttributeValue | undefined;
}

/**
 * The parameters that came before expressions, as what expressions become.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html;
 * sentences are production's: https://github.com/architect/dynalite/blob/main/validations/index.js (seen 2026-11)
 */
export function conditionOfFilter(
  filter: Readonly<Record<string, LegacyCondition>>,
  conditionalOperator: string | undefined,
): BoundCondition | undefined {
  const conditions = Object.entries(filter).map(([name, condition]) =>
    comparison(name, condition.ComparisonOperator ?? "", checkedArguments(condition)),
  );
  return joined(conditions, conditionalOperator);
}

/** As `conditionOfFilter`, for `Expected`. */
export function conditionOfExpected(
  expected: Readonly<Record<string, LegacyExpectation>>,
  conditionalOperator: string | undefined,
): BoundCondition | undefined {
  const conditions = Object.entries(expected).map(([name, expectation]) =>
    expectationOf(name, expectation),
  );
  return joined(conditions, conditionalOperator);
}

/** As `conditionOfFilter`, for `KeyConditions`. */
export function keyConditionsOfLegacy(
  conditions: Readonly<Record<string, LegacyCondition>>,
): KeyConditions {
  const entries = Object.entries(conditions).map(
    ([name, condition]) =>
      [
        name,
        { operator: condition.ComparisonOperator ?? "", values: checkedArguments(condition) },
      ] as const,
  );
  if (entries.length < 1 || entries.length > 2) {
    throw validation("Conditions can be of length 1 or 2 only");
  }
  return new Map(entries);
}

/** `AttributeUpdates`. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.AttributeUpdates.html */
export function updateOfLegacy(updates: Readonly<Record<string, LegacyUpdate>>): BoundUpdate {
  const checked = Object.entries(updates).map(([name, { Action, Value }]) => ({
    path: [name] as const,
    action: Action ?? "PUT",
    value: Value && checkedValue(Value),
  }));
  return { actions: checked.map(legacyAction), isLegacy: true };
}

/** `AttributesToGet`. */
export function pathsOfLegacy(names: readonly string[]): readonly Path[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalidParameters(`Duplicate value in attribute name: ${name}`);
    seen.add(name);
  }
  return names.map((name) => [name]);
}

interface CheckedUpdate {
  readonly path: Path;
  readonly action: string;
  readonly value: AttributeValue | undefined;
}

const addable: readonly ValueType[] = ["N", "SS", "NS", "BS", "L"];
const deletable: readonly ValueType[] = ["SS", "NS", "BS"];

function legacyAction({ path, action, value }: CheckedUpdate): BoundAction {
  if (value === undefined) {
    if (action === "DELETE") return { kind: "remove", path };
    throw invalidParameters("Only DELETE action is allowed when no attribute value is specified");
  }
  const type = typeOf(value);
  if (action === "DELETE") {
    if (deletable.includes(type)) return { kind: "delete", path, value };
    throw invalidParameters(`DELETE action with value is not supported for the type ${type}`);
  }
  if (action !== "ADD") return { kind: "set", path, value: { kind: "value", value } };
  if (addable.includes(type)) return { kind: "add", path, value };
  throw invalidParameters(`ADD action is not supported for the type ${type}`);
}

function joined(
  conditions: readonly BoundCondition[],
  conditionalOperator: string | undefined,
): BoundCondition | undefined {
  const kind = conditionalOperator === "OR" ? "or" : "and";
  const [first, ...rest] = conditions;
  if (!first) return undefined;
  return rest.reduce((left, right): BoundCondition => ({ kind, left, right }), first);
}

const argumentCounts: Readonly<Record<string, number>> = { NULL: 0, NOT_NULL: 0, BETWEEN: 2 };

const scalars: readonly ValueType[] = ["S", "N", "B"];
const argumentTypes: Readonly<Record<string, readonly ValueType[]>> = {
  LE: scalars,
  LT: scalars,
  GE: scalars,
  GT: scalars,
  CONTAINS: scalars,
  NOT_CONTAINS: scalars,
  BEGINS_WITH: ["S", "B"],
  IN: scalars,
  BETWEEN: scalars,
};

function checkedArguments(condition: LegacyCondition): readonly AttributeValue[] {
  const { ComparisonOperator: operator = "" } = condition;
  const values = (condition.AttributeValueList ?? []).map((value) => checkedValue(value));
  checkCount(operator, values.length);
  checkSameType(values);
  const types = argumentTypes[operator];
  for (const type of values.map(typeOf)) {
    if (types === undefined || types.includes(type)) continue;
    throw invalidParameters(
      `ComparisonOperator ${operator} is not valid for ${type} AttributeValue type`,
    );
  }
  checkOrder(operator, values);
  return values;
}

function checkCount(operator: string, count: number): void {
  const isRight = operator === "IN" ? count > 0 : count === (argumentCounts[operator] ?? 1);
  if (isRight) return;
  throw invalidParameters(`Invalid number of argument(s) for the ${operator} ComparisonOperator`);
}

function checkSameType(values: readonly AttributeValue[]): void {
  if (new Set(values.map(typeOf)).size <= 1) return;
  throw invalidParameters("AttributeValues inside AttributeValueList must be of same type");
}

function checkOrder(operator: string, [low, high]: readonly AttributeValue[]): void {
  if (operator !== "BETWEEN" || !low || !high || (compareValues(low, high) ?? 0) <= 0) return;
  throw validation(
    "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
  );
}

function expectationOf(name: string, expectation: LegacyExpectation): BoundCondition {
  const { Value, Exists, ComparisonOperator: operator, AttributeValueList: list } = expectation;
  if (list !== undefined && Value !== undefined) {
    throw invalidParameters(
      `Value and AttributeValueList cannot be used together for Attribute: ${name}`,
    );
  }
  if (operator !== undefined) {
    if (Exists !== undefined) {
      throw invalidParameters(
        `Exists and ComparisonOperator cannot be used together for Attribute: ${name}`,
      );
    }
    if (argumentCounts[operator] !== 0 && list === undefined && Value === undefined) {
      throw invalidParameters(
        `Value or AttributeValueList must be used with ComparisonOperator: ${operator} for Attribute: ${name}`,
      );
    }
    const AttributeValueList = list ?? (Value === undefined ? [] : [Value]);
    const values = checkedArguments({ ComparisonOperator: operator, AttributeValueList });
    return comparison(name, operator, values);
  }
  if (list !== undefined) {
    throw invalidParameters(
      `AttributeValueList can only be used with a ComparisonOperator for Attribute: ${name}`,
    );
  }
  return existenceOf(name, Value, Exists);
}

function existenceOf(
  name: string,
  value: AttributeValue | undefined,
  exists: boolean | undefined,
): BoundCondition {
  if (exists === false) {
    if (value === undefined) return { kind: "attribute_not_exists", path: [name] };
    throw invalidParameters(`Value cannot be used when Exists is false for Attribute: ${name}`);
  }
  if (value !== undefined) return comparison(name, "EQ", [checkedValue(value)]);
  throw invalidParameters(
    `Value must be provided when Exists is ${exists ?? "null"} for Attribute: ${name}`,
  );
}

const comparators = { EQ: "=", NE: "<>", LE: "<=", LT: "<", GE: ">=", GT: ">" } as const;

/** Values are checked; there are as many as the operator takes. */
function comparison(
  name: string,
  operator: string,
  values: readonly AttributeValue[],
): BoundCondition {
  const operand = { kind: "path", path: [name] } as const;
  const among = values.map((value): ValueOperand => ({ kind: "value", value }));
  const [argument = { kind: "value", value: { NULL: true } }, high = argument] = among;
  const exists = { kind: "attribute_exists", path: [name] } as const;
  switch (operator) {
    case "NULL":
      return { kind: "attribute_not_exists", path: [name] };
    case "NOT_NULL":
      return exists;
    case "IN":
      return { kind: "in", operand, among };
    case "BETWEEN":
      return { kind: "between", operand, low: argument, high };
    case "BEGINS_WITH":
      return { kind: "begins_with", operand, argument };
    case "CONTAINS":
      return { kind: "contains", operand, argument };
    // Of an attribute that is not there nothing is true, not even that it does not contain something.
    case "NOT_CONTAINS": {
      const right = { kind: "not", negated: { kind: "contains", operand, argument } } as const;
      return { kind: "and", left: exists, right };
    }
    case "EQ":
    case "NE":
    case "LE":
    case "LT":
    case "GE":
    case "GT":
      return { kind: "compare", comparator: comparators[operator], left: operand, right: argument };
    default:
      throw validation(`Unsupported operator on ComparisonOperator: ${operator}`);
  }
}
