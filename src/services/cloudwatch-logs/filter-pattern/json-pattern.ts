import { readComparison, readExpression, takeWord, tokenize, type Cursor } from "./conditions.ts";

/**
 * `{ $.selector operator value }` with `&&`, `||` and brackets. A message that is not a JSON object or
 * array does not match; nor does a comparison of a field that is not there.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html
 */
export function compileJsonPattern(text: string): ((message: string) => boolean) | undefined {
  if (!text.endsWith("}")) return undefined;
  const tokens = tokenize(text.slice(1, -1));
  if (!tokens || tokens.length === 0) return undefined;
  const cursor: Cursor = { tokens, at: 0 };
  const test = readExpression<unknown>(cursor, readTest);
  if (!test || cursor.at !== tokens.length) return undefined;
  return (message) => {
    const value = parse(message);
    return value !== undefined && test(value);
  };
}

function parse(message: string): unknown {
  if (!/^\s*[{[]/.test(message)) return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}

function readTest(cursor: Cursor): ((subject: unknown) => boolean) | undefined {
  const token = cursor.tokens[cursor.at];
  const steps = token?.kind === "selector" ? readSelector(token.text) : undefined;
  if (!steps) return undefined;
  cursor.at++;
  if (takeWord(cursor, "NOT")) {
    if (!takeWord(cursor, "EXISTS")) return undefined;
    return (subject) => select(subject, steps).length === 0;
  }
  if (takeWord(cursor, "IS")) {
    const wanted = readConstant(cursor);
    if (wanted === undefined) return undefined;
    return (subject) => select(subject, steps).some((value) => value === wanted);
  }
  const isMatch = readComparison(cursor);
  return (
    isMatch &&
    ((subject) =>
      select(subject, steps).some((value) => {
        if (typeof value === "string" || typeof value === "number") return isMatch(value);
        return typeof value === "boolean" && isMatch(String(value));
      }))
  );
}

function readConstant(cursor: Cursor): null | boolean | undefined {
  if (takeWord(cursor, "NULL")) return null; // JSON's own null is what the pattern asks for
  if (takeWord(cursor, "TRUE")) return true;
  return takeWord(cursor, "FALSE") ? false : undefined;
}

type Step = string | number | typeof everyElement;
const everyElement = Symbol("*");

const stepForm = /\.?\[(\d+|\*|'[^']*'|"[^"]*")\]|\.([\w:@-]+)/y;

function readSelector(text: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  stepForm.lastIndex = 1;
  while (stepForm.lastIndex < text.length) {
    const found = stepForm.exec(text);
    if (!found) return undefined;
    const [, bracketed, name] = found;
    if (name !== undefined) steps.push(name);
    else if (bracketed === "*") steps.push(everyElement);
    else if (bracketed !== undefined && /^\d/.test(bracketed)) steps.push(Number(bracketed));
    else steps.push((bracketed ?? "").slice(1, -1));
  }
  return steps.length > 0 ? steps : undefined;
}

/** The values a selector names: none, one, or with `[*]` several. */
function select(subject: unknown, steps: readonly Step[]): readonly unknown[] {
  let values: readonly unknown[] = [subject];
  for (const step of steps) {
    values = values.flatMap((value) => {
      if (step === everyElement) return Array.isArray(value) ? (value as unknown[]) : [];
      if (typeof value !== "object" || value === null) return [];
      if (Array.isArray(value) !== (typeof step === "number")) return [];
      return Object.hasOwn(value, step) ? [(value as Record<string | number, unknown>)[step]] : []; // own members of parsed JSON
    });
  }
  return values;
}
