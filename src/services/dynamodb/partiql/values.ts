import { assert } from "#base/assert.ts";
import { validation, type AttributeValue, type Item } from "../values/values.ts";
import type { Reader } from "./reader.ts";

/** Whether a literal or parameter begins here. */
export function isValueNext(reader: Reader): boolean {
  const { kind } = reader.peek();
  const starts = ["string", "number", "?", "[", "{", "<<", "-", "+"];
  return (
    starts.includes(kind) ||
    reader.isWord("TRUE") ||
    reader.isWord("FALSE") ||
    reader.isWord("NULL") ||
    reader.isWord("MISSING")
  );
}

/**
 * A literal, a parameter, or a list, tuple or bag of them. Not checked yet: numbers are as they are written.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
 */
export function readValue(reader: Reader): AttributeValue {
  const { kind, text } = reader.next();
  if (kind === "string") return { S: text };
  if (kind === "number") return { N: text };
  if (kind === "-" || kind === "+")
    return { N: (kind === "-" ? "-" : "") + reader.expect("number").text };
  if (kind === "?") return reader.parameter();
  if (kind === "[") return { L: reader.deeper(() => readList(reader, "]")) };
  if (kind === "<<") return setOf(reader.deeper(() => readList(reader, ">>")));
  if (kind === "{") return { M: reader.deeper(() => readTuple(reader)) };
  const value = kind === "word" ? wordValue(text) : undefined;
  return value ?? reader.fail("Unexpected term in expression");
}

function wordValue(word: string): AttributeValue | undefined {
  switch (word.toUpperCase()) {
    case "TRUE":
      return { BOOL: true };
    case "FALSE":
      return { BOOL: false };
    case "NULL":
      return { NULL: true };
    case "MISSING":
      throw validation("MISSING must be compared using IS operator");
    default:
      return undefined;
  }
}

function readList(reader: Reader, close: "]" | ">>"): AttributeValue[] {
  const list: AttributeValue[] = [];
  if (reader.accept(close)) return list;
  do list.push(readValue(reader));
  while (reader.accept(","));
  reader.expect(close);
  return list;
}

/** After its opening brace. Keys may be quoted either way. */
export function readTuple(reader: Reader): Item {
  const entries = new Map<string, AttributeValue>();
  if (!reader.accept("}")) {
    do {
      const { kind, text } = reader.next();
      if (kind !== "string" && kind !== "quoted" && kind !== "?") {
        return reader.fail("Expected string as tuple key");
      }
      const name = kind === "?" ? (reader.parameter().S ?? "") : text;
      reader.expect(":");
      if (entries.has(name)) throw validation(`Duplicate keys in tuple. Key: ${name} under root`);
      entries.set(name, readValue(reader));
    } while (reader.accept(","));
    reader.expect("}");
  }
  return Object.fromEntries(entries);
}

/** A bag stands for a set of numbers, strings or binaries. */
function setOf(members: readonly AttributeValue[]): AttributeValue {
  const [first] = members;
  if (!first) throw validation("Empty bags are not supported");
  const SS = members.flatMap(({ S }) => (S === undefined ? [] : [S]));
  if (SS.length === members.length) return { SS };
  const NS = members.flatMap(({ N }) => (N === undefined ? [] : [N]));
  if (NS.length === members.length) return { NS };
  const BS = members.flatMap(({ B }) => (B === undefined ? [] : [B]));
  if (BS.length === members.length) return { BS };
  assert(members.length > 0, "an empty bag was refused");
  throw validation(
    "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
  );
}
