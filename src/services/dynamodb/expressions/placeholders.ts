import { removeFrom } from "#base/lists.ts";
import { checkedValue, validation } from "../values/values.ts";
import type { AttributeValue } from "../values/values.ts";
import { placeholderBytesMax } from "./limits.ts";
import type { ExpressionParameter } from "./parser.ts";
import { saidOf } from "./paths.ts";

const none = {};

/** What `#names` and `:values` of a request stand for, and which of them its expressions used. */
export class Placeholders {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Readonly<Record<string, AttributeValue>>;
  /** Lists, not sets: there are a few, and they are emptied with every request. */
  readonly #unusedNames: string[];
  readonly #unusedValues: string[];

  /**
   * `ValidationException` for keys that are no placeholders and for values that are none. The sentences are
   * production's: https://github.com/architect/dynalite/blob/main/test/updateItem.js (seen 2026-11).
   */
  constructor(
    names: Readonly<Record<string, string>> | undefined,
    values: Readonly<Record<string, AttributeValue>> | undefined,
  ) {
    this.#names = checkedNames(names ?? none, names !== undefined);
    this.#values = checkedValues(values ?? none, values !== undefined);
    this.#unusedNames = Object.keys(this.#names);
    this.#unusedValues = Object.keys(this.#values);
  }

  name(alias: string, parameter: ExpressionParameter | undefined): string {
    const name = Object.hasOwn(this.#names, alias) ? this.#names[alias] : undefined;
    if (name === undefined) {
      throw validation(
        saidOf(
          parameter,
          `An expression attribute name used in the document path is not defined; attribute name: ${alias}`,
        ),
      );
    }
    removeFrom(this.#unusedNames, alias);
    return name;
  }

  value(placeholder: string, parameter: ExpressionParameter | undefined): AttributeValue {
    const value = Object.hasOwn(this.#values, placeholder) ? this.#values[placeholder] : undefined;
    if (value === undefined) {
      throw validation(
        saidOf(
          parameter,
          `An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
        ),
      );
    }
    removeFrom(this.#unusedValues, placeholder);
    return value;
  }

  /** After all expressions of the request were bound. `ValidationException` when something was not used. */
  checkUsed(): void {
    refuseUnused("Names", this.#unusedNames);
    refuseUnused("Values", this.#unusedValues);
  }
}

function refuseUnused(which: "Names" | "Values", unused: readonly string[]): void {
  if (unused.length === 0) return;
  throw validation(
    `Value provided in ExpressionAttribute${which} unused in expressions: keys: {${unused.join(", ")}}`,
  );
}

function checkedNames(
  names: Readonly<Record<string, string>>,
  isGiven: boolean,
): Readonly<Record<string, string>> {
  if (!isGiven) return names;
  const keys = Object.keys(names);
  if (keys.length === 0) throw validation("ExpressionAttributeNames must not be empty");
  for (const key of keys) {
    checkKey("Names", key, /^#[0-9a-zA-Z_]+$/);
    if (names[key] !== "") continue;
    throw validation(
      `ExpressionAttributeNames contains invalid value: Empty attribute name for key ${key}`,
    );
  }
  return names;
}

function checkedValues(
  values: Readonly<Record<string, AttributeValue>>,
  isGiven: boolean,
): Readonly<Record<string, AttributeValue>> {
  if (!isGiven) return values;
  const entries = Object.entries(values);
  if (entries.length === 0) {
    throw validation("ExpressionAttributeValues must not be empty");
  }
  for (const [key] of entries) checkKey("Values", key, /^:[0-9a-zA-Z_]+$/);
  const checked: Record<string, AttributeValue> = {};
  for (const [key, value] of entries) checked[key] = valueFor(key, value);
  return checked;
}

function valueFor(key: string, value: AttributeValue): AttributeValue {
  try {
    return checkedValue(value);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ValidationException") throw error;
    throw validation(
      `ExpressionAttributeValues contains invalid value: ${error.message} for key ${key}`,
    );
  }
}

function checkKey(which: "Names" | "Values", key: string, form: RegExp): void {
  if (Buffer.byteLength(key) > placeholderBytesMax) {
    const size = which === "Names" ? ` size of key: ${Buffer.byteLength(key)}` : "";
    throw validation(
      `ExpressionAttribute${which} contains invalid key: The expression attribute map contains a key that is too long;${size}`,
    );
  }
  if (form.test(key)) return;
  throw validation(`ExpressionAttribute${which} contains invalid key: Syntax error; key: "${key}"`);
}
