import type { Select } from "@aws-sdk/client-dynamodb";
import { type Path, project } from "../expressions/expressions.ts";
import type { Index, Primary, Table } from "../tables/tables.ts";
import { invalidParameters, type Item, validation } from "../values/values.ts";

/** What of each item a Query or Scan shows. */
export interface Selection {
  readonly collects: boolean;
  readonly fetches: boolean;
  readonly shape: (item: Item) => Item;
}

interface Asked {
  readonly Select?: Select | undefined;
  readonly AttributesToGet?: readonly string[] | undefined;
  readonly ConsistentRead?: boolean | undefined;
  readonly IndexName?: string | undefined;
}

/** The table itself or the index that is named. Throws ValidationException. */
export function sourceOf(table: Table, input: Asked): Primary | Index {
  const name = input.IndexName;
  if (name === undefined) return table.primary;
  const index = table.indexes.find((one) => one.name === name);
  if (!index) throw validation(`The table does not have the specified index: ${name}`);
  if (index.isBackfilling) {
    throw validation(`Cannot read from backfilling global secondary index: ${name}`);
  }
  if (index.kind === "global" && input.ConsistentRead) {
    throw validation("Consistent reads are not supported on global secondary indexes");
  }
  return index;
}

/** Of the parameters alone, before there is a table. Throws ValidationException. */
export function checkSelect(input: Asked, projection: readonly Path[] | undefined): void {
  const { Select: select, IndexName: index } = input;
  const member = input.AttributesToGet ? "AttributesToGet" : "ProjectionExpression";
  if (projection && select !== undefined && select !== "SPECIFIC_ATTRIBUTES") {
    const what = { COUNT: "only the Count", ALL_ATTRIBUTES: "ALL_ATTRIBUTES" };
    const got = select === "COUNT" || select === "ALL_ATTRIBUTES" ? what[select] : select;
    throw validation(`Cannot specify the ${member} when choosing to get ${got}`);
  }
  if (select === "SPECIFIC_ATTRIBUTES" && !projection) {
    throw validation(
      "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    );
  }
  if (select === "ALL_PROJECTED_ATTRIBUTES" && index === undefined) {
    throw validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  }
}

/** Throws ValidationException for what a global index does not hold; a local one's is fetched from the table. */
export function selectionOf(
  source: Primary | Index,
  asked: {
    readonly input: Asked;
    readonly projection: readonly Path[] | undefined;
    /** Attributes the filter reads. */
    readonly filtered: readonly Path[];
  },
): Selection {
  const { input, projection, filtered } = asked;
  const collects = input.Select !== "COUNT";
  const shape = projection
    ? (item: Item): Item => project(projection, item)
    : (item: Item): Item => item;
  if (source.kind === "table" || !source.projected) return { collects, fetches: false, shape };
  const { projected, name } = source;
  const missing = new Set(
    [...(projection ?? []), ...filtered]
      .map(([first]) => first)
      .filter((one) => !projected.has(one)),
  );
  if (source.kind === "local") {
    const fetches = input.Select === "ALL_ATTRIBUTES" || missing.size > 0;
    return { collects, fetches, shape };
  }
  if (input.Select === "ALL_ATTRIBUTES") {
    throw invalidParameters(
      `Select type ALL_ATTRIBUTES is not supported for global secondary index ${name} because its projection type is not ALL`,
    );
  }
  if (missing.size > 0) {
    throw invalidParameters(
      `Global secondary index ${name} does not project [${[...missing].join(", ")}]`,
    );
  }
  return { collects, fetches: false, shape };
}
