import { validation } from "../values/values.ts";
import { cachedExpressionsMax, expressionBytesMax } from "./limits.ts";
import { parseCondition, parseProjection, parseUpdate } from "./parser.ts";
import type { ExpressionParameter } from "./parser.ts";
import { checkCondition, checkProjection, checkUpdate } from "./static-checks.ts";
import type { Condition, Projection, Update } from "./tree.ts";

/** Expressions by their text: applications send the same few again and again. */
export class Readings {
  readonly #conditions = new Map<string, Condition>();
  readonly #updates = new Map<string, Update>();
  readonly #projections = new Map<string, Projection>();

  /** `ValidationException` names the parameter; what was refused is read again the next time. */
  condition(text: string, parameter: ExpressionParameter): Condition {
    return kept(this.#conditions, text, () => {
      checkText(text, parameter);
      const condition = parseCondition(text, parameter);
      checkCondition(condition, parameter);
      return condition;
    });
  }

  update(text: string): Update {
    return kept(this.#updates, text, () => {
      checkText(text, "UpdateExpression");
      const update = parseUpdate(text);
      checkUpdate(update);
      return update;
    });
  }

  projection(text: string): Projection {
    return kept(this.#projections, text, () => {
      checkText(text, "ProjectionExpression");
      const projection = parseProjection(text);
      checkProjection(projection);
      return projection;
    });
  }
}

/** What came first goes first; a text that is still in use comes back with its next request. */
function kept<T>(cache: Map<string, T>, text: string, read: () => T): T {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const reading = read();
  if (cache.size >= cachedExpressionsMax) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }
  cache.set(text, reading);
  return reading;
}

/** https://github.com/nubo-db/dynamodb-conformance (expression size limit, seen 2026-11): bytes as sent. */
function checkText(text: string, parameter: ExpressionParameter): void {
  if (text === "") throw validation(`Invalid ${parameter}: The expression can not be empty;`);
  const bytes = Buffer.byteLength(text);
  if (bytes <= expressionBytesMax) return;
  throw validation(
    `Invalid ${parameter}: Expression size has exceeded the maximum allowed size; expression size: ${bytes}`,
  );
}
