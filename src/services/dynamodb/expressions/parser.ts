import { validation } from "../values/values.ts";
import { isComparator, tokenize } from "./lexer.ts";
import type { Token, TokenKind } from "./lexer.ts";
import { depthMax, listIndexMax } from "./limits.ts";
import type {
  Action,
  CallNode,
  Condition,
  Operand,
  PathNode,
  Projection,
  SetValue,
  Step,
  Update,
} from "./tree.ts";

/** The parameter an expression came in; error messages begin with it. */
export type ExpressionParameter =
  | "ConditionExpression"
  | "FilterExpression"
  | "KeyConditionExpression"
  | "UpdateExpression"
  | "ProjectionExpression";

/**
 * Reads one expression by recursive descent, in time linear in its length and in bounded depth.
 * `ValidationException` for every text that is none, as production words it:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html,
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
export function parseCondition(text: string, parameter: ExpressionParameter): Condition {
  const parser = new Parser(text, parameter);
  const condition = parser.asCondition(parser.either());
  parser.expect("end");
  return condition;
}

/** As `parseCondition`, for `UpdateExpression`. */
export function parseUpdate(text: string): Update {
  const parser = new Parser(text, "UpdateExpression");
  const actions: Action[] = [];
  const seen = new Set<TokenKind>();
  do {
    const section = parser.next();
    actions.push(...parser.section(section));
    if (seen.has(section.kind)) parser.repeated(section.kind);
    seen.add(section.kind);
  } while (!parser.is("end"));
  return { actions, repeatedSection: parser.repeatedSection };
}

/** As `parseCondition`, for `ProjectionExpression`. */
export function parseProjection(text: string): Projection {
  const parser = new Parser(text, "ProjectionExpression");
  const paths = parser.separated(() => parser.path());
  parser.expect("end");
  return { paths };
}

/** Inside parentheses either may stand until the closing one tells. */
type Either =
  | { readonly kind: "operand"; readonly operand: Operand }
  | { readonly kind: "condition"; readonly condition: Condition };

class Parser {
  readonly #text: string;
  readonly #parameter: ExpressionParameter;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  /** Where the parentheses that were closed last began and ended. */
  #closed = { open: -1, close: -1 };
  /** The first section of an update that stands there twice. */
  repeatedSection: string | undefined;

  constructor(text: string, parameter: ExpressionParameter) {
    this.#text = text;
    this.#parameter = parameter;
    this.#tokens = tokenize(text);
  }

  is(kind: TokenKind): boolean {
    return this.#token().kind === kind;
  }

  next(): Token {
    const token = this.#token();
    this.#at++;
    return token;
  }

  expect(kind: TokenKind): Token {
    return this.is(kind) ? this.next() : this.#fail();
  }

  repeated(section: string): void {
    this.repeatedSection ??= section;
  }

  either(): Either {
    return this.#chain("OR", () => this.#chain("AND", () => this.#negation()));
  }

  asCondition(either: Either): Condition {
    if (either.kind === "condition") return either.condition;
    return either.operand.kind === "call" ? either.operand : this.#fail();
  }

