import { checkedValue, validation, type AttributeValue } from "../values/values.ts";
import { tokenize, type Token, type TokenKind } from "./lexer.ts";
import { depthMax } from "./limits.ts";

/** Walks over the tokens of one statement, and hands out its parameters in order. */
export class Reader {
  readonly #tokens: readonly Token[];
  readonly #parameters: readonly AttributeValue[];
  #at = 0;
  #parametersRead = 0;
  #depth = 0;

  constructor(text: string, parameters: readonly AttributeValue[]) {
    this.#tokens = tokenize(text);
    this.#parameters = parameters;
  }

  peek(offset = 0): Token {
    const token = this.#tokens[Math.min(this.#at + offset, this.#tokens.length - 1)];
    return token ?? { kind: "end", text: "", start: 0, end: 0 };
  }

  next(): Token {
    const token = this.peek();
    this.#at++;
    return token;
  }

  accept(kind: TokenKind): boolean {
    if (this.peek().kind !== kind) return false;
    this.#at++;
    return true;
  }

  expect(kind: TokenKind): Token {
    if (this.peek().kind === kind) return this.next();
    return this.fail(`Expected ${names[kind] ?? kind}`);
  }

  isWord(word: string, offset = 0): boolean {
    const { kind, text } = this.peek(offset);
    return kind === "word" && text.toUpperCase() === word;
  }

  acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at++;
    return true;
  }

  expectWord(word: string): void {
    if (!this.acceptWord(word)) this.fail(`Expected ${word}`);
  }

  /** A name, quoted or not. */
  name(): string {
    const { kind, text } = this.next();
    return kind === "word" || kind === "quoted" ? text : this.fail("Expected identifier");
  }

  parameter(): AttributeValue {
    const value = this.#parameters[this.#parametersRead++];
    if (value === undefined) throw parametersMismatch();
    return checkedValue(value);
  }

  /** After the statement: nothing may be left, neither text nor parameters. */
  end(): void {
    this.accept(";");
    if (this.peek().kind !== "end") this.fail("Unexpected token after expression");
    if (this.#parametersRead !== this.#parameters.length) throw parametersMismatch();
  }

  deeper<T>(read: () => T): T {
    this.#depth++;
    if (this.#depth > depthMax) this.fail(`Nested deeper than ${depthMax} levels`);
    const inner = read();
    this.#depth--;
    return inner;
  }

  fail(what: string): never {
    throw validation(`Statement wasn't well formed, can't be processed: ${what}`);
  }
}

/** As the service's parser calls what it wants: https://github.com/nubo-db/dynamodb-conformance (PartiQL, seen 2026-11). */
const names: Readonly<Partial<Record<TokenKind, string>>> = {
  "(": "LEFT_PAREN",
  ")": "RIGHT_PAREN",
  "]": "RIGHT_BRACKET",
  "}": "RIGHT_CURLY",
  ":": "COLON",
};

function parametersMismatch(): Error {
  return validation("Number of parameters in request and statement don't match.");
}

/** ` at <line>:<column>:<length>`, as the service ends a sentence about one token of the statement. */
export function positionOf({ start, end }: Token, text: string): string {
  const before = text.slice(0, start);
  const line = before.split("\n").length;
  return ` at ${line}:${start - before.lastIndexOf("\n")}:${end - start}`;
}
