import type { Handler, OperationInput } from "#protocol/service/service.ts";
import type { DynamoDb, OperationDeps } from "../deps.ts";
import { pathsOfCondition } from "../expressions/expressions.ts";
import { segmentRange } from "../items/places.ts";
import { readPage } from "../queries/pages.ts";
import { isInside, positionOf, rangeBehind } from "../queries/ranges.ts";
import { checkSelect, selectionOf, sourceOf } from "../queries/selection.ts";
import { checkedItem, validation } from "../values/values.ts";
import { pageAnswer } from "./page-answers.ts";

type Input = OperationInput<DynamoDb, "Scan">;

/** All of a table or index, or one of the equal parts that make it. */
export function scan(deps: OperationDeps): Handler<DynamoDb, "Scan"> {
  return async (input, context) => {
    const start = input.ExclusiveStartKey && checkedItem(input.ExclusiveStartKey);
    const { projection, filter } = deps.expressions.read("Scan", input);
    checkSelect(input, projection);
    const { segment, total } = segmentOf(input);
    const table = await deps.tables.find(input.TableName, context);
    const source = sourceOf(table, input);
    const filtered = filter ? pathsOfCondition(filter) : [];
    const selection = selectionOf(source, { input, projection, filtered });
    let range = segmentRange(source.prefix, segment, total);
    if (start) {
      const position = positionOf(table, source, { key: start, operation: "Scan" });
      if (!isInside(range, position)) {
        throw validation(
          `The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: ${total} Segment: ${segment}`,
        );
      }
      range = rangeBehind(range, position, false);
    }
    const request = { ...selection, range, reverse: false, limit: input.Limit, filter };
    const page = await deps.store.read((reader) => readPage(reader, { table, source }, request));
    return pageAnswer({ table, source, page, collects: selection.collects }, input);
  };
}

function segmentOf({ Segment: segment, TotalSegments: total }: Input) {
  if (segment === undefined && total === undefined) return { segment: 0, total: 1 };
  if (total === undefined) {
    throw validation(
      "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    );
  }
  if (segment === undefined) {
    throw validation(
      "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
    );
  }
  if (segment >= total) {
    throw validation(
      `The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: ${segment} is not less than TotalSegments: ${total}`,
    );
  }
  return { segment, total };
}
