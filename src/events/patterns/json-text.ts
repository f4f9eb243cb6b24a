import { depthMax } from "./limits.ts";
import { errorAt, place } from "./pattern-error.ts";

/** JSON that remembers where it stood; errors about patterns name the place. */
export type JsonText =
  | {
      readonly kind: "object";
      readonly start: number;
      readonly end: number;
      readonly entries: readonly JsonEntry[];
    }
  | {
      readonly kind: "array";
      readonly start: number;
      readonly end: number;
      readonly items: readonly JsonText[];
    }
  | {
      readonly kind: "string";
      readonly start: number;
      readonly end: number;
      readonly value: string;
    }
  | {
      readonly kind: "number";
      readonly start: number;
      readonly end: number;
      readonly value: number;
    }
  | {
      readonly kind: "literal";
      readonly start: number;
      readonly end: number;
      readonly value: boolean | null;
    };

export interface JsonEntry {
  readonly name: string;
  readonly value: JsonText;
}

/**
 * Where the service's parser stands after it has seen a value's first token: behind the opening of
 * objects, arrays and strings (which it reads late), behind the whole of anything else.
 */
export function seenAt(value: JsonText): number {
  return value.kind === "number" || value.kind === "literal" ? value.end : value.start + 1;
}

const literals: readonly (readonly [string, boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The first JSON value in `source`; what follows it is not looked at, as by the service. Throws `PatternError`. */
export function readJsonText(source: string): JsonText {
  return new Reader(source).value(0);
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  value(depth: number): JsonText {
    this.#space();
    const start = this.#at;
    const first = this.#source[start];
    if (depth > depthMax)
      this.#fail(
        `Document nesting depth (${depth}) exceeds the maximum allowed (${depthMax}, from \`StreamReadConstraints.getMaxNestingDepth()\`)`,
      );
    if (first === "{") return this.#object(start, depth);
    if (first === "[") return this.#array(start, depth);
    if (first === '"') {
      const value = this.#string();
      return { kind: "string", start, end: this.#at, value };
    }
    for (const [word, value] of literals) {
      if (!this.#source.startsWith(word, start)) continue;
      this.#at += word.length;
      return { kind: "literal", start, end: this.#at, value };
    }
    numberForm.lastIndex = start;
    const number = numberForm.exec(this.#source)?.[0];
    if (number === undefined) this.#noValue();
    this.#at += number.length;
    if (/^-?0$/.test(number) && /\d/.test(this.#source[this.#at] ?? ""))
      this.#fail("Invalid numeric value: Leading zeroes not allowed");
    return { kind: "number", start, end: this.#at, value: Number(number) };
  }

  #object(start: number, depth: number): JsonText {
    const entries: JsonEntry[] = [];
    this.#at++;
    if (!this.#closes("}", "Object", start)) {
      do {
        this.#space();
        if (this.#source[this.#at] !== '"')
          this.#unexpected("was expecting double-quote to start field name");
        const name = this.#string();
        this.#space();
        if (this.#source[this.#at] !== ":")
          this.#unexpected("was expecting a colon to separate field name and value");
        this.#at++;
        entries.push({ name, value: this.value(depth + 1) });
      } while (this.#continues("}", "Object", start));
    }
    return { kind: "object", start, end: this.#at, entries };
  }

  #array(start: number, depth: number): JsonText {
    const items: JsonText[] = [];
    this.#at++;
    if (!this.#closes("]", "Array", start)) {
      do items.push(this.value(depth + 1));
      while (this.#continues("]", "Array", start));
    }
    return { kind: "array", start, end: this.#at, items };
  }

  #closes(mark: string, what: string, start: number): boolean {
    this.#space();
    if (this.#at >= this.#source.length) this.#ended(what, start);
    if (this.#source[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #continues(mark: string, what: string, start: number): boolean {
    if (this.#closes(mark, what, start)) return false;
    if (this.#source[this.#at] !== ",")
      this.#unexpected(`was expecting comma to separate ${what} entries`);
    this.#at++;
    return true;
  }

  /** The text between quotes is judged by the engine's own parser: escapes, surrogates, control characters. */
  #string(): string {
    const start = this.#at;
    for (let at = start + 1; at < this.#source.length; at++) {
      const character = this.#source[at];
      if (character === "\\") at++;
      else if (character === '"') {
        this.#at = at + 1;
        return this.#unquoted(start, at + 1);
      }
    }
    this.#at = this.#source.length;
    return this.#fail(`Unexpected end-of-input: was expecting closing quote for a string value`);
  }

  #unquoted(start: number, end: number): string {
    try {
      return JSON.parse(this.#source.slice(start, end)) as string; // it begins and ends with quotes
    } catch {
      return this.#fail(
        "Unrecognized character escape or illegal unquoted character in string value",
      );
    }
  }

  #space(): void {
    for (; this.#at < this.#source.length; this.#at++) {
      const code = this.#source.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #ended(what: string, start: number): never {
    this.#fail(
      `Unexpected end-of-input: expected close marker for ${what} (start marker at ${place(this.#source, start)})`,
    );
  }

  #noValue(): never {
    const word = /\w+/y;
    word.lastIndex = this.#at;
    const token = /[a-zA-Z_]/.test(this.#source[this.#at] ?? "") && word.exec(this.#source)?.[0];
    const expectation = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    if (token) this.#fail(`Unrecognized token '${token}': was expecting ${expectation}`);
    this.#unexpected(`expected a valid value ${expectation}`);
  }

  #unexpected(expectation: string): never {
    const character = this.#source[this.#at];
    if (character === undefined) this.#fail("Unexpected end-of-input");
    this.#fail(
      `Unexpected character ('${character}' (code ${character.charCodeAt(0)})): ${expectation}`,
    );
  }

  #fail(reason: string): never {
    throw errorAt(this.#source, this.#at, reason);
  }
}
