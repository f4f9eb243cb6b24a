import { validation } from "../values/values.ts";
import type { AttributeValue } from "../values/values.ts";
import { bindCondition } from "./bind-condition.ts";
import { bindProjection, bindUpdate } from "./bind-update.ts";
import type { BoundCondition, BoundUpdate, Path } from "./bound.ts";
import { keyConditionsOf } from "./key-conditions.ts";
import type { KeyConditions } from "./key-conditions.ts";
import {
  conditionOfExpected,
  conditionOfFilter,
  keyConditionsOfLegacy,
  pathsOfLegacy,
  updateOfLegacy,
} from "./legacy.ts";
import type { LegacyCondition, LegacyExpectation, LegacyUpdate } from "./legacy.ts";
import { Placeholders } from "./placeholders.ts";
import type { Readings } from "./readings.ts";

/** Every member of a request that is an expression, stands for one, or is used in one. */
export interface ExpressionParameters {
  readonly ConditionExpression?: string | undefined;
  readonly FilterExpression?: string | undefined;
  readonly KeyConditionExpression?: string | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ProjectionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>> | undefined;
  readonly Expected?: Readonly<Record<string, LegacyExpectation>> | undefined;
  readonly AttributeUpdates?: Readonly<Record<string, LegacyUpdate>> | undefined;
  readonly KeyConditions?: Readonly<Record<string, LegacyCondition>> | undefined;
  readonly QueryFilter?: Readonly<Record<string, LegacyCondition>> | undefined;
  readonly ScanFilter?: Readonly<Record<string, LegacyCondition>> | undefined;
  readonly ConditionalOperator?: string | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
}

/** What a request asks for, checked and ready to be evaluated against any number of items. */
export interface RequestExpressions {
  /** `ConditionExpression` or `Expected`. */
  readonly condition: BoundCondition | undefined;
  /** `FilterExpression`, `QueryFilter` or `ScanFilter`. */
  readonly filter: BoundCondition | undefined;
  /** `KeyConditionExpression` or `KeyConditions`. */
  readonly keyConditions: KeyConditions | undefined;
  /** `UpdateExpression` or `AttributeUpdates`. */
  readonly update: BoundUpdate | undefined;
  /** `ProjectionExpression` or `AttributesToGet`. */
  readonly projection: readonly Path[] | undefined;
}

type ExpressionName =
  | "ConditionExpression"
  | "FilterExpression"
  | "KeyConditionExpression"
  | "UpdateExpression"
  | "ProjectionExpression";
type LegacyName =
  | "Expected"
  | "AttributeUpdates"
  | "KeyConditions"
  | "QueryFilter"
  | "ScanFilter"
  | "ConditionalOperator"
  | "AttributesToGet";

interface Accepted {
  readonly expressions: readonly ExpressionName[];
  readonly legacy: readonly LegacyName[];
}

/** In the order in which the service names them. */
const acceptedBy = {
  GetItem: { expressions: ["ProjectionExpression"], legacy: ["AttributesToGet"] },
  PutItem: { expressions: ["ConditionExpression"], legacy: ["Expected", "ConditionalOperator"] },
  DeleteItem: { expressions: ["ConditionExpression"], legacy: ["Expected", "ConditionalOperator"] },
  UpdateItem: {
    expressions: ["UpdateExpression", "ConditionExpression"],
    legacy: ["AttributeUpdates", "Expected", "ConditionalOperator"],
  },
  ConditionCheck: { expressions: ["ConditionExpression"], legacy: [] },
  Query: {
    expressions: ["ProjectionExpression", "FilterExpression", "KeyConditionExpression"],
    legacy: ["AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"],
  },
  Scan: {
    expressions: ["ProjectionExpression", "FilterExpression"],
    legacy: ["AttributesToGet", "ScanFilter", "ConditionalOperator"],
  },
} as const satisfies Readonly<Record<string, Accepted>>;

/** `GetItem` is BatchGetItem's and TransactGetItems' too, the others are TransactWriteItems' as well. */
export type ExpressionOperation = keyof typeof acceptedBy;

/**
 * Reads everything `operation` takes. `ValidationException` for old and new parameters side by side, and for
 * whatever is wrong with one of them, in the order of production:
 * https://github.com/architect/dynalite/blob/main/validations/index.js (seen 2026-11)
 */
