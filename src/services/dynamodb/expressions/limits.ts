/** Bounds of expressions: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters (seen 2026-11). */

/** Bytes of one expression. */
export const expressionBytesMax = 4_096;

/** Operators and functions in one expression. */
export const operatorsMax = 300;

/** Operands behind IN. */
export const inOperandsMax = 100;

/** Steps of a document path. */
export const pathStepsMax = 32;

/** Bytes of a placeholder such as `#name` or `:value`. */
export const placeholderBytesMax = 255;

/** Largest index of a list element. */
export const listIndexMax = 2_147_483_647;

/** Parentheses, NOTs and calls inside one another; bounds the parser's recursion. Ours. */
export const depthMax = 320;

/** Parsed expressions that are kept for the next request with the same text. Ours. */
export const cachedExpressionsMax = 2_000;
