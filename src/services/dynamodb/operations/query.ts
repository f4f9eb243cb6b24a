import type { Handler, OperationInput } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import {
  keyRangeOf,
  type Path,
  pathsOfCondition,
  type RequestExpressions,
} from "../expressions/expressions.ts";
import { readPage } from "../queries/pages.ts";
import { checkInside, positionOf, queryRange, rangeBehind } from "../queries/ranges.ts";
import { checkSelect, selectionOf, sourceOf } from "../queries/selection.ts";
import type { Index, Primary } from "../tables/tables.ts";
import { checkedItem, validation } from "../values/values.ts";
import { pageAnswer } from "./page-answers.ts";

type Input = OperationInput<DynamoDb, "Query">;

/** One range of the store, whatever is asked for. */
export function query(deps: OperationDeps): Handler<DynamoDb, "Query"> {
  return async (input, context) => {
    const start = input.ExclusiveStartKey && checkedItem(input.ExclusiveStartKey);
    const read = deps.expressions.read("Query", input);
    checkSelect(input, read.projection);
    const table = await deps.tables.find(input.TableName, context);
    const source = sourceOf(table, input);
    const filtered = read.filter ? pathsOfCondition(read.filter) : [];
    refuseKeyFilters(source, input, filtered);
    const keys = keysAsked(source, read);
    const selection = selectionOf(source, { input, projection: read.projection, filtered });
    const reverse = input.ScanIndexForward === false;
    const whole = queryRange(source, keys);
    let range = whole;
    if (start) {
      const position = positionOf(table, source, { key: start, operation: "Query" });
      checkInside(source, { range: whole, keys, position });
      range = rangeBehind(whole, position, reverse);
    }
    const request = { ...selection, range, reverse, limit: input.Limit, filter: read.filter };
    const page = await deps.store.read((reader) => readPage(reader, { table, source }, request));
    return pageAnswer({ table, source, page, collects: selection.collects }, input);
  };
}

function keysAsked(source: Primary | Index, { keyConditions }: RequestExpressions) {
  const conditions = keyConditions ?? new Map();
  const { hash, range } = source;
  return keyRangeOf(conditions, range ? [hash, range] : [hash]);
}

function refuseKeyFilters(
  { hash, range }: Primary | Index,
  input: Input,
  filtered: readonly Path[],
): void {
  const found = filtered.find(([name]) => name === hash.name || name === range?.name);
  if (!found) return;
  const what = input.QueryFilter ? "QueryFilter" : "Filter Expression";
  throw validation(
    `${what} can only contain non-primary key attributes: Primary key attribute: ${found[0]}`,
  );
}
