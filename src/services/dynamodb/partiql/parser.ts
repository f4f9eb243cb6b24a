import {
  bindCondition,
  bindUpdate,
  Placeholders,
  type BoundCondition,
  type Condition,
  type Path,
} from "../expressions/expressions.ts";
import { checkedItem, validation, type AttributeValue } from "../values/values.ts";
import { ConditionReader } from "./conditions.ts";
import { Reader } from "./reader.ts";
import type {
  Delete,
  Exists,
  Insert,
  Returning,
  Select,
  Source,
  Statement,
  Update,
} from "./statement.ts";
import { readActions } from "./updates.ts";
import { readTuple } from "./values.ts";

/**
 * Reads one statement and puts its parameters in place. `ValidationException` for every text that is none, in
 * the words of the service as far as they are known:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html,
 * https://github.com/nubo-db/dynamodb-conformance (PartiQL, seen 2026-11)
 */
export function parseStatement(
  text: string,
  parameters: readonly AttributeValue[] = [],
): Statement {
  const reader = new Reader(text, parameters);
  const parser = new StatementParser(reader, text);
  const statement = parser.statement();
  reader.end();
  return statement();
}

/** Binding waits until the whole statement was read: a malformed end is told before a wrong operand. */
type Later<T> = () => T;

class StatementParser {
  readonly #reader: Reader;
  readonly #conditions: ConditionReader;
  readonly #text: string;

  constructor(reader: Reader, text: string) {
    this.#reader = reader;
    this.#text = text;
    this.#conditions = new ConditionReader(reader, text);
  }

  statement(): Later<Statement> {
    const reader = this.#reader;
    if (reader.acceptWord("SELECT")) return this.#select();
    if (reader.acceptWord("INSERT")) return this.#insert();
    if (reader.acceptWord("UPDATE")) return this.#update();
    if (reader.acceptWord("DELETE")) return this.#delete();
    if (reader.acceptWord("EXISTS")) return this.#exists();
    return reader.fail("Expected data manipulation");
  }

  #select(): Later<Select> {
    const reader = this.#reader;
    const paths = this.#selected();
    reader.expectWord("FROM");
    const source = this.#source();
    const where = this.#where();
    const order: { name: string; isDescending: boolean }[] = [];
    if (reader.acceptWord("ORDER")) {
      reader.expectWord("BY");
      do order.push(this.#sortKey());
      while (reader.accept(","));
    }
    for (const clause of ["LIMIT", "OFFSET", "GROUP", "HAVING"]) {
      if (reader.isWord(clause)) throw validation(`Unsupported clause: ${clause}`);
    }
    return () => ({ kind: "select", source, paths, where: this.#bound(where), order });
  }

  #sortKey(): { name: string; isDescending: boolean } {
    const name = this.#reader.name();
    const isDescending = this.#reader.acceptWord("DESC");
    if (!isDescending) this.#reader.acceptWord("ASC");
    return { name, isDescending };
  }

  /** Undefined: everything. */
  #selected(): readonly Path[] | undefined {
    const reader = this.#reader;
    if (reader.accept("*")) {
      if (reader.peek().kind !== ",") return undefined;
      throw validation(
        "Other attributes should not be present in the projection when '*' is used.",
      );
    }
    const paths: Path[] = [];
    do paths.push(this.#path());
    while (reader.accept(","));
    if (reader.isWord("AS")) throw validation("Aliasing is not supported");
    const names = paths.map(nameOf);
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice === undefined) return paths;
    throw validation(`Duplicate identifiers in select clause: ${twice}`);
  }

