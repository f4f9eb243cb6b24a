import type { Comparator } from "./lexer.ts";

/** Expressions as they are written: names and values still stand for something a request defines. */

export type Step =
  | { readonly kind: "name"; readonly name: string }
  /** `#name`, with its sign. */
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "index"; readonly index: number };

export interface PathNode {
  readonly kind: "path";
  readonly steps: readonly Step[];
}

export interface ValueNode {
  readonly kind: "value";
  /** `:value`, with its sign. */
  readonly placeholder: string;
}

export interface CallNode {
  readonly kind: "call";
  readonly name: string;
  readonly operands: readonly Operand[];
}

export type Operand = PathNode | ValueNode | CallNode;

export type Condition =
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "not"; readonly negated: Condition }
  | {
      readonly kind: "compare";
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly kind: "between";
      readonly operand: Operand;
      readonly low: Operand;
      readonly high: Operand;
    }
  | { readonly kind: "in"; readonly operand: Operand; readonly among: readonly Operand[] }
  | CallNode;

/** What SET gives a path: an operand, or two with a sign between them. */
export type SetValue =
  | Operand
  | {
      readonly kind: "sum";
      readonly sign: "+" | "-";
      readonly left: Operand;
      readonly right: Operand;
    };

export type Action =
  | { readonly kind: "set"; readonly path: PathNode; readonly value: SetValue }
  | { readonly kind: "remove"; readonly path: PathNode }
  | { readonly kind: "add" | "delete"; readonly path: PathNode; readonly value: ValueNode };

/** Actions in the order they are written. */
export interface Update {
  readonly actions: readonly Action[];
  /** A section that stands there twice; refused once the names are known to be none of the reserved words. */
  readonly repeatedSection: string | undefined;
}

export interface Projection {
  readonly paths: readonly PathNode[];
}
