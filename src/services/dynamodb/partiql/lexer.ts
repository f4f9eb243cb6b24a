/** One token; `text` is what it says: names and strings without their quotes. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Where it stands in the statement, quotes included. */
  readonly start: number;
  readonly end: number;
}

const marks = [
  "<<",
  ">>",
  "<>",
  "<=",
  ">=",
  "!=",
  "=",
  "<",
  ">",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
] as const;
const signs = [",", ".", ":", "?", "+", "-", "*", ";"] as const;
export type Mark = (typeof marks)[number] | (typeof signs)[number];
const all: readonly Mark[] = [...marks, ...signs];

/** `word`: a name or keyword; `quoted`: always a name. */
export type TokenKind = Mark | "word" | "quoted" | "string" | "number" | "unknown" | "end";

const blank = /(?:[ \t\r\n]|--[^\r\n]*|\/\*[^]*?\*\/)*/y;
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ["word", /[A-Za-z_$][A-Za-z0-9_$]*/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["string", /'(?:[^']|'')*'/y],
  ["number", /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y],
];

/**
 * The tokens of a PartiQL statement, `end` last; any text has some.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = skipBlank(text, 0); at < text.length;) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipBlank(text, token.end);
  }
  tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
  return tokens;
}

function skipBlank(text: string, at: number): number {
  return at + matchAt(blank, text, at).length;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}

function tokenAt(text: string, start: number): Token {
  for (const [kind, pattern] of patterns) {
    const matched = matchAt(pattern, text, start);
    if (matched === "") continue;
    return { kind, text: unquoted(kind, matched), start, end: start + matched.length };
  }
  const mark = all.find((candidate) => text.startsWith(candidate, start));
  if (mark !== undefined) return { kind: mark, text: mark, start, end: start + mark.length };
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  return { kind: "unknown", text: character, start, end: start + character.length };
}

/** A quote inside quotes is written twice. */
function unquoted(kind: TokenKind, matched: string): string {
  if (kind === "quoted") return matched.slice(1, -1).replaceAll('""', '"');
  return kind === "string" ? matched.slice(1, -1).replaceAll("''", "'") : matched;
}