  #path(): Path {
    const steps = this.#conditions.path().steps.map((step) => {
      if (step.kind === "index") return step.index;
      return step.kind === "name" ? step.name : step.alias;
    });
    return steps as unknown as Path; // every path begins with a name
  }

  #source(): Source {
    const reader = this.#reader;
    const components = [reader.name()];
    while (reader.accept(".")) components.push(reader.name());
    if (components.includes("")) throw validation("Path component cannot be an empty string");
    const [table = "", index] = components;
    if (components.length > 2) {
      throw validation("A path may contain at most 2 components in the FROM clause");
    }
    if (reader.peek().kind === ",") {
      throw validation("Only select from a single table or index is supported.");
    }
    return { table, index };
  }

  #where(): Condition | undefined {
    return this.#reader.acceptWord("WHERE") ? this.#conditions.condition() : undefined;
  }

  #bound(condition: Condition | undefined): BoundCondition | undefined {
    return condition && bindCondition(condition, this.#binding());
  }

  #binding(): { placeholders: Placeholders; parameter: undefined } {
    const { values } = this.#conditions;
    const given = Object.keys(values).length > 0 ? checkedItem(values) : undefined;
    return { placeholders: new Placeholders(undefined, given), parameter: undefined };
  }

  #insert(): Later<Insert> {
    const reader = this.#reader;
    reader.expectWord("INTO");
    const source = this.#target();
    if (reader.isWord("VALUES")) {
      throw validation(
        'Unsupported operation: Inserting multiple items in a single statement is not supported, use "INSERT INTO tableName VALUE item" instead',
      );
    }
    reader.expectWord("VALUE");
    if (reader.peek().kind !== "{") {
      throw validation(
        "Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.",
      );
    }
    reader.next();
    const item = readTuple(reader);
    const ignoresDuplicate = this.#conflictClause();
    if (reader.isWord("RETURNING")) throw validation("RETURNING is not supported in INSERT");
    return () => ({ kind: "insert", source, item: checkedItem(item), ignoresDuplicate });
  }

  #conflictClause(): boolean {
    const reader = this.#reader;
    if (!reader.acceptWord("ON")) return false;
    reader.expectWord("CONFLICT");
    if (reader.acceptWord("DO") && reader.acceptWord("NOTHING")) return true;
    throw validation('Invalid conflict action. Only "DO NOTHING" action is supported.');
  }

  /** Writes are of tables. */
  #target(): Source {
    const source = this.#source();
    if (source.index === undefined) return source;
    throw validation("This operation is not supported on an index");
  }

  #update(): Later<Update> {
    const source = this.#target();
    const actions = readActions({
      reader: this.#reader,
      conditions: this.#conditions,
      text: this.#text,
    });
    const where = this.#where();
    const returning = this.#returning();
    return () => ({
      kind: "update",
      source,
      update: bindUpdate({ actions, repeatedSection: undefined }, this.#binding()),
      where: this.#bound(where),
      returning,
    });
  }

  #delete(): Later<Delete> {
    this.#reader.expectWord("FROM");
    const source = this.#target();
    const where = this.#where();
    const returning = this.#returning();
    if (returning && (returning.attributes !== "ALL" || returning.image !== "OLD")) {
      throw validation(
        `Invalid returning clause: RETURNING ${returning.attributes} ${returning.image} *. Only RETURNING ALL OLD * is allowed in DELETE statements.`,
      );
    }
    return () => ({ kind: "delete", source, where: this.#bound(where), returning });
  }

  #returning(): Returning | undefined {
    const reader = this.#reader;
    if (!reader.acceptWord("RETURNING")) return undefined;
    const attributes = reader.acceptWord("ALL") ? "ALL" : "MODIFIED";
    if (attributes === "MODIFIED") reader.expectWord("MODIFIED");
    const image = reader.acceptWord("OLD") ? "OLD" : "NEW";
    if (image === "NEW") reader.expectWord("NEW");
    if (!reader.accept("*")) {
      throw validation("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
    }
    if (reader.peek().kind !== ",") return { attributes, image };
    throw validation("Invalid syntax with multiple returning elements in RETURNING clause");
  }

  #exists(): Later<Exists> {
    const reader = this.#reader;
    reader.expect("(");
    reader.expectWord("SELECT");
    const select = this.#select();
    reader.expect(")");
    return () => ({ kind: "exists", select: select() });
  }
}

/** What a selected path is called in the answer: its last name, with the indexes behind it. */
export function nameOf(path: Path): string {
  const last = path.findLastIndex((step) => typeof step === "string");
  const [name = "", ...indexes] = path.slice(last);
  return name + indexes.map((index) => `[${index}]`).join("");
}
