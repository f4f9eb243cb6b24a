import { blockRange } from "./addresses.ts";
import { exactly, fold, type Condition, type Scalar, type TextCondition } from "./conditions.ts";
import { parseGlob } from "./glob.ts";
import { seenAt, type JsonEntry, type JsonText } from "./json-text.ts";
import { numericRange } from "./numeric.ts";
import { errorAt, locate, PatternError } from "./pattern-error.ts";

const oneKey = "Only one key allowed in match expression";
/** The service says so of other things than numbers, too. */
const tooMany = "Too many elements in numeric expression";

/** The condition that an object in a field's list stands for. `source` is the pattern's text. Throws `PatternError`. */
export function parseMatchExpression(expression: JsonText, source: string): Condition {
  const entry = onlyEntry(expression, { source, missing: "Match expression name not found" });
  const { name, value } = entry;
  const more = name === "numeric" || name === "anything-but" ? tooMany : oneKey;
  const condition = parseNamed(entry, source);
  nothingElse(expression, { source, more });
  if (condition) return condition;
  throw errorAt(source, seenAt(value), `Unrecognized match type ${name}`);
}

function parseNamed({ name, value }: JsonEntry, source: string): Condition | undefined {
  switch (name) {
    case "exactly":
      return { kind: "exact", value: text(value, source, "exact match pattern must be a string") };
    case "prefix":
    case "suffix":
      return parseEnd({ name, value }, source);
    case "numeric":
      return numericRange(value, source);
    case "anything-but":
      return parseAnythingBut(value, source);
    case "exists":
      if (value.kind === "literal" && value.value !== null)
        return { kind: "exists", isPresent: value.value };
      throw errorAt(source, seenAt(value), "exists match pattern must be either true or false.");
    case "cidr":
      return parseBlock(value, source);
    case "equals-ignore-case":
      return ignoringCase(text(value, source, "equals-ignore-case match pattern must be a string"));
    case "wildcard":
      return wildcard(value, source);
    default:
      throw errorAt(source, seenAt(value), `Unrecognized match type ${name}`);
  }
}

/** Faults of addresses carry no place. */
function parseBlock(value: JsonText, source: string): Condition {
  const range = blockRange(text(value, source, "prefix match pattern must be a string"));
  if (typeof range === "string") throw new PatternError(range);
  return { kind: "address", ...range };
}

function parseEnd(
  { name, value }: { readonly name: "prefix" | "suffix"; readonly value: JsonText },
  source: string,
): TextCondition {
  if (value.kind !== "object") {
    const end = text(value, source, `${name} match pattern must be a string`);
    return { kind: name, text: end, ignoresCase: false };
  }
  const title = name === "prefix" ? "Prefix" : "Suffix";
  const inner = onlyEntry(value, { source, missing: `${title} expression name not found` });
  if (inner.name !== "equals-ignore-case")
    throw errorAt(source, seenAt(inner.value), `Unsupported ${name} pattern: ${inner.name}`);
  const end = text(inner.value, source, "equals-ignore-case match pattern must be a string");
  nothingElse(value, { source, more: oneKey });
  return { kind: name, text: fold(end), ignoresCase: true };
}

function parseAnythingBut(value: JsonText, source: string): Condition {
  if (value.kind === "object") {
    const inner = onlyEntry(value, { source, missing: "Anything-But expression name not found" });
    const condition = parseNoneOf(inner, source);
    nothingElse(value, { source, more: tooMany });
    return condition;
  }
  if (value.kind === "string" || value.kind === "number")
    return { kind: "anything-but", values: [value.value] };
  if (value.kind !== "array") throw errorAt(source, seenAt(value), notAnythingBut);
  const values = value.items.map((item): Scalar => {
    if (item.kind === "string" || item.kind === "number") return item.value;
    throw inList(source, item, "Inside anything but list, start|null|boolean is not supported.");
  });
  if (new Set(values.map((one) => typeof one)).size !== 1)
    throw errorAt(
      source,
      value.end,
      "Inside anything but list, either all values are number or string, mixed type is not supported",
    );
  return { kind: "anything-but", values };
}

const notAnythingBut = "Value of anything-but must be an array or single string/number value.";

/** One or a list of prefixes, suffixes, wildcards or texts whose case is ignored. */
function parseNoneOf({ name, value }: JsonEntry, source: string): Condition {
  if (!["prefix", "suffix", "wildcard", "equals-ignore-case"].includes(name))
    throw errorAt(source, seenAt(value), `Unsupported anything-but pattern: ${name}`);
  if (value.kind === "object" || value.kind === "literal")
    throw errorAt(source, seenAt(value), notAnythingBut);
  const isList = value.kind === "array";
  // The service's own parser fails on this later, without words.
  if (isList && value.items.length === 0)
    throw errorAt(source, value.end, "Empty arrays are not allowed");
  const texts = (isList ? value.items : [value]).map((item) =>
    noneOfText(name, item, source, isList),
  );
  return { kind: "none-of", texts };
}

// oxlint-disable-next-line max-params
function noneOfText(name: string, item: JsonText, source: string, isList: boolean): TextCondition {
  const fault = (words: string): PatternError =>
    isList ? inList(source, item, words) : errorAt(source, seenAt(item), words);
  if (name === "wildcard") {
    if (item.kind !== "string") throw fault("wildcard match pattern must be a string");
    return wildcard(item, source);
  }
  if (name === "equals-ignore-case") {
    if (item.kind === "string") return ignoringCase(item.value);
    throw fault(
      "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    );
  }
  if (item.kind !== "string") throw fault("prefix/suffix match pattern must be a string");
  const empty = "Null prefix/suffix not allowed";
  if (item.value === "")
    throw isList ? inList(source, item, empty, item.end) : errorAt(source, item.end, empty);
  return { kind: name === "prefix" ? "prefix" : "suffix", text: item.value, ignoresCase: false };
}

/** The service wraps a fault inside these lists into another, and so names the place twice. */
function inList(source: string, item: JsonText, words: string, at = seenAt(item)): PatternError {
  return errorAt(source, at, `${words}${locate(source, at)}`);
}

function wildcard(value: JsonText, source: string): TextCondition {
  const glob = parseGlob(text(value, source, "wildcard match pattern must be a string"));
  if (typeof glob === "string") throw errorAt(source, value.end, glob);
  return { kind: "wildcard", glob };
}

function ignoringCase(value: string): TextCondition {
  return { kind: "equals-ignore-case", text: fold(value) };
}

function text(value: JsonText, source: string, otherwise: string): string {
  if (value.kind === "string") return value.value;
  throw errorAt(source, seenAt(value), otherwise);
}

function onlyEntry(
  object: JsonText,
  { source, missing }: { readonly source: string; readonly missing: string },
): JsonEntry {
  const entry = object.kind === "object" ? object.entries[0] : undefined;
  if (entry) return entry;
  throw errorAt(source, object.end, missing);
}

function nothingElse(
  object: JsonText,
  { source, more }: { readonly source: string; readonly more: string },
): void {
  const second = object.kind === "object" ? object.entries[1] : undefined;
  if (second) throw errorAt(source, seenAt(second.value), more);
}

/** The condition that a plain value in a field's list stands for. */
export function parsePlain(value: JsonText, source: string): Condition {
  if (value.kind === "object" || value.kind === "array")
    throw errorAt(
      source,
      seenAt(value),
      "Match value must be String, number, true, false, or null",
    );
  return exactly(value.value);
}
