import type { RequestContext } from "#base/context.ts";
import type { Reader } from "#storage/storage.ts";
import type { OperationDeps } from "../deps.ts";
import { keyRangeOf, pathsOfCondition, valueAt, type Path } from "../expressions/expressions.ts";
import { noneConsumed, readUnits, type Consumed } from "../items/capacity.ts";
import { segmentRange } from "../items/places.ts";
import { pageBytesMax } from "../limits.ts";
import { readPage, type Page, type PageRequest } from "../queries/pages.ts";
import { positionOf, queryRange, rangeBehind } from "../queries/ranges.ts";
import { selectionOf } from "../queries/selection.ts";
import type { Index, Primary, Table } from "../tables/tables.ts";
import { invalidParameters, setAttribute, validation, type Item } from "../values/values.ts";
import { nameOf } from "./parser.ts";
import { planRead, type ReadPlan } from "./plan.ts";
import type { Position } from "./positions.ts";
import type { Select } from "./statement.ts";

export interface SelectRequest {
  readonly limit: number | undefined;
  readonly isConsistent: boolean;
  readonly from: Position | undefined;
}

export interface Selected {
  readonly table: Table;
  readonly items: readonly Item[];
  /** Where the next page begins; undefined on the last. */
  readonly next: Position | undefined;
  readonly consumed: Consumed;
}

/** Carries out one page of a SELECT, from one snapshot. Throws ValidationException and ResourceNotFoundException. */
export async function runSelect(
  deps: OperationDeps,
  select: Select,
  asked: SelectRequest & { readonly context: RequestContext },
): Promise<Selected> {
  const table = await deps.tables.find(select.source.table, asked.context);
  const source = sourceOf(table, select.source.index, asked.isConsistent);
  const plan = planRead(select, source);
  refuseUnprojected(source, plan);
  const { fetches } = selectionOf(source, {
    input: {},
    projection: select.paths ?? [],
    filtered: [],
  });
  const shape = shapeOf(select.paths);
  const request = { fetches, shape, filter: plan.filter, reverse: plan.isDescending };
  return deps.store.read((reader) => readParts(reader, { table, source, plan, request }, asked));
}

function sourceOf(table: Table, name: string | undefined, isConsistent: boolean): Primary | Index {
  if (name === undefined) return table.primary;
  const index = table.indexes.find((one) => one.name === name);
  if (!index) throw validation("The table does not have the specified index");
  if (index.isBackfilling) {
    throw validation(`Cannot read from backfilling global secondary index: ${name}`);
  }
  if (index.kind === "global" && isConsistent) {
    throw validation("Strongly consistent read is not supported on Global Secondary Indexes");
  }
  return index;
}

/** A read of chosen partitions cannot filter by what its index does not hold; a scan then finds nothing there. */
function refuseUnprojected(source: Primary | Index, { partitions, filter }: ReadPlan): void {
  if (source.kind === "table" || !source.projected || !partitions || !filter) return;
  const { projected, name } = source;
  const names = new Set(pathsOfCondition(filter).map(([first]) => first));
  const missing = [...names].filter((one) => !projected.has(one));
  if (missing.length === 0) return;
  throw invalidParameters(
    `Secondary index ${name} does not project one or more filter attributes: [${missing.join(", ")}]`,
  );
}

/** Selected paths are called by their last names. */
export function shapeOf(paths: readonly Path[] | undefined): (item: Item) => Item {
  if (!paths) return (item) => item;
  return (item) => {
    const shown: Item = {};
    for (const path of paths) {
      const value = valueAt(item, path);
      if (value) setAttribute(shown, nameOf(path), value);
    }
    return shown;
  };
}

interface Reading {
  readonly table: Table;
  readonly source: Primary | Index;
  readonly plan: ReadPlan;
  readonly request: Pick<PageRequest, "fetches" | "shape" | "filter" | "reverse">;
}

/** One partition after the other, until the limit, a full page, or the end. */
function readParts(reader: Reader, reading: Reading, asked: SelectRequest): Selected {
  const { table, source, plan } = reading;
  const kind = asked.isConsistent ? "consistent" : "eventual";
  const consumed = noneConsumed();
  const items: Item[] = [];
  const partCount = plan.partitions?.length ?? 1;
  let left = asked.limit ?? Infinity;
  let bytes = 0;
  let next = asked.from ?? { part: 0, key: undefined };
  if (next.part >= partCount) throw validation("Invalid NextToken");
  while (next.part < partCount && left > 0 && bytes < pageBytesMax) {
    const page = readPart(reader, reading, { from: next, limit: left });
    items.push(...page.items);
    left -= page.scanned;
    bytes += page.bytes;
    addCost(consumed, source, { page, kind });
    const isCut = page.last !== undefined;
    next = isCut ? { part: next.part, key: page.last } : { part: next.part + 1, key: undefined };
    if (isCut) break;
  }
  return { table, items, consumed, next: next.part < partCount ? next : undefined };
}

function readPart(
  reader: Reader,
  { table, source, plan, request }: Reading,
  { from, limit }: { readonly from: Position; readonly limit: number },
): Page {
  const conditions = plan.partitions?.[from.part];
  const { hash, range: sortKey } = source;
  let range = conditions
    ? queryRange(source, keyRangeOf(conditions, sortKey ? [hash, sortKey] : [hash]))
    : segmentRange(source.prefix, 0, 1);
  if (from.key) {
    const operation = conditions ? "Query" : "Scan";
    const position = positionOf(table, source, { key: from.key, operation });
    range = rangeBehind(range, position, request.reverse);
  }
  const isBounded = Number.isFinite(limit);
  const on = { table, source };
  return readPage(reader, on, {
    ...request,
    range,
    collects: true,
    limit: isBounded ? limit : undefined,
  });
}

function addCost(
  consumed: Consumed,
  source: Primary | Index,
  read: { readonly page: Page; readonly kind: "consistent" | "eventual" },
): void {
  const { page, kind } = read;
  const units = readUnits(page.bytes, kind);
  if (source.kind === "table") consumed.table += units;
  else consumed.indexes.set(source.name, (consumed.indexes.get(source.name) ?? 0) + units);
  if (page.fetchedCount > 0) consumed.table += readUnits(page.fetchedBytes, kind);
}
