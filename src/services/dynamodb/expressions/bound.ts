import type { AttributeValue } from "../values/values.ts";
import type { Comparator } from "./lexer.ts";

/** Expressions whose names and values are known: what is evaluated. Legacy parameters become the same. */

/** Names of attributes and map members, and indexes of list elements; begins with a name. */
export type Path = readonly [string, ...(string | number)[]];

export interface PathOperand {
  readonly kind: "path";
  readonly path: Path;
}

export interface ValueOperand {
  readonly kind: "value";
  /** Checked, its numbers canonical. */
  readonly value: AttributeValue;
}

export type BoundOperand =
  | PathOperand
  | ValueOperand
  | { readonly kind: "size"; readonly of: BoundOperand };

export type BoundCondition =
  | { readonly kind: "and" | "or"; readonly left: BoundCondition; readonly right: BoundCondition }
  | { readonly kind: "not"; readonly negated: BoundCondition }
  | {
      readonly kind: "compare";
      readonly comparator: Comparator;
      readonly left: BoundOperand;
      readonly right: BoundOperand;
    }
  | {
      readonly kind: "between";
      readonly operand: BoundOperand;
      readonly low: BoundOperand;
      readonly high: BoundOperand;
    }
  | { readonly kind: "in"; readonly operand: BoundOperand; readonly among: readonly BoundOperand[] }
  | { readonly kind: "attribute_exists" | "attribute_not_exists"; readonly path: Path }
  | {
      readonly kind: "attribute_type" | "begins_with" | "contains";
      readonly operand: BoundOperand;
      readonly argument: BoundOperand;
    };

export type BoundSetValue =
  | PathOperand
  | ValueOperand
  | { readonly kind: "if_not_exists"; readonly path: Path; readonly otherwise: BoundSetValue }
  | {
      readonly kind: "list_append" | "+" | "-";
      readonly left: BoundSetValue;
      readonly right: BoundSetValue;
    };

export type BoundAction =
  | { readonly kind: "set"; readonly path: Path; readonly value: BoundSetValue }
  | { readonly kind: "remove"; readonly path: Path }
  | { readonly kind: "add" | "delete"; readonly path: Path; readonly value: AttributeValue };

/** Every path once; none inside another. */
export interface BoundUpdate {
  readonly actions: readonly BoundAction[];
  /** `AttributeUpdates`: wrong types are told in other words. */
  readonly isLegacy: boolean;
}
