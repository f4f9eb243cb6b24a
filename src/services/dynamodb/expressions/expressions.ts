import { Readings } from "./readings.ts";
import { readRequest } from "./request.ts";
import type { ExpressionOperation, ExpressionParameters, RequestExpressions } from "./request.ts";

export { applyUpdate } from "./apply-update.ts";
export { bindCondition } from "./bind-condition.ts";
export { bindUpdate } from "./bind-update.ts";
export type { BoundCondition, BoundOperand, BoundUpdate, Path } from "./bound.ts";
export { matches } from "./evaluate.ts";
export { keyRangeOf } from "./key-conditions.ts";
export type { KeyAttribute, KeyConditions, KeyRange } from "./key-conditions.ts";
export { pathsOfCondition, pathsWritten } from "./names.ts";
export { valueAt } from "./paths.ts";
export { Placeholders } from "./placeholders.ts";
export { project } from "./project.ts";
export type { ExpressionOperation, ExpressionParameters, RequestExpressions } from "./request.ts";
export type { Action, Condition, Operand, PathNode, SetValue, Step, ValueNode } from "./tree.ts";

/**
 * The expressions of DynamoDB and the parameters that came before them: text in, conditions, updates, key
 * ranges and projections out (`read`), which pure functions evaluate against items (`matches`, `applyUpdate`,
 * `keyRangeOf`, `project`). All refusals are `ValidationException`s in the words of the service.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */
export interface Expressions {
  /** Everything in the request that `operation` takes; a text read before is not parsed again. */
  read(operation: ExpressionOperation, request: ExpressionParameters): RequestExpressions;
}

export function createExpressions(): Expressions {
  const readings = new Readings();
  return { read: (operation, request) => readRequest(operation, request, readings) };
}
