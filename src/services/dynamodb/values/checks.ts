import { base64 } from "./equality.ts";
import { invalidParameters, validation } from "./errors.ts";
import { nestingMax } from "./limits.ts";
import { canonicalNumber } from "./numbers.ts";
import { copyOf, setAttribute } from "./model.ts";
import type { AttributeValue, Item, ValueType } from "./model.ts";

/**
 * A value a caller sent, checked, with numbers in their canonical text; the same object when nothing had
 * to change. Everything else in this folder takes checked values only. `ValidationException` in the words
 * of production: https://github.com/architect/dynalite/blob/main/test/putItem.js (seen 2026-11). Empty strings
 * and binaries are values like any other here; keys are not checked.
 */
export function checkedValue(value: AttributeValue, depth = 0): AttributeValue {
  if (depth >= nestingMax) throw tooNested();
  let count = 0;
  // Values come out of the wire's reader, which knows only these members.
  for (const type in value) if (value[type as ValueType] !== undefined) count++;
  if (count === 0) {
    throw validation(
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    );
  }
  if (count === 1 && (value.S !== undefined || value.B !== undefined || value.BOOL !== undefined)) {
    return value;
  }
  const checked = checkedMembers(value, depth);
  if (count > 1) {
    throw validation(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
  }
  return checked;
}

/** An item or key a caller sent; as `checkedValue`. */
export function checkedItem(item: Item): Item {
  return checkedMap(item, 0);
}

function checkedMembers(value: AttributeValue, depth: number): AttributeValue {
  let checked = value;
  if (value.N !== undefined) checked = checkedNumber(value.N, value);
  // A null is a null: measured in 2026-06, before it was refused (nubo-db/dynamodb-conformance, putItem).
  if (value.NULL === false) checked = { NULL: true };
  if (value.SS !== undefined) checkStrings(value.SS);
  if (value.NS !== undefined) checked = checkedNumbers(value.NS, value);
  if (value.BS !== undefined) checkBinaries(value.BS);
  if (value.L !== undefined) checked = checkedList(value.L, value, depth);
  if (value.M !== undefined) {
    const map = checkedMap(value.M, depth + 1);
    if (map !== value.M) checked = { M: map };
  }
  return checked;
}

/**
 * An attribute is the first level, what is in it the second: measured by
 * https://github.com/nubo-db/dynamodb-conformance (nesting-depth, seen 2026-11).
 */
export function tooNested(): Error {
  return validation(
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit",
  );
}

function checkedNumber(text: string, value: AttributeValue): AttributeValue {
  const canonical = canonicalNumber(text);
  return canonical === text ? value : { N: canonical };
}

function checkStrings(members: readonly string[]): void {
  if (members.length === 0) throw invalidParameters("An string set  may not be empty");
  if (new Set(members).size < members.length) {
    throw invalidParameters(`Input collection [${members.join(", ")}] contains duplicates.`);
  }
}

function checkedNumbers(members: readonly string[], value: AttributeValue): AttributeValue {
  if (members.length === 0) throw invalidParameters("An number set  may not be empty");
  const numbers = members.map(canonicalNumber);
  if (new Set(numbers).size < numbers.length) {
    throw validation("Input collection contains duplicates");
  }
  return numbers.every((number, at) => number === members[at]) ? value : { NS: numbers };
}

/** The missing space is the service's. */
function checkBinaries(members: readonly Uint8Array[]): void {
  if (members.length === 0) throw invalidParameters("Binary sets should not be empty");
  const texts = members.map(base64);
  if (new Set(texts).size < texts.length) {
    throw invalidParameters(
      `Input collection [${texts.join(", ")}]of type BS contains duplicates.`,
    );
  }
}

function checkedList(
  list: readonly AttributeValue[],
  value: AttributeValue,
  depth: number,
): AttributeValue {
  const elements = list.map((element) => checkedValue(element, depth + 1));
  return elements.every((element, at) => element === list[at]) ? value : { L: elements };
}

function checkedMap(map: Item, depth: number): Record<string, AttributeValue> {
  let changed: Record<string, AttributeValue> | undefined;
  for (const name of Object.keys(map)) {
    const value = map[name];
    if (value === undefined) continue;
    const checked = checkedValue(value, depth);
    if (checked === value) continue;
    changed ??= copyOf(map);
    setAttribute(changed, name, checked);
  }
  return changed ?? map;
}