export function readRequest(
  operation: ExpressionOperation,
  request: ExpressionParameters,
  readings: Readings,
): RequestExpressions {
  if (!isAnyGiven(request) && operation !== "Query") return nothing;
  checkKinds(acceptedBy[operation], request);
  if (
    operation === "Query" &&
    !request.KeyConditions &&
    request.KeyConditionExpression === undefined
  ) {
    throw validation(
      "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    );
  }
  checkConditionalOperator(request);
  const legacy = isLegacyGiven(request) || request.KeyConditions ? readLegacy(request) : nothing;
  const placeholders = new Placeholders(
    request.ExpressionAttributeNames,
    request.ExpressionAttributeValues,
  );
  const read = readExpressions(request, readings, placeholders);
  placeholders.checkUsed();
  return {
    condition: read.condition ?? legacy.condition,
    filter: read.filter ?? legacy.filter,
    keyConditions: read.keyConditions ?? legacy.keyConditions,
    update: read.update ?? legacy.update,
    projection: read.projection ?? legacy.projection,
  };
}

/** Most writes ask for nothing. */
const nothing: RequestExpressions = {
  condition: undefined,
  filter: undefined,
  keyConditions: undefined,
  update: undefined,
  projection: undefined,
};

function isAnyGiven(request: ExpressionParameters): boolean {
  return (
    request.ConditionExpression !== undefined ||
    request.UpdateExpression !== undefined ||
    request.ProjectionExpression !== undefined ||
    request.FilterExpression !== undefined ||
    request.ExpressionAttributeNames !== undefined ||
    request.ExpressionAttributeValues !== undefined ||
    isLegacyGiven(request)
  );
}

function isLegacyGiven(request: ExpressionParameters): boolean {
  return (
    request.Expected !== undefined ||
    request.AttributeUpdates !== undefined ||
    request.AttributesToGet !== undefined ||
    request.ScanFilter !== undefined ||
    request.QueryFilter !== undefined ||
    request.ConditionalOperator !== undefined
  );
}

/** It says how several conditions are joined. */
function checkConditionalOperator(request: ExpressionParameters): void {
  const { ConditionalOperator, Expected, QueryFilter, ScanFilter } = request;
  if (ConditionalOperator === undefined) return;
  const count = Object.keys(Expected ?? QueryFilter ?? ScanFilter ?? {}).length;
  if (count > 1) return;
  throw validation(
    count === 0
      ? "ConditionalOperator cannot be used without Filter or Expected"
      : "ConditionalOperator can only be used when Filter or Expected has two or more elements",
  );
}

function readLegacy(request: ExpressionParameters): RequestExpressions {
  const { Expected, QueryFilter, ScanFilter, ConditionalOperator } = request;
  const { AttributeUpdates, AttributesToGet, KeyConditions } = request;
  const filter = QueryFilter ?? ScanFilter;
  const update = AttributeUpdates && updateOfLegacy(AttributeUpdates);
  return {
    update,
    condition: Expected && conditionOfExpected(Expected, ConditionalOperator),
    filter: filter && conditionOfFilter(filter, ConditionalOperator),
    projection: AttributesToGet && pathsOfLegacy(AttributesToGet),
    keyConditions: KeyConditions && keyConditionsOfLegacy(KeyConditions),
  };
}

function readExpressions(
  request: ExpressionParameters,
  readings: Readings,
  placeholders: Placeholders,
): RequestExpressions {
  const { UpdateExpression, ProjectionExpression } = request;
  const condition = (
    parameter: "ConditionExpression" | "KeyConditionExpression" | "FilterExpression",
  ): BoundCondition | undefined => {
    const text = request[parameter];
    if (text === undefined) return undefined;
    return bindCondition(readings.condition(text, parameter), { placeholders, parameter });
  };
  const update =
    UpdateExpression === undefined
      ? undefined
      : bindUpdate(readings.update(UpdateExpression), {
          placeholders,
          parameter: "UpdateExpression",
        });
  const conditionExpression = condition("ConditionExpression");
  const keyCondition = condition("KeyConditionExpression");
  const filter = condition("FilterExpression");
  const projection =
    ProjectionExpression === undefined
      ? undefined
      : bindProjection(readings.projection(ProjectionExpression), {
          placeholders,
          parameter: "ProjectionExpression",
        });
  return {
    update,
    condition: conditionExpression,
    filter,
    projection,
    keyConditions: keyCondition && keyConditionsOf(keyCondition),
  };
}

function checkKinds(accepted: Accepted, request: ExpressionParameters): void {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = request;
  if (!names && !values && !request.KeyConditions && !isLegacyGiven(request)) return;
  const isGiven = (name: ExpressionName | LegacyName): boolean => request[name] !== undefined;
  const expressions = accepted.expressions.filter(isGiven);
  const legacy = accepted.legacy.filter(isGiven);
  // KeyConditions go with the other expressions while there is no KeyConditionExpression.
  const isAlone = request.KeyConditionExpression === undefined;
  const mixed = legacy.filter((name) => !(name === "KeyConditions" && isAlone));
  if (expressions.length > 0 && mixed.length > 0) {
    throw validation(
      "Can not use both expression and non-expression parameters in the same request: " +
        `Non-expression parameters: {${mixed.join(", ")}} Expression parameters: {${expressions.join(", ")}}`,
    );
  }
  if (names && expressions.length === 0) {
    throw validation("ExpressionAttributeNames can only be specified when using expressions");
  }
  const users = accepted.expressions.filter((name) => name !== "ProjectionExpression");
  if (!values || users.length === 0 || users.some(isGiven)) return;
  throw validation(
    `ExpressionAttributeValues can only be specified when using expressions: ${users.join(" and ")} ${users.length > 1 ? "are" : "is"} null`,
  );
}
