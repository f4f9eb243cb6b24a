import {
  readComparison,
  readExpression,
  takeSymbol,
  tokenize,
  type Cursor,
  type ValueTest,
} from "./conditions.ts";

/**
 * `[ip, user, ..., status = 4*, bytes > 1000]`: one name per field of the message, each with a
 * condition or none; `...` once stands for any number of fields. Text in square brackets or double
 * quotes is one field.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-space-delimited-log-events.html
 */
export function compileSpacePattern(text: string): ((message: string) => boolean) | undefined {
  if (!text.endsWith("]")) return undefined;
  const tokens = tokenize(text.slice(1, -1));
  const columns = tokens && readColumns({ tokens, at: 0 });
  if (!columns) return undefined;
  const gap = columns.indexOf("...");
  const before = gap < 0 ? columns : columns.slice(0, gap);
  const behind = gap < 0 ? [] : columns.slice(gap + 1);
  return (message) => {
    const fields = splitFields(message);
    const needed = before.length + behind.length;
    if (gap < 0 ? fields.length !== needed : fields.length < needed) return false;
    const tail = fields.slice(fields.length - behind.length);
    return fits(before, fields) && fits(behind, tail);
  };
}

type Column = ((value: string) => boolean) | "...";

function fits(columns: readonly Column[], fields: readonly string[]): boolean {
  return columns.every((column, index) => column === "..." || column(fields[index] ?? ""));
}

/** Undefined when malformed, or when there is more than one gap. */
function readColumns(cursor: Cursor): readonly Column[] | undefined {
  const columns: Column[] = [];
  do {
    const column = readColumn(cursor);
    if (!column || (column === "..." && columns.includes("..."))) return undefined;
    columns.push(column);
  } while (takeSymbol(cursor, ",") !== undefined);
  return cursor.at === cursor.tokens.length ? columns : undefined;
}

function readColumn(cursor: Cursor): Column | undefined {
  const token = cursor.tokens[cursor.at];
  if (token?.kind === "word" && token.text === "...") {
    cursor.at++;
    return "...";
  }
  const nameOf = (at: number): string | undefined => {
    const token = cursor.tokens[at];
    return token?.kind === "word" ? token.text : undefined;
  };
  const isBare = nameOf(cursor.at) !== undefined && !isCondition(cursor);
  if (isBare) {
    cursor.at++;
    return () => true;
  }
  return readExpression<string>(cursor, (cursor): ValueTest | undefined => {
    if (nameOf(cursor.at) === undefined) return undefined;
    cursor.at++;
    return readComparison(cursor);
  });
}

function isCondition(cursor: Cursor): boolean {
  const next = cursor.tokens[cursor.at + 1];
  return next?.kind === "symbol" && next.text !== ",";
}

function splitFields(message: string): readonly string[] {
  const fields: string[] = [];
  for (const found of message.matchAll(/\[([^\]]*)\]|"([^"]*)"|(\S+)/g)) {
    fields.push(found[1] ?? found[2] ?? found[3] ?? "");
  }
  return fields;
}
