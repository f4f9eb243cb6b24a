import type { Condition, Operand, PathNode, Step } from "../expressions/expressions.ts";
import { validation, type AttributeValue } from "../values/values.ts";
import type { Reader } from "./reader.ts";
import { positionOf } from "./reader.ts";
import type { Token } from "./lexer.ts";
import { isValueNext, readValue } from "./values.ts";

/**
 * Reads the conditions, paths and operands of a statement into the trees of `expressions`, which then say
 * what is wrong with operands. Values are kept aside under the placeholders that stand for them.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html,
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html
 */
export class ConditionReader {
  readonly #reader: Reader;
  readonly #text: string;
  readonly values: Record<string, AttributeValue> = {};

  constructor(reader: Reader, text: string) {
    this.#reader = reader;
    this.#text = text;
  }

  condition(): Condition {
    let left = this.#conjunction();
    while (this.#reader.acceptWord("OR")) {
      left = { kind: "or", left, right: this.#conjunction() };
    }
    return left;
  }

  operand(): Operand {
    const { kind } = this.#reader.peek();
    if (kind === "(") {
      this.#reader.next();
      const inner = this.#reader.deeper(() => this.operand());
      this.#reader.expect(")");
      return inner;
    }
    if (isValueNext(this.#reader)) return this.value(readValue(this.#reader));
    return kind === "word" && this.#reader.peek(1).kind === "(" ? this.#call() : this.path();
  }

  value(value: AttributeValue): Operand {
    const placeholder = `:${Object.keys(this.values).length}`;
    this.values[placeholder] = value;
    return { kind: "value", placeholder };
  }

  path(): PathNode {
    const steps: Step[] = [{ kind: "name", name: this.#reader.name() }];
    for (;;) {
      if (this.#reader.accept(".")) steps.push({ kind: "name", name: this.#reader.name() });
      else if (this.#reader.accept("[")) steps.push(this.#bracketed());
      else return { kind: "path", steps };
    }
  }

  #bracketed(): Step {
    const { kind, text } = this.#reader.next();
    this.#reader.expect("]");
    if (kind === "string") return { kind: "name", name: text };
    if (kind !== "number" || !/^[0-9]{1,10}$/.test(text)) {
      throw validation(`List index is not within the allowable range; index: [${text}]`);
    }
    return { kind: "index", index: Number(text) };
  }

  #conjunction(): Condition {
    let left = this.#negation();
    while (this.#reader.acceptWord("AND")) {
      left = { kind: "and", left, right: this.#negation() };
    }
    return left;
  }

  #negation(): Condition {
    if (!this.#reader.acceptWord("NOT")) return this.#comparison();
    return { kind: "not", negated: this.#reader.deeper(() => this.#negation()) };
  }

  #comparison(): Condition {
    if (this.#reader.peek().kind === "(" && this.#isCondition()) {
      this.#reader.next();
      const inner = this.#reader.deeper(() => this.condition());
      this.#reader.expect(")");
      return inner;
    }
    const start = this.#reader.peek();
    return this.#comparisonOf(this.operand(), start);
  }

  /** Whether what this parenthesis opens is a condition: something that compares comes before its end. */
  #isCondition(): boolean {
    let depth = 0;
    for (let offset = 0; ; offset++) {
      const { kind, text } = this.#reader.peek(offset);
      if (kind === "end") return false;
      if (kind === "(" || kind === "[" || kind === "{") depth++;
      if (kind === ")" || kind === "]" || kind === "}") depth--;
      if (depth === 0) return false;
      if (comparing.has(kind) || (kind === "word" && comparingWords.has(text.toUpperCase())))
        return true;
    }
  }

  #comparisonOf(operand: Operand, start: Token): Condition {
    const comparator = comparators[this.#reader.peek().kind];
    if (comparator) {
      this.#reader.next();
      return { kind: "compare", comparator, left: operand, right: this.operand() };
    }
    if (this.#reader.acceptWord("IS")) return this.#typeTest(operand);
    const isNegated = this.#reader.acceptWord("NOT");
    const condition = this.#membership(operand);
    if (condition) return isNegated ? { kind: "not", negated: condition } : condition;
    if (isNegated) return this.#reader.fail("Expected IN or BETWEEN");
    if (operand.kind === "call" && conditionFunctions.includes(operand.name)) return operand;
    if (operand.kind === "call") return this.#reader.fail("Expected comparison");
    if (start.kind === "end") return this.#reader.fail("Unexpected term: end of statement");
    throw validation("WHERE clause must contain an expression that resolves to a boolean");
  }

  #membership(operand: Operand): Condition | undefined {
    if (this.#reader.acceptWord("BETWEEN")) {
      const low = this.operand();
      this.#reader.expectWord("AND");
      return { kind: "between", operand, low, high: this.operand() };
    }
    if (!this.#reader.acceptWord("IN")) return undefined;
    return { kind: "in", operand, among: this.#members() };
  }

  #members(): readonly Operand[] {
    const { kind } = this.#reader.peek();
    const close = kind === "[" ? "]" : kind === "(" ? ")" : kind === "<<" ? ">>" : undefined;
    if (close === undefined) return this.#listParameter();
    this.#reader.next();
    const among: Operand[] = [];
    if (this.#reader.peek().kind === close) throw wrongMembers();
    do among.push(this.operand());
    while (this.#reader.accept(","));
    this.#reader.expect(close);
    return among;
  }

  #listParameter(): readonly Operand[] {
    if (!this.#reader.accept("?")) throw wrongMembers();
    const { L: list } = this.#reader.parameter();
    if (!list || list.length === 0) throw wrongMembers();
    return list.map((value) => this.value(value));
  }

  #typeTest(operand: Operand): Condition {
    const isNegated = this.#reader.acceptWord("NOT");
    const token = this.#reader.next();
    const name = token.text.toUpperCase();
    const type = typesByName[name];
    let test: Condition;
    if (name === "MISSING") {
      test = { kind: "call", name: "attribute_not_exists", operands: [operand] };
    } else if (type !== undefined) {
      const argument = this.value({ S: type });
      test = { kind: "call", name: "attribute_type", operands: [operand, argument] };
    } else {
      throw validation(
        `Unsupported data type for IS operator: ${token.text}. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]`,
      );
    }
    return isNegated ? { kind: "not", negated: test } : test;
  }

  #call(): Operand {
    const token = this.#reader.next();
    const name = token.text.toLowerCase();
    this.#reader.expect("(");
    if (![...conditionFunctions, "size"].includes(name)) {
      throw validation(`Unrecognized function: ${name}${positionOf(token, this.#text)}`);
    }
    const operands: Operand[] = [];
    if (!this.#reader.accept(")")) {
      do operands.push(this.#reader.deeper(() => this.operand()));
      while (this.#reader.accept(","));
      this.#reader.expect(")");
    }
    return { kind: "call", name, operands };
  }
}

const conditionFunctions = [
  "attribute_exists",
  "attribute_not_exists",
  "attribute_type",
  "begins_with",
  "contains",
];

const comparators: Readonly<Record<string, "=" | "<>" | "<" | "<=" | ">" | ">=" | undefined>> = {
  "=": "=",
  "<>": "<>",
  "!=": "<>",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

const comparing: ReadonlySet<string> = new Set(Object.keys(comparators));
const comparingWords: ReadonlySet<string> = new Set([
  "AND",
  "OR",
  "NOT",
  "IS",
  "IN",
  "BETWEEN",
  ...conditionFunctions.map((name) => name.toUpperCase()),
]);

const typesByName: Readonly<Record<string, string | undefined>> = {
  NULL: "NULL",
  BOOLEAN: "BOOL",
  BLOB: "B",
  STRING: "S",
  NUMERIC: "N",
  STRUCT: "M",
  TUPLE: "M",
  LIST: "L",
};

function wrongMembers(): Error {
  return validation(
    "IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq with at least one member",
  );
}
