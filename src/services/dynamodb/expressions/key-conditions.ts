import { encodeKeyValue, invalidParameters, typeOf, validation } from "../values/values.ts";
import type { AttributeValue, KeyType } from "../values/values.ts";
import type { BoundCondition, BoundOperand, Path } from "./bound.ts";
import type { Comparator } from "./lexer.ts";

/** What one key attribute must be like, in the words of `ComparisonOperator`. */
export interface KeyConstraint {
  readonly operator: string;
  readonly values: readonly AttributeValue[];
}

/** At most one constraint for each attribute name. */
export type KeyConditions = ReadonlyMap<string, KeyConstraint>;

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** Where the items of a query are. */
export interface KeyRange {
  readonly partition: AttributeValue;
  /**
   * Key bytes of the sort values (`encodeKeyValue`), in byte order: `start` included, `end` not; undefined where
   * there is no bound. `isSingle` when only one value can be in it. Undefined: all of the partition.
   */
  readonly sort: SortRange | undefined;
}

export interface SortRange {
  readonly start: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
  readonly isSingle: boolean;
}

/**
 * The constraints of a `KeyConditionExpression`. `ValidationException` for everything that is not a comparison
 * of one attribute with values, joined by AND. The sentences are production's:
 * https://github.com/architect/dynalite/blob/main/validations/index.js (`checkExpr`, seen 2026-11)
 */
export function keyConditionsOf(condition: BoundCondition): KeyConditions {
  const conditions = new Map<string, KeyConstraint>();
  addConstraints(condition, conditions);
  if (conditions.size > 2) throw validation("Conditions can be of length 1 or 2 only");
  return conditions;
}

function addConstraints(condition: BoundCondition, into: Map<string, KeyConstraint>): void {
  switch (condition.kind) {
    case "and":
      addConstraints(condition.left, into);
      addConstraints(condition.right, into);
      return;
    case "compare": {
      const { comparator, left, right } = condition;
      if (comparator === "<>") throw notIndexable("<>");
      const constraint = { left, right, operator: operators[comparator] };
      addConstraint(isPath(left) ? constraint : mirrored(constraint, comparator), into);
      return;
    }
    case "between": {
      const { operand, low, high } = condition;
      if (!isPath(operand)) throw firstOperand("BETWEEN");
      addConstraint({ left: operand, right: low, more: high, operator: "BETWEEN" }, into);
      return;
    }
    case "begins_with": {
      const { operand, argument } = condition;
      if (!isPath(operand)) throw firstOperand("begins_with");
      addConstraint({ left: operand, right: argument, operator: "BEGINS_WITH" }, into);
      return;
    }
    case "or":
    case "not":
    case "in":
      throw notIndexable(condition.kind.toUpperCase());
    case "attribute_exists":
    case "attribute_not_exists":
    case "attribute_type":
    case "contains":
      throw notIndexable(condition.kind);
  }
}

type Indexable = Exclude<Comparator, "<>">;

const operators: Readonly<Record<Indexable, string>> = {
  "=": "EQ",
  "<": "LT",
  "<=": "LE",
  ">": "GT",
  ">=": "GE",
};

