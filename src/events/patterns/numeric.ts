import type { Condition } from "./conditions.ts";
import { seenAt, type JsonText } from "./json-text.ts";
import { numericAbsMax } from "./limits.ts";
import { errorAt } from "./pattern-error.ts";

/**
 * The range that `[">=", 0, "<", 10]` names. Between -5e9 and 5e9, as the service documents; open ends are
 * closed at the neighbouring number. Throws `PatternError`.
 */
export function numericRange(value: JsonText, source: string): Condition {
  if (value.kind !== "array")
    throw errorAt(source, seenAt(value), "Value of numeric must be an array.");
  const [operator, operand, ...more] = value.items;
  const fail = (at: JsonText | undefined, words: string): never => {
    throw errorAt(source, at ? seenAt(at) : value.end, words);
  };
  if (operator?.kind !== "string")
    return fail(operator, `Invalid member in numeric match: ${shown(operator, source)}`);
  const name = operator.value === "=" ? "equals" : operator.value;
  if (!["=", "<", "<=", ">", ">="].includes(operator.value))
    return fail(operand, `Unrecognized numeric range operator: ${operator.value}`);
  if (operand?.kind !== "number") return fail(operand, `Value of ${name} must be numeric`);
  const first = inRange(operand, source);
  if (!operator.value.startsWith(">")) {
    if (more[0]) fail(more[0], "Too many elements in numeric expression");
    if (operator.value === "=") return { kind: "numeric", low: first, high: first };
    const high = operator.value === "<" ? below(first) : first;
    return { kind: "numeric", low: -numericAbsMax, high };
  }
  const low = operator.value === ">" ? above(first) : first;
  if (more.length === 0) return { kind: "numeric", low, high: numericAbsMax };
  return { kind: "numeric", low, high: upperEnd({ more, end: value.end, first, source }) };
}

function upperEnd(range: {
  readonly more: readonly JsonText[];
  readonly end: number;
  readonly first: number;
  readonly source: string;
}): number {
  const [operator, operand, excess] = range.more;
  const fail = (at: JsonText | undefined, words: string): never => {
    throw errorAt(range.source, at ? seenAt(at) : range.end, words);
  };
  if (operator?.kind !== "string")
    return fail(operator, `Bad value in numeric range: ${shown(operator, range.source)}`);
  if (operator.value !== "<" && operator.value !== "<=")
    throw errorAt(range.source, operator.end, `Bad numeric range operator: ${operator.value}`);
  if (operand?.kind !== "number")
    return fail(operand, `Value of ${operator.value} must be numeric`);
  const top = inRange(operand, range.source);
  if (excess) fail(excess, "Too many terms in numeric range expression");
  if (range.first >= top) throw errorAt(range.source, range.end, "Bottom must be less than top");
  return operator.value === "<" ? below(top) : top;
}

function inRange(operand: JsonText & { readonly kind: "number" }, source: string): number {
  if (Math.abs(operand.value) <= numericAbsMax) return operand.value;
  throw errorAt(source, operand.end, "Value must be between -5.0E9 and 5.0E9, inclusive");
}

function shown(item: JsonText | undefined, source: string): string {
  if (!item) return "]";
  return item.kind === "string" ? item.value : source.slice(item.start, seenAt(item));
}

const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** The smallest number greater than `value`. */
function above(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  float[0] = value;
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n);
  return float[0];
}

function below(value: number): number {
  return -above(-value);
}
