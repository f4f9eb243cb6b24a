/** Numeric operands and the values they are compared with: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-numeric-matching */
export const numericAbsMax = 5e9;

/** Objects and arrays inside each other, in patterns and along the matched paths of events; Jackson's own limit. */
export const depthMax = 1_000;

/** Alternatives that the `$or`s of one pattern may multiply to. */
export const branchesMax = 1_000;

/** Characters of the text that are repeated in an error, as Jackson does. */
export const quotedSourceMax = 500;

/** Above this product of lengths a text is searched in guaranteed linear time instead of by the engine. */
export const naiveSearchMax = 1_000_000;

/** Comparisons of array positions that one event may cost before it is refused. */
export const comparisonsMax = 5_000_000;

/** Of an SNS filter policy: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html */
export const policyKeysMax = 5;
export const policyCombinationsMax = 150;
export const policyBytesMax = 262_144;
