import { naiveSearchMax } from "./limits.ts";

/** A text with `*` for any characters: what it must begin with, hold in this order, and end with. */
export interface Glob {
  /** At least one; literally equal when there is only this. */
  readonly parts: readonly string[];
}

/** `\*` is a star, `\\` a backslash. Otherwise why it is none, in the service's words. */
export function parseGlob(text: string): Glob | string {
  const parts: string[] = [];
  let part = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") {
      const escaped = text[at + 1];
      // Positions count the quote before the text.
      if (escaped !== "*" && escaped !== "\\") return `Invalid escape character at pos ${at + 1}`;
      part += escaped;
      at++;
    } else if (character !== "*") part += character;
    else if (text[at + 1] === "*") return `Consecutive wildcard characters at pos ${at + 1}`;
    else {
      parts.push(part);
      part = "";
    }
  }
  parts.push(part);
  return { parts };
}

/** Linear in the lengths, whatever the glob: each part is taken at its first place and never given back. */
export function globMatches({ parts }: Glob, text: string): boolean {
  const first = parts[0] ?? "";
  if (parts.length === 1) return text === first;
  const last = parts.at(-1) ?? "";
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (let index = 1; index < parts.length - 1; index++) {
    const part = parts[index] ?? "";
    const found = find(text, part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** The engine's search is quick on what people write, and quadratic on what they write to hurt. */
function find(text: string, part: string, from: number): number {
  if (text.length * part.length <= naiveSearchMax) return text.indexOf(part, from);
  return linearFind(text, part, from);
}

/** Knuth, Morris and Pratt's. */
function linearFind(text: string, part: string, from: number): number {
  const border = new Int32Array(part.length);
  for (let at = 1, length = 0; at < part.length; at++) {
    while (length > 0 && part[at] !== part[length]) length = border[length - 1] ?? 0;
    if (part[at] === part[length]) length++;
    border[at] = length;
  }
  for (let at = from, length = 0; at < text.length; at++) {
    while (length > 0 && text[at] !== part[length]) length = border[length - 1] ?? 0;
    if (text[at] === part[length]) length++;
    if (length === part.length) return at - length + 1;
  }
  return -1;
}
