import { addressKey } from "./addresses.ts";
import { globMatches, type Glob } from "./glob.ts";

export type Scalar = string | number | boolean | null;

/** What one value of one field is asked. */
export type Condition =
  | { readonly kind: "exact"; readonly value: Scalar }
  /** Between two address keys, both included. */
  | { readonly kind: "address"; readonly low: string; readonly high: string }
  | TextCondition
  /** Between two numbers, both included. */
  | { readonly kind: "numeric"; readonly low: number; readonly high: number }
  | { readonly kind: "anything-but"; readonly values: readonly Scalar[] }
  | { readonly kind: "none-of"; readonly texts: readonly TextCondition[] }
  | { readonly kind: "exists"; readonly isPresent: boolean };

export type TextCondition =
  | { readonly kind: "prefix" | "suffix"; readonly text: string; readonly ignoresCase: boolean }
  | { readonly kind: "equals-ignore-case"; readonly text: string }
  | { readonly kind: "wildcard"; readonly glob: Glob };

/** How texts are compared where case is ignored. Conditions hold the folded text. */
export function fold(text: string): string {
  return text.toLowerCase();
}

export function textHolds(condition: TextCondition, value: string): boolean {
  switch (condition.kind) {
    case "prefix":
      return (condition.ignoresCase ? fold(value) : value).startsWith(condition.text);
    case "suffix":
      return (condition.ignoresCase ? fold(value) : value).endsWith(condition.text);
    case "equals-ignore-case":
      return fold(value) === condition.text;
    case "wildcard":
      return globMatches(condition.glob, value);
    default:
      return condition satisfies never;
  }
}

/** Both closed negations: they hold for values of any other type, and for no absent field. */
export function butHolds(
  condition: Condition & { readonly kind: "anything-but" | "none-of" },
  value: Scalar,
): boolean {
  if (condition.kind === "anything-but") return !condition.values.includes(value);
  return typeof value !== "string" || !condition.texts.some((text) => textHolds(text, value));
}

/** An address written as text matches other spellings of the same. */
export function exactly(value: Scalar): Condition {
  const key = typeof value === "string" ? addressKey(value) : undefined;
  return key === undefined ? { kind: "exact", value } : { kind: "address", low: key, high: key };
}
