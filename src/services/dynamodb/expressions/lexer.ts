/** One token; `text` is how it stands in the expression, `<EOF>` at its end. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export type TokenKind =
  | Keyword
  | Punctuation
  | "word"
  | "alias"
  | "placeholder"
  | "integer"
  | "unknown"
  | "end";

const keywords = ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"] as const;
type Keyword = (typeof keywords)[number];

const comparators = ["<>", "<=", ">=", "=", "<", ">"] as const;
export type Comparator = (typeof comparators)[number];
const marks = ["(", ")", "[", "]", ",", ".", "+", "-"] as const;
type Punctuation = Comparator | (typeof marks)[number];
const punctuation: readonly Punctuation[] = [...comparators, ...marks];

const space = /[ \t\r\n]*/y;
const word = /[A-Za-z][A-Za-z0-9_]*/y;
const alias = /#[A-Za-z0-9_]+/y;
const placeholder = /:[A-Za-z0-9_]+/y;
const integer = /0|[1-9][0-9]*/y;

/**
 * The tokens of an expression, `end` last. Takes any text: what belongs to no token is one character of
 * kind `unknown`, which no rule of the grammar accepts.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = skipSpace(text, 0); at < text.length;) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipSpace(text, token.end);
  }
  tokens.push({ kind: "end", text: "<EOF>", start: text.length, end: text.length });
  return tokens;
}

function skipSpace(text: string, at: number): number {
  return at + matchAt(space, text, at).length;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

function tokenAt(text: string, at: number): Token {
  const name = matchAt(word, text, at);
  if (name !== "") return tokenOf(keywordOf(name) ?? "word", name, at);
  const short = matchAt(alias, text, at);
  if (short !== "") return tokenOf("alias", short, at);
  const value = matchAt(placeholder, text, at);
  if (value !== "") return tokenOf("placeholder", value, at);
  const digits = matchAt(integer, text, at);
  if (digits !== "") return tokenOf("integer", digits, at);
  const mark = punctuation.find((candidate) => text.startsWith(candidate, at));
  if (mark !== undefined) return tokenOf(mark, mark, at);
  return tokenOf("unknown", String.fromCodePoint(text.codePointAt(at) ?? 0), at);
}

function tokenOf(kind: TokenKind, text: string, start: number): Token {
  return { kind, text, start, end: start + text.length };
}

/** Keywords are known in any spelling of their case. */
function keywordOf(name: string): Keyword | undefined {
  const upper = name.toUpperCase();
  return keywords.find((keyword) => keyword === upper);
}

export function isComparator(kind: TokenKind): kind is Comparator {
  return comparators.some((comparator) => comparator === kind);
}