const mirror: Readonly<Record<Indexable, Indexable>> = {
  "=": "=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

interface Sides {
  readonly left: BoundOperand;
  readonly right: BoundOperand;
  readonly more?: BoundOperand;
  readonly operator: string;
}

function mirrored({ left, right }: Sides, comparator: Indexable): Sides {
  return { left: right, right: left, operator: operators[mirror[comparator]] };
}

function isPath(operand: BoundOperand): boolean {
  return operand.kind === "path";
}

function addConstraint(sides: Sides, into: Map<string, KeyConstraint>): void {
  const { left, right, more, operator } = sides;
  const operands = [left, right, ...(more ? [more] : [])];
  if (operands.some(({ kind }) => kind === "size")) {
    throw validation("KeyConditionExpressions cannot contain nested operations");
  }
  const paths = operands.flatMap((operand): Path[] =>
    operand.kind === "path" ? [operand.path] : [],
  );
  if (paths.length > 1) {
    throw validation(
      "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
    );
  }
  const [path] = paths;
  if (!path) {
    throw validation("Invalid condition in KeyConditionExpression: No key attribute specified");
  }
  if (path.length > 1) {
    throw validation("KeyConditionExpressions cannot have conditions on nested attributes");
  }
  if (into.has(path[0])) {
    throw validation("KeyConditionExpressions must only contain one condition per key");
  }
  const values = operands.flatMap((operand): AttributeValue[] =>
    operand.kind === "value" ? [operand.value] : [],
  );
  into.set(path[0], { operator, values });
}

function notIndexable(operator: string): Error {
  return validation(`Invalid operator used in KeyConditionExpression: ${operator}`);
}

function firstOperand(operator: string): Error {
  return validation(
    `Invalid condition in KeyConditionExpression: ${operator} operator must have the key attribute as its first operand`,
  );
}

/**
 * Where the items are that meet the conditions on a key of these attributes, partition first.
 * `ValidationException` when they do not fit it. The sentences are production's:
 * https://github.com/architect/dynalite/blob/main/actions/query.js (seen 2026-11)
 */
export function keyRangeOf(
  conditions: KeyConditions,
  schema: readonly [partition: KeyAttribute, sort?: KeyAttribute],
): KeyRange {
  const [partition, sort] = schema;
  if (sort === undefined && conditions.size > 1) throw notSupported();
  for (const attribute of schema) if (attribute) checkConstraint(conditions, attribute, partition);
  const equal = conditions.get(partition.name)?.values[0];
  if (equal === undefined) throw missed(partition);
  const constraint = sort && conditions.get(sort.name);
  for (const attribute of schema) if (attribute) checkNotEmpty(conditions, attribute);
  return { partition: equal, sort: constraint && sortRangeOf(constraint) };
}

const notOrdered = ["NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN"];

function checkConstraint(
  conditions: KeyConditions,
  { name, type }: KeyAttribute,
  partition: KeyAttribute,
): void {
  const isPartition = name === partition.name;
  const constraint = conditions.get(name);
  if (!constraint) {
    if (isPartition || conditions.size > 1) throw missed({ name, type });
    return;
  }
  if (notOrdered.includes(constraint.operator)) {
    throw validation("Attempted conditional constraint is not an indexable operation");
  }
  if (constraint.values.some((value) => typeOf(value) !== type)) {
    throw invalidParameters("Condition parameter type does not match schema type");
  }
  if (isPartition && constraint.operator !== "EQ") throw notSupported();
}

function missed({ name }: KeyAttribute): Error {
  return validation(`Query condition missed key schema element: ${name}`);
}

function notSupported(): Error {
  return validation("Query key condition not supported");
}

function checkNotEmpty(conditions: KeyConditions, { name }: KeyAttribute): void {
  for (const value of conditions.get(name)?.values ?? []) {
    if (value.S !== "" && value.B?.length !== 0) continue;
    throw validation(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${value.S === "" ? "string" : "binary"} value. Key: ${name}`,
    );
  }
}

function sortRangeOf({ operator, values }: KeyConstraint): SortRange {
  const [first = new Uint8Array(), second = first] = values.map(encodeKeyValue);
  const range = (start: Uint8Array | undefined, end: Uint8Array | undefined): SortRange => ({
    start,
    end,
    isSingle: false,
  });
  switch (operator) {
    case "LT":
      return range(undefined, first);
    case "LE":
      return range(undefined, successor(first));
    case "GT":
      return range(successor(first), undefined);
    case "GE":
      return range(first, undefined);
    case "BETWEEN":
      return range(first, successor(second));
    case "BEGINS_WITH":
      return range(first, prefixEnd(first));
    default:
      return { start: first, end: successor(first), isSingle: true };
  }
}

/** The least byte string greater than this one. */
function successor(bytes: Uint8Array): Uint8Array {
  const next = new Uint8Array(bytes.length + 1);
  next.set(bytes);
  return next;
}

/** The least byte string greater than all that begin with this one; undefined when there is none. */
function prefixEnd(bytes: Uint8Array): Uint8Array | undefined {
  const last = bytes.findLastIndex((byte) => byte !== 0xff);
  if (last < 0) return undefined;
  const end = Uint8Array.from(bytes.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
