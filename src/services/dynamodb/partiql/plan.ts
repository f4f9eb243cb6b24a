import type {
  BoundCondition,
  BoundOperand,
  KeyAttribute,
  KeyConditions,
} from "../expressions/expressions.ts";
import {
  compareValues,
  isEqual,
  setAttribute,
  typeOf,
  validation,
  type AttributeValue,
  type Item,
} from "../values/values.ts";
import { partitionsMax } from "./limits.ts";
import type { Select } from "./statement.ts";

/** The key attributes of a table or index. */
export interface Keys {
  readonly hash: KeyAttribute;
  readonly range: KeyAttribute | undefined;
}

/** How a SELECT reads. */
export interface ReadPlan {
  /** What is asked of each partition; undefined: everything is looked at. */
  readonly partitions: readonly KeyConditions[] | undefined;
  /** What an item must meet beyond its key. */
  readonly filter: BoundCondition | undefined;
  readonly isDescending: boolean;
}

/**
 * A SELECT that names its partitions (by `=`, `IN`, or `=` joined by OR) reads those, by ranges of the sort key
 * where one is given; any other looks at everything. `ValidationException` for what cannot be ordered.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.select.html
 */
export function planRead(select: Pick<Select, "where" | "order">, keys: Keys): ReadPlan {
  const parts = conjuncts(select.where);
  const chosen = parts.find((part) => partitionValues(part, keys.hash) !== undefined);
  const values = chosen && partitionValues(chosen, keys.hash);
  checkOrder(select, keys, values?.length ?? 0);
  if (!values) return { partitions: undefined, filter: select.where, isDescending: false };
  if (values.length > partitionsMax) {
    throw validation("Too many decomposed read operations for a given query.");
  }
  const ranged = keys.range && parts.find((part) => part !== chosen && rangeConstraint(part, keys));
  const constraint = ranged && rangeConstraint(ranged, keys);
  const sorted = select.order.find(({ name }) => name === keys.range?.name);
  const partitions = ordered(values, select, keys).map((value): KeyConditions => {
    const conditions = new Map([[keys.hash.name, { operator: "EQ", values: [value] }]]);
    if (constraint && keys.range) conditions.set(keys.range.name, constraint);
    return conditions;
  });
  const rest = parts.filter((part) => part !== chosen && part !== ranged);
  return { partitions, filter: joined(rest), isDescending: sorted?.isDescending === true };
}

/** The one item a write or a transaction's read is about, and what else must hold of it. */
export interface KeyPlan {
  readonly key: Item;
  readonly rest: BoundCondition | undefined;
}

/** Undefined unless every key attribute is asked to equal a value. */
export function planKey(where: BoundCondition | undefined, keys: Keys): KeyPlan | undefined {
  const parts = conjuncts(where);
  const key: Record<string, AttributeValue> = {};
  const used = new Set<BoundCondition>();
  for (const attribute of keys.range ? [keys.hash, keys.range] : [keys.hash]) {
    const found = parts.find((part) => equalValue(part, attribute.name) !== undefined);
    const value = found && equalValue(found, attribute.name);
    if (!found || !value) return undefined;
    setAttribute(key, attribute.name, value);
    used.add(found);
  }
  return { key, rest: joined(parts.filter((part) => !used.has(part))) };
}

function conjuncts(condition: BoundCondition | undefined): readonly BoundCondition[] {
  if (condition === undefined) return [];
  if (condition.kind !== "and") return [condition];
  return [...conjuncts(condition.left), ...conjuncts(condition.right)];
}

function joined(parts: readonly BoundCondition[]): BoundCondition | undefined {
  const [first, ...rest] = parts;
  if (!first) return undefined;
  return rest.reduce((left, right): BoundCondition => ({ kind: "and", left, right }), first);
}

function isNamed(operand: BoundOperand, name: string): boolean {
  return operand.kind === "path" && operand.path.length === 1 && operand.path[0] === name;
}

