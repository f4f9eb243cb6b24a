import { unreachable } from "#base/assert.ts";
import { ValidationError } from "#protocol/wire/wire.ts";
import { type Constraint, constraints } from "./constraints.ts";

/**
 * Throws what the service answers when members break their constraints: all of them in one message.
 * `1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must …`
 */
export function validateInput(operation: string, input: object): void {
  const broken: string[] = [];
  for (const { path, names, rule } of rules.get(operation) ?? []) {
    const value = valueAt(input, names);
    if (value === undefined || value === null) continue;
    const sentence = check(value, rule);
    if (sentence === undefined) continue;
    const shown = rule.sensitive ? "" : ` '${show(value)}'`;
    broken.push(`Value${shown} at '${path}' failed to satisfy constraint: ${sentence}`);
  }
  if (broken.length === 0) return;
  const plural = broken.length === 1 ? "" : "s";
  throw new ValidationError(
    [],
    `${broken.length} validation error${plural} detected: ${broken.join("; ")}`,
  );
}

/** The table as it is used at every call: paths taken apart once. */
const rules = new Map(
  Object.entries(constraints).map(([operation, members]) => [
    operation,
    Object.entries(members).map(([path, rule]) => ({
      path: wirePath(path),
      names: path.split("."),
      rule,
    })),
  ]),
);

function valueAt(input: object, names: readonly string[]): unknown {
  let value: unknown = input;
  for (const name of names) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[name]; // any object may be read by name
  }
  return value;
}

/** Undefined when `value` keeps the rule. Values of another type were refused by the decoder. */
function check(value: unknown, rule: Constraint): string | undefined {
  switch (rule.kind) {
    case "number":
      return typeof value === "number" ? numberSentence(value, rule) : undefined;
    case "text":
      return typeof value === "string" ? textSentence(value, rule) : undefined;
    case "list":
      return Array.isArray(value) ? listSentence(value, rule) : undefined;
    case "map":
      return typeof value === "object" && value !== null ? mapSentence(value, rule) : undefined;
    default:
      return unreachable(rule.kind);
  }
}

function numberSentence(value: number, { min, max }: Constraint): string | undefined {
  if (min !== undefined && value < min) {
    return `Member must have value greater than or equal to ${min}`;
  }
  if (max !== undefined && value > max)
    return `Member must have value less than or equal to ${max}`;
  return Number.isNaN(value) ? `Member must have value greater than or equal to ${min}` : undefined;
}

function lengthSentence(length: number, { min, max }: Constraint): string | undefined {
  if (min !== undefined && length < min) {
    return `Member must have length greater than or equal to ${min}`;
  }
  if (max !== undefined && length > max) {
    return `Member must have length less than or equal to ${max}`;
  }
  return undefined;
}

function textSentence(value: string, rule: Constraint): string | undefined {
  const length = lengthSentence(value.length, rule);
  if (length !== undefined) return length; // and the pattern never sees an oversized text
  if (rule.values && !rule.values.includes(value)) {
    return `Member must satisfy enum value set: [${rule.values.join(", ")}]`;
  }
  if (rule.pattern !== undefined && !wholly(rule.pattern).test(value)) {
    return `Member must satisfy regular expression pattern: ${rule.pattern}`;
  }
  return undefined;
}

function listSentence(value: readonly unknown[], rule: Constraint): string | undefined {
  const length = lengthSentence(value.length, rule);
  if (length !== undefined) return length;
  const { items } = rule;
  if (!items || value.every((item) => check(item, items) === undefined)) return undefined;
  return `Member must satisfy constraint: [${allSentences(items).join(", ")}]`;
}

function mapSentence(value: object, rule: Constraint): string | undefined {
  const { names, items } = rule;
  if (names && Object.keys(value).some((name) => check(name, names) !== undefined)) {
    return `Map keys must satisfy constraint: [${allSentences(names).join(", ")}]`;
  }
  if (items && Object.values(value).some((item) => check(item, items) !== undefined)) {
    return `Map value must satisfy constraint: [${allSentences(items).join(", ")}]`;
  }
  return undefined;
}

/** Inside a list or map the service lists everything the element must satisfy. */
function allSentences(rule: Constraint): string[] {
  const measure = rule.kind === "number" ? "value" : "length";
  const { min, max, values, pattern } = rule;
  return [
    ...(max === undefined ? [] : [`Member must have ${measure} less than or equal to ${max}`]),
    ...(min === undefined ? [] : [`Member must have ${measure} greater than or equal to ${min}`]),
    ...(values ? [`Member must satisfy enum value set: [${values.join(", ")}]`] : []),
    ...(pattern === undefined
      ? []
      : [`Member must satisfy regular expression pattern: ${pattern}`]),
    "Member must not be null",
  ];
}

const compiled = new Map<string, RegExp>();

/** Patterns come from the table above, so there are only so many to keep. */
function wholly(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = new RegExp(`^(?:${pattern})$`);
    compiled.set(pattern, expression);
  }
  return expression;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([name, item]) => `${name}=${String(item)}`);
  return `{${entries.join(", ")}}`;
}

/** `VpcConfig.SubnetIds` → `vpcConfig.subnetIds`, `KMSKeyArn` → `kMSKeyArn`, as the service writes them. */
function wirePath(path: string): string {
  return path
    .split(".")
    .map((name) => name.charAt(0).toLowerCase() + name.slice(1))
    .join(".");
}
