import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** Attributes by name. Names are the callers': look them up with `attributeOf`. */
export type Item = Record<string, AttributeValue>;

export const valueTypes = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"] as const;
export type ValueType = (typeof valueTypes)[number];

/** The type of a checked value. */
export function typeOf(value: AttributeValue): ValueType {
  return valueTypes.find((type) => value[type] !== undefined) ?? "NULL";
}

/** An attribute the item itself has; nothing it inherits, whatever the name. */
export function attributeOf(item: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

/** A copy one level deep; names are the callers', `__proto__` is one of them. */
export function copyOf(map: Item): Record<string, AttributeValue> {
  return { ...map };
}

/** Sets an own attribute whatever its name is. */
export function setAttribute(
  map: Record<string, AttributeValue>,
  name: string,
  value: AttributeValue,
): void {
  if (name !== "__proto__") {
    map[name] = value;
    return;
  }
  Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
}