function equalValue(condition: BoundCondition, name: string): AttributeValue | undefined {
  if (condition.kind !== "compare" || condition.comparator !== "=") return undefined;
  const { left, right } = condition;
  if (isNamed(left, name) && right.kind === "value") return right.value;
  return isNamed(right, name) && left.kind === "value" ? left.value : undefined;
}

/** Different values a partition key must be one of; undefined when this condition does not say. */
function partitionValues(
  condition: BoundCondition,
  hash: KeyAttribute,
): readonly AttributeValue[] | undefined {
  const values = keyValues(condition, hash.name);
  if (!values?.every((value) => typeOf(value) === hash.type)) return undefined;
  return values.filter((value, at) => values.findIndex((other) => isEqual(other, value)) === at);
}

function keyValues(condition: BoundCondition, name: string): readonly AttributeValue[] | undefined {
  if (condition.kind === "or") {
    const [left, right] = [keyValues(condition.left, name), keyValues(condition.right, name)];
    return left && right && [...left, ...right];
  }
  if (condition.kind === "in") {
    if (!isNamed(condition.operand, name)) return undefined;
    const values = condition.among.flatMap((one) => (one.kind === "value" ? [one.value] : []));
    return values.length === condition.among.length ? values : undefined;
  }
  const value = equalValue(condition, name);
  return value && [value];
}

const operators = { "=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE" } as const;
const mirrored = { "=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const;

interface RangeConstraint {
  readonly operator: string;
  readonly values: AttributeValue[];
}

/** A condition on the sort key that is one range of it. */
function rangeConstraint(condition: BoundCondition, { range }: Keys): RangeConstraint | undefined {
  if (!range) return undefined;
  const constraint = constraintOn(condition, range.name);
  return constraint?.values.every((value) => typeOf(value) === range.type) ? constraint : undefined;
}

function constraintOn(condition: BoundCondition, name: string): RangeConstraint | undefined {
  if (condition.kind === "compare") {
    const { left, right, comparator } = condition;
    if (comparator === "<>") return undefined;
    if (isNamed(left, name) && right.kind === "value") {
      return { operator: operators[comparator], values: [right.value] };
    }
    if (!isNamed(right, name) || left.kind !== "value") return undefined;
    return { operator: operators[mirrored[comparator]], values: [left.value] };
  }
  if (condition.kind === "between") {
    const { operand, low, high } = condition;
    if (!isNamed(operand, name) || low.kind !== "value" || high.kind !== "value") return undefined;
    return { operator: "BETWEEN", values: [low.value, high.value] };
  }
  if (condition.kind !== "begins_with") return undefined;
  const { operand, argument } = condition;
  if (!isNamed(operand, name) || argument.kind !== "value") return undefined;
  return { operator: "BEGINS_WITH", values: [argument.value] };
}

function checkOrder(
  { where, order }: Pick<Select, "where" | "order">,
  { hash, range }: Keys,
  partitionCount: number,
): void {
  if (order.length === 0) return;
  if (where === undefined) {
    throw validation("Must have WHERE clause in the statement when using ORDER BY clause.");
  }
  for (const { name } of order) {
    if (name === hash.name || name === range?.name) continue;
    throw validation(`Attribute ${name} in ORDER BY clause must be part of the primary key`);
  }
  if (partitionCount === 0) {
    throw validation(
      "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
    );
  }
  if (partitionCount === 1 || order.some(({ name }) => name === hash.name)) return;
  throw validation(
    "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
  );
}

/** As they are written, unless the statement orders by the partition key. */
function ordered(
  values: readonly AttributeValue[],
  { order }: Pick<Select, "order">,
  { hash }: Keys,
): readonly AttributeValue[] {
  const wanted = order.find(({ name }) => name === hash.name);
  if (!wanted) return values;
  const ascending = values.toSorted((left, right) => compareValues(left, right) ?? 0);
  return wanted.isDescending ? ascending.toReversed() : ascending;
}
