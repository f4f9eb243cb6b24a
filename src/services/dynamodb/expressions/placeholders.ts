import { checkedValue, validation } from "../values/values.ts";
import type { AttributeValue } from "../values/values.ts";
import { placeholderBytesMax } from "./limits.ts";
import type { ExpressionParameter } from "./parser.ts";
import { saidOf } from "./paths.ts";

/** What `#names` and `:values` of a request stand for, and which of them its expressions used. */
export class Placeholders {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: Readonly<Record<string, AttributeValue>>;
  readonly #unusedNames: Set<string>;
  readonly #unusedValues: Set<string>;

  /**
   * `ValidationException` for keys that are no placeholders and for values that are none. The sentences are
   * production's: https://github.com/architect/dynalite/blob/main/test/updateItem.js (seen 2026-11).
   */
  constructor(
    names: Readonly<Record<string, string>> | undefined,
    values: Readonly<Record<string, AttributeValue>> | undefined,
  ) {
    this.#names = checkedNames(names ?? {}, names !== undefined);
    this.#values = checkedValues(values ?? {}, values !== undefined);
    this.#unusedNames = new Set(Object.keys(this.#names));
    this.#unusedValues = new Set(Object.keys(this.#values));
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
    this.#unusedNames.delete(alias);
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
    this.#unusedValues.delete(placeholder);
    return value;
  }

  /** After all expressions of the request were bound. `ValidationException` when something was not used. */
  checkUsed(): void {
    refuseUnused("Names", this.#unusedNames);
    refuseUnused("Values", this.#unusedValues);
  }
}

function refuseUnused(which: "Names" | "Values", unused: ReadonlySet<string>): void {
  if (unused.size === 0) return;
  throw validation(
    `Value provided in ExpressionAttribute${which} unused in expressions: keys: {${[...unused].join(", ")}}`,
  );
}

function checkedNames(
  names: Readonly<Record<string, string>>,
  isGiven: boolean,
): Readonly<Record<string, string>> {
  const keys = Object.keys(names);
  if (isGiven && keys.length === 0) throw validation("ExpressionAttributeNames must not be empty");
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
  const entries = Object.entries(values);
  if (isGiven && entries.length === 0) {
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
