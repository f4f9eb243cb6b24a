/**
 * Attribute values and items: checking what callers send, numbers, order, equality, sizes, key bytes.
 * Pure. A value is the SDK's object with exactly one of the members in `valueTypes`.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
 */

export { checkedItem, checkedValue, tooNested } from "./checks.ts";
export { compareBytes, compareValues, isEqual } from "./equality.ts";
export { invalidParameters, validation } from "./errors.ts";
export { decodeKeyValue, encodeKeyValue } from "./key-bytes.ts";
export type { KeyType } from "./key-bytes.ts";
export { itemBytesMax, nestingMax } from "./limits.ts";
export { addNumbers, canonicalNumber, compareNumbers, subtractNumbers } from "./numbers.ts";
export { itemBytes, valueBytes } from "./sizes.ts";
export { attributeOf, copyOf, setAttribute, typeOf, valueTypes } from "./model.ts";
export type { AttributeValue, Item, ValueType } from "./model.ts";
