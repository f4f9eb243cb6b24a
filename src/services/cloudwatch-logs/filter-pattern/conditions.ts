import { patternRegexesMax } from "../limits.ts";
import { compileRegex } from "./regex.ts";
import { unescapeQuoted } from "./text-pattern.ts";

/** What JSON and space-delimited patterns share: `name operator value`, joined by `&&`, `||` and brackets. */
export type Token =
  | { readonly kind: "symbol"; readonly text: string }
  | { readonly kind: "selector"; readonly text: string }
  | { readonly kind: "quoted"; readonly text: string }
  | { readonly kind: "regex"; readonly text: string }
  | { readonly kind: "word"; readonly text: string };

const tokenForm = new RegExp(
  [
    String.raw`(?<symbol>&&|\|\||!=|<=|>=|[=<>(),])`,
    String.raw`(?<selector>\$(?:\.?[\w:@-]+|\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\]|\.)*)`,
    String.raw`"(?<quoted>(?:[^"\\]|\\.)*)"`,
    String.raw`%(?<regex>[^%]*)%`,
    String.raw`(?<word>[^\s=<>!(),&|"%]+)`,
  ].join("|"),
  "y",
);

/** Undefined when something is none of these, or there are more regular expressions than allowed. */
export function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let regexCount = 0;
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text.charAt(at))) {
      at++;
      continue;
    }
    tokenForm.lastIndex = at;
    const groups = tokenForm.exec(text)?.groups;
    if (!groups) return undefined;
    at = tokenForm.lastIndex;
    const token = tokenOf(groups);
    if (token.kind === "regex" && ++regexCount > patternRegexesMax) return undefined;
    tokens.push(token);
  }
  return tokens;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>): Token {
  const { symbol, selector, quoted, regex, word = "" } = groups;
  if (symbol !== undefined) return { kind: "symbol", text: symbol };
  if (selector !== undefined) return { kind: "selector", text: selector };
  if (quoted !== undefined) return { kind: "quoted", text: unescapeQuoted(quoted) };
  if (regex !== undefined) return { kind: "regex", text: regex };
  return { kind: "word", text: word };
}

/** Reads tokens from left to right. */
export interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
}

export function takeSymbol(cursor: Cursor, ...wanted: readonly string[]): string | undefined {
  const token = cursor.tokens[cursor.at];
  if (token?.kind !== "symbol" || !wanted.includes(token.text)) return undefined;
  cursor.at++;
  return token.text;
}

/** Unlike symbols, words are read without regard to case: `IS NULL`, `is null`. */
export function takeWord(cursor: Cursor, wanted: string): boolean {
  const token = cursor.tokens[cursor.at];
  if (token?.kind !== "word" || token.text.toUpperCase() !== wanted) return false;
  cursor.at++;
  return true;
}

const comparisonOperators = ["=", "!=", "<", "<=", ">", ">="] as const;

/** A test of one field's value as the text or number it is. */
export type ValueTest = (value: string | number) => boolean;

/** `operator value` behind a name; undefined when malformed. */
export function readComparison(cursor: Cursor): ValueTest | undefined {
  const operator = takeSymbol(cursor, ...comparisonOperators);
  const token = cursor.tokens[cursor.at];
  if (operator === undefined || !token) return undefined;
  cursor.at++;
  if (operator !== "=" && operator !== "!=") return readOrder(operator, token);
  const isSame = readEquality(token);
  if (!isSame) return undefined;
  return operator === "=" ? isSame : (value) => !isSame(value);
}

function readOrder(operator: string, token: Token): ValueTest | undefined {
  const limit = token.kind === "word" ? toNumber(token.text) : undefined;
  if (limit === undefined) return undefined;
  return (value) => {
    const number = typeof value === "number" ? value : toNumber(value);
    if (number === undefined) return false;
    if (operator === "<") return number < limit;
    if (operator === "<=") return number <= limit;
    return operator === ">" ? number > limit : number >= limit;
  };
}

function readEquality(token: Token): ValueTest | undefined {
  switch (token.kind) {
    case "regex": {
      const matches = compileRegex(token.text);
      return matches && ((value) => matches(String(value)));
    }
    case "quoted":
      return wildcardTest(token.text);
    case "word": {
      const number = toNumber(token.text);
      const isText = wildcardTest(token.text);
      return (value) =>
        isText(value) ||
        (number !== undefined && (typeof value === "number" ? value : toNumber(value)) === number);
    }
    case "symbol":
    case "selector":
    default:
      return undefined;
  }
}

/** Decimal or scientific; undefined for anything else. */
function toNumber(text: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** Equality with `*` standing for any run of characters. */
function wildcardTest(pattern: string): ValueTest {
  if (!pattern.includes("*")) return (value) => String(value) === pattern;
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  return (value) => {
    const text = String(value);
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= text.length - last.length;
  };
}

/** A boolean expression of tests over `T`; `readTest` reads one name with its condition. */
export function readExpression<T>(
  cursor: Cursor,
  readTest: (cursor: Cursor) => ((subject: T) => boolean) | undefined,
  depth = 0,
): ((subject: T) => boolean) | undefined {
  const readUnit = (): ((subject: T) => boolean) | undefined => {
    if (takeSymbol(cursor, "(") === undefined) return readTest(cursor);
    // Patterns have at most 1,024 characters, yet brackets should not decide how deep the stack is.
    const inner = depth < 50 ? readExpression(cursor, readTest, depth + 1) : undefined;
    return takeSymbol(cursor, ")") === undefined ? undefined : inner;
  };
  const alternatives: (readonly ((subject: T) => boolean)[])[] = [];
  do {
    const all: ((subject: T) => boolean)[] = [];
    do {
      const unit = readUnit();
      if (!unit) return undefined;
      all.push(unit);
    } while (takeSymbol(cursor, "&&") !== undefined);
    alternatives.push(all);
  } while (takeSymbol(cursor, "||") !== undefined);
  return (subject) => alternatives.some((all) => all.every((test) => test(subject)));
}