  section(section: Token): readonly Action[] {
    if (section.kind === "SET") {
      return this.separated((): Action => {
        const path = this.path();
        this.expect("=");
        return { kind: "set", path, value: this.#setValue() };
      });
    }
    if (section.kind === "REMOVE") {
      return this.separated((): Action => ({ kind: "remove", path: this.path() }));
    }
    if (section.kind !== "ADD" && section.kind !== "DELETE") {
      this.#at--;
      return this.#fail();
    }
    const kind = section.kind === "ADD" ? "add" : "delete";
    return this.separated((): Action => {
      const path = this.path();
      const { text: placeholder } = this.expect("placeholder");
      return { kind, path, value: { kind: "value", placeholder } };
    });
  }

  separated<T>(read: () => T): readonly T[] {
    const list = [read()];
    while (this.is(",")) {
      this.#at++;
      list.push(read());
    }
    return list;
  }

  path(): PathNode {
    const steps: Step[] = [this.#name()];
    for (;;) {
      if (this.is(".")) {
        this.#at++;
        steps.push(this.#name());
      } else if (this.is("[")) {
        this.#at++;
        const { text } = this.expect("integer");
        this.expect("]");
        steps.push({ kind: "index", index: this.#index(text) });
      } else {
        return { kind: "path", steps };
      }
    }
  }

  #token(offset = 0): Token {
    const token = this.#tokens[Math.min(this.#at + offset, this.#tokens.length - 1)];
    return (
      token ?? { kind: "end", text: "<EOF>", start: this.#text.length, end: this.#text.length }
    );
  }

  #name(): Step {
    if (this.is("word")) return { kind: "name", name: this.next().text };
    return { kind: "alias", alias: this.expect("alias").text };
  }

  #index(text: string): number {
    const index = Number(text);
    if (index <= listIndexMax) return index;
    return this.#refuse(`List index is not within the allowable range; index: [${text}]`);
  }

  #chain(connective: "AND" | "OR", read: () => Either): Either {
    let left = read();
    while (this.is(connective)) {
      const before = this.asCondition(left);
      this.#at++;
      const right = this.asCondition(read());
      const kind = connective === "AND" ? "and" : "or";
      left = { kind: "condition", condition: { kind, left: before, right } };
    }
    return left;
  }

  #negation(): Either {
    if (!this.is("NOT")) return this.#comparison();
    this.#at++;
    const negated = this.#deeper(() => this.asCondition(this.#negation()));
    return { kind: "condition", condition: { kind: "not", negated } };
  }

  #comparison(): Either {
    const left = this.#primary();
    if (left.kind === "condition") return left;
    const condition = this.#comparisonWith(left.operand);
    return condition ? { kind: "condition", condition } : left;
  }

  #comparisonWith(operand: Operand): Condition | undefined {
    const { kind } = this.#token();
    if (isComparator(kind)) {
      this.#at++;
      return { kind: "compare", comparator: kind, left: operand, right: this.#operand() };
    }
    if (kind === "BETWEEN") {
      this.#at++;
      const low = this.#operand();
      this.expect("AND");
      return { kind: "between", operand, low, high: this.#operand() };
    }
    if (kind !== "IN") return undefined;
    this.#at++;
    this.expect("(");
    const among = this.separated(() => this.#operand());
    this.expect(")");
    return { kind: "in", operand, among };
  }

  #primary(): Either {
    if (this.is("(")) return this.#parenthesised(() => this.either());
    return { kind: "operand", operand: this.#plainOperand() };
  }

  #operand(): Operand {
    if (this.is("(")) return this.#parenthesised(() => this.#operand());
    return this.#plainOperand();
  }

  #plainOperand(): Operand {
    if (this.is("placeholder")) return { kind: "value", placeholder: this.next().text };
    if (this.is("word") && this.#token(1).kind === "(") return this.#call();
    return this.path();
  }

  #call(): CallNode {
    const { text: name } = this.next();
    this.expect("(");
    const operands = this.#deeper(() => this.separated(() => this.#operand()));
    this.expect(")");
    return { kind: "call", name, operands };
  }

  /** A sum may stand in parentheses, and cannot be part of another. */
  #setValue(): SetValue {
    const left = this.is("(") ? this.#parenthesised(() => this.#setValue()) : this.#plainOperand();
    if (left.kind === "sum" || !(this.is("+") || this.is("-"))) return left;
    const sign = this.next().kind === "+" ? "+" : "-";
    return { kind: "sum", sign, left, right: this.#operand() };
  }

  /** Two pairs straight around the same thing are refused, at the outer closing one. */
  #parenthesised<T>(read: () => T): T {
    const open = this.#at;
    this.expect("(");
    const inner = this.#deeper(read);
    const close = this.#at;
    this.expect(")");
    if (this.#closed.open === open + 1 && this.#closed.close === close - 1) {
      this.#refuse("The expression has redundant parentheses;");
    }
    this.#closed = { open, close };
    return inner;
  }

  #deeper<T>(read: () => T): T {
    this.#depth++;
    if (this.#depth > depthMax) {
      this.#refuse(`The expression is nested too deeply; levels: ${this.#depth}`);
    }
    const inner = read();
    this.#depth--;
    return inner;
  }

  /** The token where reading stopped, and the text from the one before it to the one after. */
  #fail(): never {
    const token = this.#token();
    const from = this.#at > 0 ? this.#token(-1).start : 0;
    const near = this.#text.slice(from, this.#token(1).end);
    return this.#refuse(`Syntax error; token: "${token.text}", near: "${near}"`);
  }

  #refuse(sentence: string): never {
    throw validation(`Invalid ${this.#parameter}: ${sentence}`);
  }
}
