/**
 * What an event must look like to be somebody's: the pattern language of EventBridge, and how SNS and
 * Lambda speak it.
 */
export { compilePattern, matches } from "./pattern.ts";
export { PatternIndex } from "./pattern-index.ts";
export { EventTooComplexError, PatternError } from "./pattern-error.ts";
export { compileFilterPolicy } from "./filter-policies.ts";
export { compileFilterCriteria } from "./filter-criteria.ts";
