import { assert, unreachable } from "#base/assert.ts";
import {
  type AttributeValue,
  type Item,
  itemBytes,
  setAttribute,
  typeOf,
  type ValueType,
} from "../values/values.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/**
 * How items are kept: a version byte, the size the service counts, then each attribute as name, tag of its
 * type, and value; numbers as their canonical text. Binary because most requests do nothing with an item but write
 * it or read it back.
 */
const version = 1;
const tagOf: Readonly<Record<ValueType, number>> = {
  S: 1,
  N: 2,
  B: 3,
  SS: 4,
  NS: 5,
  BS: 6,
  M: 7,
  L: 8,
  BOOL: 9,
  NULL: 10,
};
const typeOfTag: readonly (ValueType | undefined)[] = [undefined, ...typesByTag()];

function typesByTag(): ValueType[] {
  return (Object.keys(tagOf) as ValueType[]).toSorted((a, b) => tagOf[a] - tagOf[b]); // keys of a record of them
}

const writer = new ByteWriter();

/** Good until the next item is encoded: hand it to a transaction, which copies, before that. */
export function encodeItem(item: Item, sizeBytes = itemBytes(item)): Uint8Array {
  writer.reset();
  writer.byte(version);
  writer.varint(sizeBytes);
  writeMap(item);
  return writer.written();
}

/** What `encodeItem` wrote; keeps nothing of `bytes`. */
export function decodeItem(bytes: Uint8Array): Item {
  const reader = new ByteReader(bytes);
  assert(reader.byte() === version, "an item was stored in a known format");
  reader.varint();
  return readMap(reader);
}

/** The size the service counts, without reading the attributes. */
export function storedItemBytes(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes.subarray(0, 16));
  reader.byte();
  return reader.varint();
}

function writeMap(map: Item): void {
  const names = Object.keys(map);
  writer.varint(names.length);
  for (const name of names) {
    writer.text(name);
    writeValue(map[name] as AttributeValue); // an own key; checked maps hold no undefined
  }
}

function writeValue(value: AttributeValue): void {
  if (value.S !== undefined) {
    writer.byte(tagOf.S);
    return writer.text(value.S);
  }
  if (value.N !== undefined) {
    writer.byte(tagOf.N);
    return writer.text(value.N);
  }
  const type = typeOf(value);
  writer.byte(tagOf[type]);
  switch (type) {
    case "B":
      return writer.bytes(value.B as Uint8Array); // `typeOf` says which member is there, here and below
    case "BOOL":
      return writer.byte(value.BOOL === true ? 1 : 0);
    case "NULL":
      return undefined;
    case "M":
      return writeMap(value.M as Item);
    case "L":
      return writeAll(value.L as AttributeValue[], writeValue);
    case "BS":
      return writeAll(value.BS as Uint8Array[], (bytes) => writer.bytes(bytes));
    case "SS":
    case "NS":
      return writeAll(value[type] as string[], (text) => writer.text(text));
    case "S":
    case "N":
      return undefined;
  }
  return unreachable(type);
}

function writeAll<T>(elements: readonly T[], write: (element: T) => void): void {
  writer.varint(elements.length);
  for (const element of elements) write(element);
}

function readMap(reader: ByteReader): Item {
  const map: Item = {};
  for (let left = reader.varint(); left > 0; left--)
    setAttribute(map, reader.text(), readValue(reader));
  return map;
}

function readValue(reader: ByteReader): AttributeValue {
  const type = typeOfTag[reader.byte()];
  assert(type, "an attribute was stored with a known type");
  switch (type) {
    case "S":
      return { S: reader.text() };
    case "N":
      return { N: reader.text() };
    case "B":
      return { B: reader.bytes() };
    case "BOOL":
      return { BOOL: reader.byte() === 1 };
    case "NULL":
      return { NULL: true };
    case "M":
      return { M: readMap(reader) };
    case "L":
      return { L: readAll(reader, readValue) };
    case "SS":
      return { SS: readAll(reader, (from) => from.text()) };
    case "NS":
      return { NS: readAll(reader, (from) => from.text()) };
    case "BS":
      return { BS: readAll(reader, (from) => from.bytes()) };
  }
  return unreachable(type);
}

function readAll<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const elements: T[] = [];
  for (let left = reader.varint(); left > 0; left--) elements.push(read(reader));
  return elements;
}
